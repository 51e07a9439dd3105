"""What is wrong with one camera is that camera's alone: one detector as a real process, a good camera beside bad ones.

The detector finds all of it when it starts: every bad camera, and every key of Redis that is not what it should be.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import redis as blocking
from redis.asyncio import Redis

from deploy.demo.model.measuring import read_clip
from libs.common import keys
from libs.common.bus import as_text, connect
from libs.common.cameras import Camera
from libs.common.clock import now_ms
from libs.common.messages import RawFrame
from libs.common.spaces import ParkingSpace, dump_spaces
from services.detector.pictures import encode
from tests.support.processes import ServiceProcess, running
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_for

ASSETS = Path(__file__).parents[2] / "deploy/demo/assets"
GOOD = "GOOD"


def huge_jpeg() -> bytes:
    """16,000 by 16,000 pixels of one colour: small as a file, 768 MB as a picture."""
    _, small = cv2.imencode(".jpg", np.full((16, 16, 3), 120, np.uint8))
    data = bytearray(small.tobytes())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = (16_000).to_bytes(2, "big") * 2
    return bytes(data)


HUGE = huge_jpeg()
ENTRIES: dict[str, tuple[dict[str, Any], str]] = {
    "NO-WIDTH": ({"width": 0}, "lacks or garbles field width"),
    "NEGATIVE-HEIGHT": ({"height": -720}, "lacks or garbles field height"),
    "NO-TIME": ({"captured_at": "soon"}, "lacks or garbles field captured_at"),
    "HUGE": ({"width": 16_000, "height": 16_000, "jpeg": HUGE}, "DETECTOR_FRAME_MAX_PIXELS"),
    "HUGE-IN-SECRET": ({"jpeg": HUGE}, "says it is 1280x720"),
}
"""What is wrong with a camera's entries in its stream, and what is said of it."""

OTHER_TYPES: dict[str, str] = {
    "LIST-OF-FRAMES": keys.frames("LIST-OF-FRAMES"),
    "LIST-OF-SPACES": keys.spaces("LIST-OF-SPACES"),
    "LIST-OF-STATES": keys.occupancy("LIST-OF-STATES"),
    "LIST-OF-TRACKS": keys.last_track_id("LIST-OF-TRACKS"),
    "LIST-OF-COUNTS": keys.count("LIST-OF-COUNTS"),
}
"""Which of a camera's keys is of another type."""

VALUES: dict[str, tuple[str, bytes]] = {
    "HALF-SPACES": (keys.spaces("HALF-SPACES"), b"[{"),
    "BINARY-SPACES": (keys.spaces("BINARY-SPACES"), b"\xff\xfe"),
    "MANY-TRACKS": (keys.last_track_id("MANY-TRACKS"), b"many"),
}
"""Which of a camera's keys nobody can read."""


@pytest.fixture(scope="module")
def jpeg() -> bytes:
    return encode(next(islice(read_clip(ASSETS / "north.mp4"), 1)), 80)


def spaces() -> bytes:
    described = json.loads((ASSETS / "north.spaces.json").read_text("utf-8"))
    return dump_spaces([ParkingSpace.model_validate(space) for space in described["spaces"]])


def register(client: blocking.Redis, camera_id: str) -> None:
    client.set(keys.spaces(camera_id), spaces())
    camera = Camera(id=camera_id, name="x", url="http://h/", motion_threshold=0)
    client.hset(keys.CAMERAS, camera_id, camera.model_dump_json())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A Redis in which much is not as it should be, with one good camera."""
    with full_of_faults(tmp_path_factory.mktemp("redis")) as server:
        yield server


@contextmanager
def full_of_faults(folder: Path) -> Iterator[RedisServer]:
    server = RedisServer(folder, with_users=True)
    server.start()
    try:
        with server.client() as client:
            for camera_id in (GOOD, *ENTRIES, *OTHER_TYPES, *VALUES):
                register(client, camera_id)
            for key in OTHER_TYPES.values():
                client.delete(key)
                client.rpush(key, "not", "what", "belongs", "here")
            for camera_id, (key, value) in VALUES.items():
                client.set(key, value)
                client.hset(keys.occupancy(camera_id), mapping={b"\xff": b"x", "A1": "{"})
            client.hset(keys.CAMERAS, "OTHER", "{not json")
            client.hset(keys.CAMERAS, b"\xff\xfe", "{}")
        yield server
        assert not server.refused(), "a service did what its user may not do"
    finally:
        server.stop()


@pytest.fixture(scope="module")
def detector(server: RedisServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """One detector for all of them."""
    log = tmp_path_factory.mktemp("detector") / "log"
    with running("services.detector", {"REDIS_URL": server.url}, log) as detector:
        yield detector
        assert detector.process.poll() is None, detector.log


@pytest.fixture
async def redis(server: RedisServer) -> AsyncIterator[Redis]:
    client = connect(server.url)
    yield client
    await client.aclose()


async def send(redis: Redis, camera_id: str, jpeg: bytes, /, **changed: Any) -> None:
    fields: Any = RawFrame(1, now_ms(), 1280, 720, jpeg).to_fields() | changed
    await redis.xadd(keys.frames(camera_id), fields, maxlen=4, approximate=False)


async def frames_of(redis: Redis, camera_id: str) -> int:
    return int(await redis.hget(keys.status(camera_id), "detector_frames") or 0)


async def error_of(redis: Redis, camera_id: str) -> str:
    return as_text(await redis.hget(keys.status(camera_id), "detector_error") or b"")


async def shown_again(redis: Redis, camera_id: str, jpeg: bytes) -> None:
    """Send good frames until one is seen."""
    before = await frames_of(redis, camera_id)

    async def is_back() -> bool:
        await send(redis, camera_id, jpeg)
        return await frames_of(redis, camera_id) > before

    await wait_for(is_back, every_s=0.1)


@pytest.mark.parametrize("camera_id", ENTRIES)
async def test_a_bad_entry_in_the_stream_harms_no_other_camera(
    redis: Redis, detector: ServiceProcess, jpeg: bytes, camera_id: str
) -> None:
    changed, says = ENTRIES[camera_id]
    before = await frames_of(redis, GOOD)

    async def neighbour_goes_on() -> bool:
        await send(redis, camera_id, jpeg, **changed)
        await send(redis, GOOD, jpeg)
        return await frames_of(redis, GOOD) >= before + 10

    async def is_told() -> bool:
        return says in await error_of(redis, camera_id)

    await wait_for(neighbour_goes_on, every_s=0.1)
    await wait_for(is_told)
    assert detector.process.poll() is None
    assert detector.log.count(says) == 1, "told once"
    await shown_again(redis, camera_id, jpeg)


@pytest.mark.parametrize("camera_id", OTHER_TYPES)
async def test_a_key_of_another_type_harms_no_other_camera(
    redis: Redis, server: RedisServer, detector: ServiceProcess, jpeg: bytes, camera_id: str
) -> None:
    key = OTHER_TYPES[camera_id]
    before = await frames_of(redis, GOOD)

    async def neighbour_goes_on() -> bool:
        if key != keys.frames(camera_id):
            await send(redis, camera_id, jpeg)
        await send(redis, GOOD, jpeg)
        return await frames_of(redis, GOOD) >= before + 10

    await wait_for(neighbour_goes_on, every_s=0.1)
    assert detector.process.poll() is None
    await redis.delete(key)
    if key == keys.spaces(camera_id):
        with server.client() as client:
            register(client, camera_id)
    await shown_again(redis, camera_id, jpeg)


@pytest.mark.parametrize("camera_id", VALUES)
async def test_an_unreadable_value_harms_no_other_camera(
    redis: Redis, detector: ServiceProcess, jpeg: bytes, camera_id: str
) -> None:
    before = await frames_of(redis, GOOD)

    async def both_go_on() -> bool:
        await asyncio.gather(send(redis, camera_id, jpeg), send(redis, GOOD, jpeg))
        return await frames_of(redis, GOOD) >= before + 5 and await frames_of(redis, camera_id) >= 5

    await wait_for(both_go_on, every_s=0.1)
    assert detector.process.poll() is None
    if VALUES[camera_id][0] == keys.spaces(camera_id):
        assert "the stored spaces are unreadable" in await error_of(redis, camera_id)
