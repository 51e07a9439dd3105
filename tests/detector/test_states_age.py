"""States of spaces that are so: while spaces are changed, when a camera is switched off, when clocks are off."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from itertools import islice
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from deploy.demo.model.measuring import read_clip
from libs.common import keys
from libs.common.cameras import Camera
from libs.common.clock import now_ms
from libs.common.messages import RawFrame, unpack_viewer_message
from libs.common.redis_clock import RedisClock
from services.detector.latest_frames import LatestFrames
from services.detector.pictures import encode
from services.detector.process import DetectorProcess
from services.detector.reader import FrameReader
from tests.support.detector import acquired_lock, camera_session, detector_process
from tests.support.processes import running, running_gateway
from tests.support.waiting import PATIENCE_S, wait_for

ASSETS = Path(__file__).parents[2] / "deploy/demo/assets"
SPACES: list[dict[str, Any]] = json.loads((ASSETS / "north.spaces.json").read_text("utf-8"))["spaces"]
QUICK = {"DETECTOR_OCCUPIED_AFTER_S": "0.2", "DETECTOR_FREE_AFTER_S": "0.2", "DETECTOR_UNKNOWN_AFTER_S": "2"}
ROUNDS = 20
CLOCK_ERROR_MS = 100
"""More than half of what Redis takes to answer, even on a busy machine: that is how exactly its clock is known."""


@pytest.fixture(scope="module")
def jpegs() -> list[bytes]:
    return [encode(picture, 80) for picture in islice(read_clip(ASSETS / "north.mp4"), 4)]


async def register(redis: Redis, **camera: Any) -> None:
    entry = Camera(id="CAM1", name="x", url="http://h/", **camera)
    await redis.hset(keys.CAMERAS, "CAM1", entry.model_dump_json())


@pytest.fixture
async def feeding(redis: Redis, jpegs: list[bytes]) -> AsyncIterator[None]:
    """A camera that sends ten frames a second."""

    async def feed() -> None:
        for number in range(100_000):
            fields: Any = RawFrame(number, now_ms(), 1280, 720, jpegs[number % len(jpegs)]).to_fields()
            await redis.xadd(keys.frames("CAM1"), fields, maxlen=4, approximate=False)
            await asyncio.sleep(0.1)

    task = asyncio.create_task(feed())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def states(redis: Redis) -> dict[str, str]:
    answer: Any = await redis.hgetall(keys.occupancy("CAM1"))
    return {space_id.decode(): json.loads(text)["state"] for space_id, text in answer.items()}


async def shown(redis: Redis) -> dict[str, str]:
    packed = await redis.get(keys.latest("CAM1"))
    if not isinstance(packed, bytes):
        return {}
    occupancy = unpack_viewer_message(packed)["metadata"]["space_occupancy"]
    return {space["space_id"]: space["state"] for space in occupancy}


async def told(redis: Redis) -> dict[str, str]:
    """The state of each space that its history ends with."""
    entries: Any = await redis.xrange(keys.events("CAM1"))
    return {fields[b"space_id"].decode(): fields[b"state"].decode() for _, fields in entries}


async def events(redis: Redis) -> list[tuple[str, str, str, str]]:
    entries: Any = await redis.xrange(keys.events("CAM1"))
    names = (b"space_id", b"previous", b"state", b"reason")
    return [tuple(fields[name].decode() for name in names) for _, fields in entries]


async def are_known(redis: Redis) -> bool:
    now = await states(redis)
    return len(now) == len(SPACES) and "unknown" not in now.values()


@pytest.mark.long
@pytest.mark.usefixtures("feeding")
async def test_spaces_that_are_changed_in_a_race_end_right_in_hash_history_and_picture(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    """None and all of them again within a second, and changes that race: twenty rounds of each kind, at real ones."""
    await register(redis)
    path = "/api/cameras/CAM1/spaces"
    with running("services.detector", {"REDIS_URL": redis_url, **QUICK}, tmp_path / "log"):
        with running_gateway(redis_url, tmp_path) as gateway:
            async with aiohttp.ClientSession(gateway.url) as http:

                async def put(spaces: list[dict[str, Any]]) -> None:
                    async with http.put(path, json={"spaces": spaces}) as answer:
                        assert answer.status == 200, await answer.text()

                async def is_settled() -> bool:
                    stored = json.loads(await redis.get(keys.spaces("CAM1")) or b"[]")
                    ids, now = {space["space_id"] for space in stored}, await states(redis)
                    if now.keys() != ids or "unknown" in now.values() or await shown(redis) != now:
                        return False
                    ends = await told(redis)
                    return all(ends.get(space_id, "unknown") == state for space_id, state in now.items()) and all(
                        state == "unknown" for space_id, state in ends.items() if space_id not in ids
                    )

                await put(SPACES)
                await wait_for(is_settled, every_s=0.1)
                for number in range(ROUNDS):
                    if number % 2:
                        await put([])
                        await asyncio.sleep(0.05 * (number % 5))
                        await put(SPACES)
                    else:
                        some = [SPACES[: number + 2], SPACES[number % 7 :], SPACES]
                        await asyncio.gather(*(put(one) for one in some))
                    await wait_for(is_settled, every_s=0.05)
    reasons = {reason for *_, reason in await events(redis)}
    assert "space removed" in reasons
    assert reasons <= {"space removed", "space changed", "first look", "arrived", "left"}


@pytest.mark.usefixtures("feeding")
async def test_a_camera_that_is_switched_off_has_unknown_spaces_at_once_and_says_why(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    await register(redis)
    await redis.set(keys.spaces("CAM1"), json.dumps(SPACES))
    with running("services.detector", {"REDIS_URL": redis_url, **QUICK}, tmp_path / "log"):
        await wait_for(lambda: are_known(redis), every_s=0.1)
        assert {reason for *_, reason in await events(redis)} == {"first look"}
        await register(redis, enabled=False)

        async def is_off() -> bool:
            return set((await states(redis)).values()) == {"unknown"}

        await wait_for(is_off, 10)
        newest = (await events(redis))[-len(SPACES) :]
        assert {(state, reason) for _, _, state, reason in newest} == {("unknown", "camera off")}
        await register(redis)
        await wait_for(lambda: are_known(redis), every_s=0.1)
        newest = (await events(redis))[-len(SPACES) :]
        assert {(previous, reason) for _, previous, _, reason in newest} == {("unknown", "view regained")}


@pytest.mark.usefixtures("feeding")
async def test_readers_can_tell_that_a_paused_detector_examines_nothing(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    await register(redis)
    await redis.set(keys.spaces("CAM1"), json.dumps(SPACES))
    environment = {"REDIS_URL": redis_url, **QUICK, "DETECTOR_UNKNOWN_AFTER_S": "5"}
    with running("services.detector", environment, tmp_path / "log") as detector:
        await wait_for(lambda: are_known(redis), every_s=0.1)
        with running_gateway(redis_url, tmp_path) as gateway:
            async with aiohttp.ClientSession(gateway.url) as http:

                async def counts() -> dict[str, int]:
                    async with http.get("/api/cameras/CAM1/occupancy") as answer:
                        body: dict[str, int] = await answer.json()
                        return body

                await wait_for(lambda: _unknown(counts, 0), every_s=0.1)
                status: Any = await redis.hgetall(keys.status("CAM1"))
                assert abs(now_ms() - int(status[b"detector_examined_at_ms"])) < 3000
                assert (status[b"detector_unknown_after_ms"], status[b"detector_hold_ms"]) == (b"5000", b"300000")
                detector.process.send_signal(signal.SIGSTOP)
                try:
                    await wait_for(lambda: _unknown(counts, len(SPACES)), 15, every_s=0.1)
                finally:
                    detector.process.send_signal(signal.SIGCONT)


async def _unknown(counts: Any, number: int) -> bool:
    return bool((await counts())["unknown"] == number)


@pytest.mark.parametrize("ahead_ms", [-3000, 3000, 3_600_000])
async def test_frames_are_dated_by_rediss_clock_whatever_this_machine_says(redis: Redis, ahead_ms: int) -> None:
    plain = detector_process(redis)
    clock = RedisClock(redis, wall_ms=lambda: now_ms() + ahead_ms)
    await clock.sync()
    process = DetectorProcess(plain.name, plain.settings, plain.metrics, clock, plain.memory)
    camera = camera_session(process, lock=await acquired_lock(redis))
    latest_frames, stop = LatestFrames(), asyncio.Event()
    reading = asyncio.create_task(FrameReader(redis, {"CAM1": camera}, latest_frames, process).run(stop))
    await wait_for(lambda: redis.exists(keys.frames("CAM1")))
    for captured_at_ms in (now_ms() - 100, now_ms() + 5000):
        fields: Any = RawFrame(1, captured_at_ms, 640, 360, b"\xff\xd8").to_fields()
        frame_id: Any = await redis.xadd(keys.frames("CAM1"), fields)
        pending = await asyncio.wait_for(latest_frames.take(), PATIENCE_S)
        assert pending is not None
        stored_at_ms = int(frame_id.partition(b"-")[0])
        assert pending.frame.captured_at_ms == min(captured_at_ms, stored_at_ms), "nothing comes from the future"
        assert 0 <= pending.read_at_ms - stored_at_ms < 1000
        age_ms = clock.now_ms() - pending.frame.captured_at_ms
        assert not camera.schedule.is_too_old(age_ms)
        assert age_ms >= -CLOCK_ERROR_MS
    stop.set()
    await reading
