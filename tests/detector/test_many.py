"""Several detectors as real processes: who draws which camera, and what happens when one of them goes."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import msgpack
import pytest
from redis.asyncio import Redis

from deploy.demo.model.measuring import read_clip
from libs.common import keys
from libs.common.cameras import Camera
from libs.common.clock import now_ms
from libs.common.messages import RawFrame
from services.detector.pictures import encode
from tests.support.processes import ServiceProcess, running
from tests.support.waiting import wait_for

CAMERAS = [f"CAM{number}" for number in range(4)]
ASSETS = Path(__file__).parents[2] / "deploy/demo/assets"
HANDOVER_S = 3.0


class Lots:
    """Four cameras that are fed, and what is published of them.

    Attributes:
        owner: per camera, the detector of the last message.
        last_at_s: per camera, when it came (monotonic).
        problems: what must never happen, and did.
    """

    def __init__(self, redis: Redis, jpeg: bytes) -> None:
        self._redis = redis
        self._jpeg = jpeg
        self.owner: dict[str, str] = {}
        self.last_at_s: dict[str, float] = {}
        self.longest_gap_s: dict[str, float] = dict.fromkeys(CAMERAS, 0.0)
        self.problems: list[str] = []
        self._last: dict[str, tuple[int, tuple[int, ...], set[int]]] = {}

    async def feed(self) -> None:
        """Five frames a second from each camera, until cancelled."""
        for camera_id in CAMERAS:
            camera = Camera(id=camera_id, name="x", url="http://h/")
            await self._redis.hset(keys.CAMERAS, camera_id, camera.model_dump_json())
        seq = 0
        while True:
            seq += 1
            for camera_id in CAMERAS:
                fields: Any = RawFrame(seq, now_ms(), 1280, 720, self._jpeg).to_fields()
                await self._redis.xadd(keys.frames(camera_id), fields, maxlen=4, approximate=False)
            await asyncio.sleep(0.2)

    async def watch(self) -> None:
        """Look at every message, until cancelled."""
        async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
            await pubsub.subscribe(*(keys.live(camera_id) for camera_id in CAMERAS))
            while True:
                message = await pubsub.get_message(timeout=1.0)
                if message is not None:
                    self._note(msgpack.unpackb(message["data"]))

    def _note(self, message: dict[str, Any]) -> None:
        camera_id, metadata = message["camera_id"], message["metadata"]
        frame_id = tuple(int(part) for part in metadata["frame_id"].split("-"))
        at_s = time.monotonic()
        if camera_id in self._last:
            count, last_frame_id, track_ids = self._last[camera_id]
            if message["frame_count"] <= count:
                self.problems.append(f"{camera_id}: frame_count {message['frame_count']} after {count}")
            if frame_id <= last_frame_id:
                self.problems.append(f"{camera_id}: frame {frame_id} after {last_frame_id}: two drew it")
            if metadata["detector"] != self.owner[camera_id] and track_ids & set(metadata["track_ids"]):
                self.problems.append(f"{camera_id}: a track id was used again by another detector")
            gap_s = at_s - self.last_at_s[camera_id]
            self.longest_gap_s[camera_id] = max(self.longest_gap_s[camera_id], gap_s)
            track_ids |= set(metadata["track_ids"])
        else:
            track_ids = set(metadata["track_ids"])
        self._last[camera_id] = message["frame_count"], frame_id, track_ids
        self.owner[camera_id], self.last_at_s[camera_id] = metadata["detector"], at_s

    def share_of(self, process: ServiceProcess) -> int:
        """How many cameras a detector draws now."""
        return sum(f"-{process.process.pid}-" in owner for owner in self.owner.values())


@asynccontextmanager
async def watching(redis: Redis) -> AsyncIterator[Lots]:
    jpeg = encode(next(islice(read_clip(ASSETS / "north.mp4"), 1)), 80)
    lots = Lots(redis, jpeg)
    tasks = [asyncio.create_task(lots.feed()), asyncio.create_task(lots.watch())]
    try:
        yield lots
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert lots.problems == []


@pytest.fixture
def start(redis_url: str, tmp_path: Path) -> Any:
    """Starts detectors; they end with the test."""
    with ExitStack() as stack:
        numbers = iter(range(100))

        def start_one() -> ServiceProcess:
            environment = {"REDIS_URL": redis_url, "DETECTOR_WORKERS": "1"}
            log = tmp_path / f"log{next(numbers)}"
            return stack.enter_context(running("services.detector", environment, log))

        yield start_one


async def shares(lots: Lots, processes: list[ServiceProcess], expected: list[int], timeout_s: float = 20) -> None:
    """Wait until each detector draws as many cameras as it should."""

    def settled() -> bool:
        return len(lots.owner) == len(CAMERAS) and sorted(map(lots.share_of, processes)) == sorted(expected)

    await wait_for(settled, timeout_s)


Start = Callable[[], ServiceProcess]


async def test_cameras_are_shared_and_a_newcomer_gets_its_fair_share(redis: Redis, start: Start) -> None:
    async with watching(redis) as lots:
        first = start()
        await shares(lots, [first], [4])
        before = dict(lots.owner)
        second = start()
        await shares(lots, [first, second], [2, 2])
        moved = [camera_id for camera_id in CAMERAS if lots.owner[camera_id] != before[camera_id]]
        assert len(moved) == 2, "no more moves than needed"
        assert second.stop(signal.SIGTERM) == 0
        await shares(lots, [first], [4], HANDOVER_S)


async def test_a_killed_detectors_cameras_flow_again_within_three_seconds(redis: Redis, start: Start) -> None:
    async with watching(redis) as lots:
        processes = [start() for _ in range(3)]
        await shares(lots, processes, [2, 1, 1])
        lots.longest_gap_s = dict.fromkeys(CAMERAS, 0.0)
        victim = max(processes, key=lots.share_of)
        victim.process.kill()
        rest = [process for process in processes if process is not victim]
        await shares(lots, rest, [2, 2], HANDOVER_S + 1)
        assert max(lots.longest_gap_s.values()) <= HANDOVER_S


async def test_a_paused_detector_notices_that_it_lost_its_cameras(redis: Redis, start: Start) -> None:
    async with watching(redis) as lots:
        first, second = start(), start()
        await shares(lots, [first, second], [2, 2])
        os.kill(first.process.pid, signal.SIGSTOP)
        await shares(lots, [second], [4])
        os.kill(first.process.pid, signal.SIGCONT)
        await shares(lots, [first, second], [2, 2])


async def test_a_detector_that_is_stopped_hands_over_at_once(redis: Redis, start: Start) -> None:
    async with watching(redis) as lots:
        first, second = start(), start()
        await shares(lots, [first, second], [2, 2])
        lots.longest_gap_s = dict.fromkeys(CAMERAS, 0.0)
        assert await asyncio.to_thread(first.stop, signal.SIGTERM) == 0
        await shares(lots, [second], [4], HANDOVER_S)
        assert max(lots.longest_gap_s.values()) <= 2.0
