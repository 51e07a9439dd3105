"""What is wrong with one camera is that camera's alone: the detector as a real process, its neighbour at work."""

from __future__ import annotations

import asyncio
import json
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from redis.asyncio import Redis

from deploy.demo.model.measuring import read_clip
from libs.common import keys
from libs.common.bus import as_text
from libs.common.cameras import Camera
from libs.common.clock import now_ms
from libs.common.messages import RawFrame
from libs.common.spaces import ParkingSpace, dump_spaces
from services.detector.pictures import encode
from tests.support.processes import running
from tests.support.waiting import wait_for

ASSETS = Path(__file__).parents[2] / "deploy/demo/assets"
BAD, GOOD = "BAD", "GOOD"


@pytest.fixture(scope="module")
def jpeg() -> bytes:
    return encode(next(islice(read_clip(ASSETS / "north.mp4"), 1)), 80)


async def register(redis: Redis, *camera_ids: str) -> None:
    described = json.loads((ASSETS / "north.spaces.json").read_text("utf-8"))
    spaces = dump_spaces([ParkingSpace.model_validate(space) for space in described["spaces"]])
    for camera_id in camera_ids:
        await redis.set(keys.spaces(camera_id), spaces)
        camera = Camera(id=camera_id, name="x", url="http://h/", motion_threshold=0)
        await redis.hset(keys.CAMERAS, camera_id, camera.model_dump_json())


async def send(redis: Redis, camera_id: str, jpeg: bytes, /, **changed: Any) -> None:
    fields: Any = RawFrame(1, now_ms(), 1280, 720, jpeg).to_fields() | changed
    await redis.xadd(keys.frames(camera_id), fields, maxlen=4, approximate=False)


async def frames_of(redis: Redis, camera_id: str) -> int:
    return int(await redis.hget(keys.status(camera_id), "detector_frames") or 0)


async def error_of(redis: Redis, camera_id: str) -> str:
    return as_text(await redis.hget(keys.status(camera_id), "detector_error") or b"")


def huge_jpeg() -> bytes:
    """16,000 by 16,000 pixels of one colour: small as a file, 768 MB as a picture."""
    _, small = cv2.imencode(".jpg", np.full((16, 16, 3), 120, np.uint8))
    data = bytearray(small.tobytes())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = (16_000).to_bytes(2, "big") * 2
    return bytes(data)


HUGE = huge_jpeg()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"width": 0}, "lacks or garbles field width"),
        ({"height": -720}, "lacks or garbles field height"),
        ({"captured_at": "soon"}, "lacks or garbles field captured_at"),
        ({"width": 16_000, "height": 16_000, "jpeg": HUGE}, "DETECTOR_FRAME_MAX_PIXELS"),
        ({"jpeg": HUGE}, "says it is 1280x720"),
    ],
)
async def test_a_bad_entry_in_the_stream_harms_no_other_camera(
    redis: Redis, redis_url: str, tmp_path: Path, jpeg: bytes, changed: dict[str, Any], says: str
) -> None:
    await register(redis, BAD, GOOD)
    with running("services.detector", {"REDIS_URL": redis_url}, tmp_path / "log") as detector:

        async def neighbour_goes_on() -> bool:
            await send(redis, BAD, jpeg, **changed)
            await send(redis, GOOD, jpeg)
            return await frames_of(redis, GOOD) >= 10

        await wait_for(neighbour_goes_on, 30, every_s=0.1)
        await wait_for(lambda: _says(redis, says))
        assert detector.process.poll() is None
        assert detector.log.count(says) == 1, "told once"
        good_again = await frames_of(redis, BAD)

        async def camera_is_back() -> bool:
            await send(redis, BAD, jpeg)
            return await frames_of(redis, BAD) > good_again

        await wait_for(camera_is_back, 20, every_s=0.1)


async def _says(redis: Redis, text: str) -> bool:
    return text in await error_of(redis, BAD)


@pytest.mark.parametrize(
    "key", [keys.frames(BAD), keys.spaces(BAD), keys.occupancy(BAD), keys.last_track_id(BAD), keys.count(BAD)]
)
async def test_a_key_of_another_type_harms_no_other_camera(
    redis: Redis, redis_url: str, tmp_path: Path, jpeg: bytes, key: str
) -> None:
    await register(redis, BAD, GOOD)
    await redis.delete(key)
    await redis.rpush(key, "not", "what", "belongs", "here")
    with running("services.detector", {"REDIS_URL": redis_url}, tmp_path / "log") as detector:

        async def neighbour_goes_on() -> bool:
            if key != keys.frames(BAD):
                await send(redis, BAD, jpeg)
            await send(redis, GOOD, jpeg)
            return await frames_of(redis, GOOD) >= 10

        await wait_for(neighbour_goes_on, 30, every_s=0.1)
        assert detector.process.poll() is None
        await redis.delete(key)
        if key == keys.spaces(BAD):
            await register(redis, BAD)
        before = await frames_of(redis, BAD)

        async def camera_is_back() -> bool:
            await send(redis, BAD, jpeg)
            return await frames_of(redis, BAD) > before

        await wait_for(camera_is_back, 30, every_s=0.1)


@pytest.mark.parametrize(
    ("key", "value"),
    [(keys.spaces(BAD), b"[{"), (keys.spaces(BAD), b"\xff\xfe"), (keys.last_track_id(BAD), b"many")],
)
async def test_an_unreadable_value_harms_no_other_camera(
    redis: Redis, redis_url: str, tmp_path: Path, jpeg: bytes, key: str, value: bytes
) -> None:
    await register(redis, BAD, GOOD)
    await redis.set(key, value)
    await redis.hset(keys.CAMERAS, "OTHER", "{not json")
    await redis.hset(keys.CAMERAS, b"\xff\xfe", "{}")
    await redis.hset(keys.occupancy(BAD), mapping={b"\xff": b"x", "A1": "{"})
    with running("services.detector", {"REDIS_URL": redis_url}, tmp_path / "log"):

        async def both_go_on() -> bool:
            await asyncio.gather(send(redis, BAD, jpeg), send(redis, GOOD, jpeg))
            return await frames_of(redis, GOOD) >= 5 and await frames_of(redis, BAD) >= 5

        await wait_for(both_go_on, 30, every_s=0.1)
        if key == keys.spaces(BAD):
            assert "the stored spaces are unreadable" in await error_of(redis, BAD)
