"""The frame path in one process: a real model, a real Redis, and gates that hold back a frame."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import structlog
import supervision as sv
from redis.asyncio import Redis

from libs.common import keys
from libs.common.clock import now_ms
from libs.common.errors import EngineError
from libs.common.messages import RawFrame, unpack_viewer_message
from services.detector.camera import CameraSession
from services.detector.engines.base import Engine, EngineWrapper, Picture
from services.detector.engines.loading import load_engine
from services.detector.frame_order import FrameOrder
from services.detector.frame_result import AnnotatedFrame
from services.detector.full_frame import FullFrameInference
from services.detector.judge.tiled import TiledInference
from services.detector.judging import JudgingQueue
from services.detector.latest_frames import LatestFrames, PendingFrame
from services.detector.metrics import DetectorMetrics
from services.detector.pictures import encode
from services.detector.pipeline import Pipeline
from services.detector.process import DetectorProcess
from services.detector.publisher import Publisher
from services.detector.settings import DetectorSettings
from tests.support.detector import acquired_lock, camera_session, detector_process
from tests.support.waiting import wait_for

SETTINGS = DetectorSettings(motion_threshold=0, inspect_every_s=0)
WORKERS = 3


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


def pending(frame_id: str, grey: int, camera_id: str = "CAM1") -> PendingFrame:
    picture = np.full((360, 640, 3), grey, np.uint8)
    picture[:, :80] = 120  # without contrast it would be taken for a covered lens
    frame = RawFrame(1, now_ms(), 640, 360, encode(picture, 80), frame_id)
    return PendingFrame(camera_id, frame, now_ms())


async def leased_camera(redis: Redis, process: DetectorProcess) -> CameraSession:
    camera = camera_session(process, lock=await acquired_lock(redis))
    camera.watched = frozenset({"annotated"})
    return camera


class FailingEngine(EngineWrapper):
    """Fails on a bright picture, once the gate is open."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.opened = threading.Event()

    def detect(self, pictures: Sequence[Picture], confidence: float) -> list[sv.Detections]:
        if pictures[0].mean() > 200:
            assert self.opened.wait(30)
            raise EngineError("the model does not like it")
        return self._engine.detect(pictures, confidence)


class GatedPublisher(Publisher):
    """Publishes nothing before the gate is open."""

    def __init__(self, redis: Redis) -> None:
        super().__init__(redis, detector_process(redis, SETTINGS))
        self.opened = asyncio.Event()

    async def publish(self, camera: CameraSession, frame: AnnotatedFrame) -> bool:
        await self.opened.wait()
        return await super().publish(camera, frame)


@dataclass
class Running:
    """Pipeline at work on one camera.

    Attributes:
        seen: what was published: frame ids, each with its `frame_count`.
    """

    latest_frames: LatestFrames
    metrics: DetectorMetrics
    camera: CameraSession
    seen: list[tuple[str, int]]

    async def put(self, frame_id: str, grey: int) -> FrameOrder:
        """Leave a frame and wait until a worker has taken it."""
        before = self.camera.sequence.last
        self.latest_frames.put(pending(frame_id, grey))
        await wait_for(lambda: self.camera.sequence.last is not before)
        assert self.camera.sequence.last is not None
        return self.camera.sequence.last


@asynccontextmanager
async def pipeline_at_work(redis: Redis, engine: Engine, publisher: Publisher | None = None) -> AsyncIterator[Running]:
    latest_frames, stop, process = LatestFrames(), asyncio.Event(), detector_process(redis, SETTINGS)
    camera = await leased_camera(redis, process)
    pipeline = Pipeline(
        FullFrameInference(engine, SETTINGS.track_confidence, SETTINGS.frame_max_pixels),
        JudgingQueue(TiledInference(engine, SETTINGS)),
        publisher or Publisher(redis, process),
        {"CAM1": camera},
        process,
    )
    seen: list[tuple[str, int]] = []

    async def watch(pubsub: Any) -> None:
        async for message in pubsub.listen():
            if message["type"] == "message":
                found = unpack_viewer_message(message["data"])
                seen.append((found["metadata"]["frame_id"], found["frame_count"]))

    async with redis.pubsub() as pubsub:
        await pubsub.subscribe(keys.live("CAM1"))
        watching, running = (
            asyncio.create_task(watch(pubsub)),
            asyncio.create_task(pipeline.run(latest_frames, WORKERS, stop)),
        )
        try:
            yield Running(latest_frames, process.metrics, camera, seen)
        finally:
            stop.set()
            await running
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


async def test_frames_of_a_camera_are_published_in_order_whichever_is_found_first(redis: Redis) -> None:
    engine = GatedEngine(load_engine(SETTINGS))
    async with pipeline_at_work(redis, engine) as work:
        try:
            await work.put("1-0", grey=250)
            await work.put("2-0", grey=60)
            await wait_for(lambda: engine.passed == 1)
            work.latest_frames.put(pending("9-0", grey=60, camera_id="GIVEN-UP"))
            await wait_for(lambda: dropped(work.metrics, "detect", "lease_lost") == 1)
            assert not work.seen, "the second waits for the first"
        finally:
            engine.opened.set()
        await wait_for(lambda: len(work.seen) == 2)
        assert work.seen == [("1-0", 1), ("2-0", 2)]


async def test_a_frame_is_drawn_while_the_one_before_is_published(redis: Redis) -> None:
    publisher = GatedPublisher(redis)
    async with pipeline_at_work(redis, load_engine(SETTINGS), publisher) as work:
        try:
            places = [await work.put(f"{number}-0", grey=60) for number in range(1, WORKERS + 1)]
            await wait_for(lambda: places[-1].drawn.is_set())
            assert not any(place.ended.done() for place in places)
            assert not work.seen
        finally:
            publisher.opened.set()
        await wait_for(lambda: len(work.seen) == WORKERS)
        assert work.seen == [("1-0", 1), ("2-0", 2), ("3-0", 3)]


async def test_a_frame_that_fails_holds_up_nobody_and_is_not_overtaken(redis: Redis) -> None:
    engine = FailingEngine(load_engine(SETTINGS))
    async with pipeline_at_work(redis, engine) as work:
        try:
            failing, second = await work.put("1-0", grey=250), await work.put("2-0", grey=60)
            assert not second.drawn.is_set(), "nobody knows yet what the first one brings"
        finally:
            engine.opened.set()
        third = await work.put("3-0", grey=60)
        await wait_for(lambda: failing.ended.done() and second.ended.done() and third.ended.done())
        await wait_for(lambda: len(work.seen) == 2)
        assert work.seen == [("2-0", 1), ("3-0", 2)]
        assert dropped(work.metrics, "detect", "engine_failed") == 1


def dropped(metrics: DetectorMetrics, stage: str, cause: str) -> float:
    return metrics.registry.get_sample_value("lotcast_frames_dropped_total", {"stage": stage, "cause": cause}) or 0


class SurprisingEngine(EngineWrapper):
    """Fails with what nobody foresaw, until it is told not to."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.fails = True

    def detect(self, pictures: Sequence[Picture], confidence: float) -> list[sv.Detections]:
        if self.fails:
            raise ZeroDivisionError("division by zero")
        return self._engine.detect(pictures, confidence)


async def test_a_camera_that_fails_unexpectedly_rests_is_tried_again_and_is_logged_once(redis: Redis) -> None:
    engine = SurprisingEngine(load_engine(SETTINGS))
    with structlog.testing.capture_logs() as logs:
        async with pipeline_at_work(redis, engine) as work:
            place = await work.put("1-0", grey=60)
            await wait_for(place.ended.done)
            place = await work.put("2-0", grey=60)
            await wait_for(place.ended.done)
            assert work.camera.counters.dropped["failed"] == 2, "one failed, one was left out"
            assert "ZeroDivisionError" in work.camera.counters.error
            engine.fails = False

            async def works() -> bool:
                await (await work.put("3-0", grey=60)).ended
                return bool(work.seen)

            await wait_for(works, every_s=0.1)
            assert work.camera.counters.error == ""
    told = [entry for entry in logs if entry["log_level"] == "error"]
    assert len(told) == 1
    assert isinstance(told[0]["exc_info"], ZeroDivisionError)
