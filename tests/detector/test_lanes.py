"""The frame path in one process: a real model, a real Redis, and a gate before the model that holds back a frame."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import supervision as sv
from redis.asyncio import Redis
from redis.asyncio.lock import Lock

from libs.common import keys
from libs.common.clock import now_ms, running_s
from libs.common.leases import Lease
from libs.common.messages import RawFrame, unpack_viewer_message
from services.detector.camera import CameraWork
from services.detector.engines.base import Engine, EngineWrapper, Picture
from services.detector.engines.loading import load_engine
from services.detector.inspector import Inspector
from services.detector.lanes import Lanes
from services.detector.looking import Looker
from services.detector.mailbox import Letter, Mailbox
from services.detector.metrics import DetectorMetrics
from services.detector.pictures import encode
from services.detector.publisher import Publisher
from services.detector.settings import DetectorSettings
from tests.support.waiting import wait_for

SETTINGS = DetectorSettings(motion_threshold=0, inspect_every_s=0)
LANES = 3


class GatedEngine(EngineWrapper):
    """Lets a bright picture wait before the model until the gate is open; others pass."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.opened = threading.Event()
        self.passed = 0

    def detect(self, pictures: Sequence[Picture], confidence: float) -> list[sv.Detections]:
        if pictures[0].mean() > 200:
            assert self.opened.wait(30)
        found = self._engine.detect(pictures, confidence)
        self.passed += 1
        return found


def letter(frame_id: str, grey: int, camera_id: str = "CAM1") -> Letter:
    picture = np.full((360, 640, 3), grey, np.uint8)
    picture[:, :80] = 120  # without contrast it would be taken for a covered lens
    frame = RawFrame(1, now_ms(), 640, 360, encode(picture, 80), frame_id)
    return Letter(camera_id, frame, now_ms())


async def leased_camera(redis: Redis) -> CameraWork:
    lock = Lock(redis, keys.lease("detector", "CAM1"), timeout=60, thread_local=False)
    assert await lock.acquire(token="detector-1")
    lease = Lease("CAM1", lock, 60)
    lease.extend(running_s())
    camera = CameraWork(lease, [], {}, 0, SETTINGS, "detector-1")
    camera.is_watched = True
    return camera


async def test_frames_of_a_camera_are_published_in_order_whichever_is_found_first(redis: Redis) -> None:
    engine, metrics, mailbox, stop = GatedEngine(load_engine(SETTINGS)), DetectorMetrics(), Mailbox(), asyncio.Event()
    cameras = {"CAM1": await leased_camera(redis)}
    lanes = Lanes(
        Looker(engine, SETTINGS), Inspector(engine, SETTINGS), mailbox, cameras,
        Publisher(redis, SETTINGS, "detector-1"), SETTINGS, LANES, metrics,
    )  # fmt: skip
    seen: list[tuple[str, int]] = []

    async def watch(pubsub: Any) -> None:
        async for message in pubsub.listen():
            if message["type"] == "message":
                found = unpack_viewer_message(message["data"])
                seen.append((found["metadata"]["frame_id"], found["frame_count"]))

    async with redis.pubsub() as pubsub:
        await pubsub.subscribe(keys.live("CAM1"))
        watching, running = asyncio.create_task(watch(pubsub)), asyncio.create_task(lanes.run(stop))
        try:
            mailbox.put(letter("1-0", grey=250))
            await wait_for(lambda: cameras["CAM1"].turn is not None)
            mailbox.put(letter("2-0", grey=60))
            await wait_for(lambda: engine.passed == 1)
            mailbox.put(letter("9-0", grey=60, camera_id="GIVEN-UP"))
            await wait_for(lambda: dropped(metrics, "detect", "lease_lost") == 1)
            assert not seen, "the second waits for the first"
            engine.opened.set()
            await wait_for(lambda: len(seen) == 2)
            assert seen == [("1-0", 1), ("2-0", 2)]
        finally:
            engine.opened.set()
            stop.set()
            await running
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


def dropped(metrics: DetectorMetrics, stage: str, cause: str) -> float:
    return metrics.registry.get_sample_value("lotcast_frames_dropped_total", {"stage": stage, "cause": cause}) or 0
