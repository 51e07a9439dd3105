"""The camera zoo in front of the real ingest, and in front of `lotcast probe`: the same verdict and words."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import trustme
from redis.asyncio import Redis

from libs.common import keys
from libs.common.cameras import Camera
from services.ingest.probe import probe
from services.ingest.settings import IngestSettings
from services.ingest.sources.tls import tls_context
from tests.ingest.zoo import RTSP, ZOO
from tests.ingest.zoo.animal import Animal, contexts_of, on_show
from tests.support.processes import running
from tests.support.waiting import wait_for

QUICK = IngestSettings(stall_after_s=3, connect_timeout_s=3, hwaccel="off")
PATIENT = IngestSettings(stall_after_s=20, connect_timeout_s=20, hwaccel="off")
"""For verdicts: each camera answers, but on a busy machine some want a while to begin."""
AT_ONCE = 16
ASKED_OFTEN = ("503-when-asked-too-often", "closes-after-each-frame")
FIRST_PICTURE_WITHIN_MS = 2000


@dataclass(frozen=True, slots=True)
class Trust:
    """The zoo's certificates, and the file of the authority that is trusted."""

    contexts: Mapping[str, ssl.SSLContext]
    file: str


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trust]:
    """An authority that this process trusts, and no other."""
    folder, ca = tmp_path_factory.mktemp("certificates"), trustme.CA()
    file = str(folder / "authority.pem")
    ca.cert_pem.write_to_path(file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", file)
        tls_context.cache_clear()
        yield Trust(contexts_of(ca, folder), file)
    tls_context.cache_clear()


async def verdict_problem(animal: Animal, trust: Trust) -> str:
    """What is wrong with the verdict on a camera; empty if nothing is."""
    async with on_show(animal, trust.contexts) as url:
        result = await probe(url, PATIENT, watch_s=0.2)
    if animal.size is None:
        is_told = not result.ok and animal.sentence in result.problem
        return "" if is_told else f"ok: {result.ok}, {result.problem!r} instead of {animal.sentence!r}"
    if not result.ok or (result.width, result.height) != animal.size:
        return f"{result.width}x{result.height} {result.problem!r}"
    if animal.pictures is not None and result.picture not in animal.pictures:
        return "another picture"
    return leaked_password(animal)


def leaked_password(animal: Animal) -> str:
    """The password never goes out in clear to a camera that offers a digest."""
    if animal.guard is None or not any("digest" in line.lower() for line in animal.guard.challenges):
        return ""
    return "Basic was sent" if any(sent.startswith("Basic") for sent in animal.guard.seen) else ""


async def test_probe_gives_the_right_verdicts(trust: Trust) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def look(animal: Animal) -> str:
        async with places:
            return await verdict_problem(animal, trust)

    problems = dict(zip(ZOO, await asyncio.gather(*map(look, ZOO.values())), strict=True))
    assert not {name: problem for name, problem in problems.items() if problem}


@pytest.mark.parametrize("name", [name for name, animal in RTSP.items() if animal.size])
async def test_the_first_picture_does_not_wait_for_the_next_key_frame(name: str, trust: Trust) -> None:
    async with on_show(RTSP[name], trust.contexts) as url:
        result = await probe(url, QUICK, watch_s=0)
    assert (result.ok, result.problem) == (True, "")
    assert result.first_frame_ms <= FIRST_PICTURE_WITHIN_MS


async def status_of(redis: Redis, camera_id: str) -> dict[str, str]:
    answer: Any = await redis.hgetall(keys.status(camera_id))
    return {name.decode(): value.decode() for name, value in answer.items()}


async def problem_with(redis: Redis, name: str) -> str:
    """What is not yet as it should be with a camera; empty if nothing is."""
    animal, status = ZOO[name], await status_of(redis, name)
    if animal.size is None:
        is_told = status.get("ingest_state") == "error" and animal.sentence in status["ingest_error"]
        return "" if is_told or animal.sentence in status.get("ingest_error", "") else str(status)
    rows: Any = await redis.xrange(keys.frames(name))
    if status.get("ingest_state") != "live" or status["ingest_bad_frames"] != "0" or len(rows) < 3:
        return f"{len(rows)} frames, {status}"
    for _, fields in rows:
        is_right = animal.pictures is None or fields[b"jpeg"] in animal.pictures
        if (int(fields[b"width"]), int(fields[b"height"])) != animal.size or not is_right:
            return f"{fields[b'width']}x{fields[b'height']}, {len(fields[b'jpeg'])} bytes"
    return leaked_password(animal)


WATCHED_ON: Final = {"503-when-asked-too-often": (2.0, 0), "closes-after-each-frame": (3.0, None)}
"""Frames a second, and reconnects: they are looked at on and on; the others are switched off once they were right."""


@pytest.mark.long
@pytest.mark.timeout(180)
async def test_ingest_reads_them_all(redis: Redis, redis_url: str, tmp_path: Path, trust: Trust) -> None:
    environment = {"REDIS_URL": redis_url, "INGEST_STALL_AFTER_S": "3", "INGEST_CONNECT_TIMEOUT_S": "3",
                   "INGEST_BACKOFF_MAX_S": "1", "SSL_CERT_FILE": trust.file,
                   "INGEST_LEASE_TIMEOUT_S": "20"}  # a busy machine's pauses are not the point  # fmt: skip
    async with AsyncExitStack() as stack:
        for name, animal in ZOO.items():
            url = await stack.enter_async_context(on_show(animal, trust.contexts))
            # Those whose rate is looked at, and those that are refused after so many pictures, are asked often.
            fps = 10 if name in ASKED_OFTEN or animal.size is None else 4
            camera = Camera(id=name, name=name, url=url, fps=fps)
            await redis.hset(keys.CAMERAS, name, camera.model_dump_json())
        ingest = stack.enter_context(running("services.ingest", environment, tmp_path / "log"))
        left = dict.fromkeys(ZOO, "not looked at")

        async def all_right() -> bool:
            for name in list(left):
                left[name] = await problem_with(redis, name)
                if not left[name]:
                    del left[name]
                    if name not in WATCHED_ON:
                        await redis.hdel(keys.CAMERAS, name)
            return not left

        try:
            await wait_for(all_right, 90, every_s=0.5)
        except AssertionError:
            raise AssertionError(left) from None
        for name, (frames_a_second, reconnects) in WATCHED_ON.items():
            await _stays_live(redis, name, frames_a_second=frames_a_second, reconnects=reconnects)
        assert "Traceback" not in ingest.log
        assert ingest.stop() == 0


async def _stays_live(redis: Redis, name: str, *, frames_a_second: float, reconnects: int | None) -> None:
    """Look at a camera until it has sent the frames of five seconds, in ten at most: it is live at every look.

    Its counters are written once a second, and the whole zoo is served by this test's process.
    """
    before, began_s, states = await status_of(redis, name), time.monotonic(), set()
    frames = 0
    while frames < 5 * frames_a_second:
        assert time.monotonic() - began_s < 10, f"{frames} frames in ten seconds"
        status = await status_of(redis, name)
        states.add(status["ingest_state"])
        frames = int(status["ingest_frames"]) - int(before["ingest_frames"])
        await asyncio.sleep(0.1)
    assert states == {"live"}
    if reconnects is not None:
        assert int((await status_of(redis, name))["ingest_reconnects"]) == reconnects
