"""Try a camera before it is registered: the gateway asks through Redis, any ingest answers, since only ingest reads
cameras and may be the only one that reaches them."""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal

import msgpack
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_serializer
from redis.asyncio import Redis

from libs.common import keys
from libs.common.bus import as_bytes
from libs.common.cameras import CameraUrl
from libs.common.errors import SourceCause
from libs.common.logging import get_logger
from libs.common.redis_clock import ask_now_ms

_log = get_logger("probe_queue")

WAITING_MAX: Final = 20
EXPIRES_S: Final = 60
LOOK_EVERY_S: Final = 0.2
DEADLINE_S: Final = 25.0
WORKER_EXPIRES_S: Final = 10
"""How long an ingest counts as there after it last said so."""
NOBODY_ANSWERS: Final = "no ingest answered in time; is one running?"


class ProbeResult(BaseModel):
    """What a camera turned out to be, or why it does not work."""

    ok: bool
    problem: Annotated[str, Field(description="why not, in a sentence; empty if it works")] = ""
    cause: Annotated[SourceCause, Field(description="why not, for programs; `other` if it works")] = "other"
    kind: Annotated[str, Field(description="for example: MJPEG stream over HTTP")] = ""
    width: Annotated[int, Field(description="pixels")] = 0
    height: Annotated[int, Field(description="pixels")] = 0
    fps: Annotated[float, Field(description="frames a second that came, over about three seconds")] = 0.0
    frame_bytes: Annotated[int, Field(description="size of the first picture as JPEG")] = 0
    first_frame_ms: Annotated[int, Field(description="from the first attempt to the first picture")] = 0
    picture: Annotated[
        bytes | None, Field(repr=False, description="the first picture; in JSON as `data:image/jpeg;base64,…`")
    ] = None

    @field_serializer("picture", when_used="json")
    def _as_data_url(self, picture: bytes | None) -> str | None:
        return None if picture is None else "data:image/jpeg;base64," + base64.b64encode(picture).decode()


class ProbeRequest(BaseModel):
    """Somebody wants to know about an address."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    probe_id: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    url: CameraUrl
    expires_at_ms: Annotated[int, Field(description="by Redis's clock")]


class FoundStream(BaseModel):
    """One media profile of a camera on the network."""

    profile: str
    width: int = 0
    height: int = 0
    rtsp_url: Annotated[str, Field(description="without user and password; empty if the camera gives none")] = ""
    snapshot_url: Annotated[str, Field(description="of single JPEGs; empty if the camera gives none")] = ""


class FoundCamera(BaseModel):
    """One camera on the network, as it describes itself over ONVIF."""

    address: Annotated[str, Field(description="host, or host:port, of its ONVIF service")]
    name: str = ""
    problem: Annotated[str, Field(description="why its streams are not known, in a sentence; empty if they are")] = ""
    streams: list[FoundStream] = []


class DiscoverResult(BaseModel):
    """The cameras that answered."""

    cameras: list[FoundCamera] = []
    problem: Annotated[str, Field(description="why there are none, and what to do; empty if there are some")] = ""


class DiscoverRequest(BaseModel):
    """Somebody wants to know which cameras there are."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    probe_id: Annotated[str, Field(pattern="^[0-9a-f]{32}$")]
    kind: Literal["discover"] = "discover"
    addresses: list[str] = []
    user: str = ""
    password: Annotated[str, Field(repr=False)] = ""


async def ask(redis: Redis, url: str, timeout_s: float = DEADLINE_S) -> ProbeResult:
    """Let an ingest try an address; never raises for what is wrong with the camera.

    Args:
        redis: the bus.
        url: a checked camera URL; the caller decides which addresses may be tried.
        timeout_s: how long to wait for the answer.

    Raises:
        redis.RedisError: Redis is away.
    """
    expires_at_ms = await ask_now_ms(redis) + round(timeout_s * 1000)
    request = ProbeRequest(probe_id=secrets.token_hex(16), url=url, expires_at_ms=expires_at_ms)
    answer = await _exchange(redis, request, timeout_s)
    return ProbeResult(ok=False, problem=answer) if isinstance(answer, str) else ProbeResult.model_validate(answer)


async def ask_to_discover(
    redis: Redis, addresses: Sequence[str], user: str, password: str, timeout_s: float = DEADLINE_S
) -> DiscoverResult:
    """Let an ingest look for cameras on its network.

    Args:
        redis: the bus.
        addresses: ask these hosts only; none for whoever answers a multicast.
        user: for the cameras' ONVIF services; may be empty.
        password: that user's.
        timeout_s: how long to wait for the answer.

    Raises:
        redis.RedisError: Redis is away.
    """
    request = DiscoverRequest(probe_id=secrets.token_hex(16), addresses=list(addresses), user=user, password=password)
    answer = await _exchange(redis, request, timeout_s)
    return DiscoverResult(problem=answer) if isinstance(answer, str) else DiscoverResult.model_validate(answer)


async def _exchange(redis: Redis, request: ProbeRequest | DiscoverRequest, timeout_s: float) -> dict[str, Any] | str:
    """Send a request and wait for its answer; a text says why there is none."""
    if not await redis.exists(keys.PROBE_WORKER):
        return NOBODY_ANSWERS
    if await redis.llen(keys.PROBES) >= WAITING_MAX:
        return "too many addresses are being tried at once; try again in a minute"
    pipe = redis.pipeline(transaction=True)
    pipe.rpush(keys.PROBES, request.model_dump_json())
    pipe.expire(keys.PROBES, EXPIRES_S)
    await pipe.execute()
    until_s = time.monotonic() + timeout_s
    while time.monotonic() < until_s:
        if (answer := await redis.lpop(keys.probe_answer(request.probe_id))) is not None:
            assert isinstance(answer, bytes)
            unpacked: dict[str, Any] = msgpack.unpackb(answer)
            return unpacked
        await asyncio.sleep(LOOK_EVERY_S)
    return NOBODY_ANSWERS


async def announce_worker(redis: Redis) -> None:
    """Say, as an ingest, that addresses are taken; to be said again within `WORKER_EXPIRES_S`.

    Raises:
        redis.RedisError: Redis is away.
    """
    await redis.set(keys.PROBE_WORKER, b"", ex=WORKER_EXPIRES_S)


async def take(redis: Redis) -> ProbeRequest | DiscoverRequest | None:
    """The next address to try, for an ingest; None if nobody waits for one.

    Raises:
        redis.RedisError: Redis is away.
    """
    while (text := await redis.lpop(keys.PROBES)) is not None:
        assert not isinstance(text, list)
        try:
            request = _read_request(as_bytes(text))
        except ValidationError as error:
            _log.warning("unreadable request to try a camera", problem=error.errors()[0]["msg"])
            continue
        if isinstance(request, DiscoverRequest) or request.expires_at_ms > await ask_now_ms(redis):
            return request
    return None


def _read_request(text: bytes) -> ProbeRequest | DiscoverRequest:
    kind = DiscoverRequest if b'"kind":"discover"' in text else ProbeRequest
    return kind.model_validate_json(text)


async def answer(redis: Redis, request: ProbeRequest | DiscoverRequest, result: ProbeResult | DiscoverResult) -> None:
    """Send the answer to the process that asked.

    Raises:
        redis.RedisError: Redis is away.
    """
    key = keys.probe_answer(request.probe_id)
    pipe = redis.pipeline(transaction=True)
    pipe.rpush(key, msgpack.packb(result.model_dump()))
    pipe.expire(key, EXPIRES_S)
    await pipe.execute()
