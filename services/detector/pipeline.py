"""The frame path: several workers, each carrying one frame at a time through all its stages.

Decoding, inference and encoding of different frames run at the same time, also of one camera's. Tracking and drawing
happen one frame at a time and in order within a camera, and so does publishing, meanwhile, of the frame before.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from redis.exceptions import RedisError

from libs.common.clock import now_ms
from libs.common.errors import EngineError, FrameError
from libs.common.logging import get_logger
from services.detector.camera import CameraWork
from services.detector.frame_result import AnnotatedFrame, FrameOrder, FrameResult, Inference
from services.detector.full_frame import FullFrameInference
from services.detector.latest_frames import LatestFrames, PendingFrame
from services.detector.metrics import DetectorMetrics
from services.detector.publisher import Publisher
from services.detector.settings import DetectorSettings
from services.detector.tiled_inference import TiledInference

_log = get_logger("pipeline")


@dataclass(slots=True)
class FrameContext:
    """One frame on its way through the stages.

    Attributes:
        pending: the frame.
        camera: whose it is.
        before: the turn of the camera's frame before this one.
        mine: this frame's turn.
        show: whether it is to be drawn.
        look: what was found in it, once it has been looked at.
        detected_at_ms: when that was.
        result: what that says of the camera, once it has been tracked.
        frame: what it has become; None if it is not to be shown.
    """

    pending: PendingFrame
    camera: CameraWork
    before: FrameOrder | None
    mine: FrameOrder
    show: bool = False
    inference: Inference | None = None
    detected_at_ms: int = 0
    result: FrameResult | None = None
    frame: AnnotatedFrame | None = None

    async def before_has_ended(self) -> None:
        """Wait until the frame before has been published, or has failed."""
        if self.before is not None and not self.before.ended.done():
            await asyncio.wait({self.before.ended})

    def run(self, full_frame: FullFrameInference) -> None:
        """In a worker's thread: all stages but publishing. Raises `FrameError` and `EngineError`."""
        self.inference = inference = full_frame.run(self.pending.frame, self.camera, self.show)
        self.detected_at_ms = now_ms()
        if self.before is not None:
            # Whoever draws the frame before is in another worker's thread already, and needs nothing from this one.
            self.before.drawn.wait()
        try:
            self.result = self.camera.follow(self.pending.frame, inference)
            if not self.show:
                return
            drawn = self.camera.draw(self.pending, inference, self.result, self.detected_at_ms)
        finally:
            self.mine.drawn.set()
        self.frame = drawn.encode()


class Pipeline:
    """Takes the newest frame of each camera and brings them, annotated, to the publisher."""

    def __init__(
        self,
        full_frame: FullFrameInference,
        tiled: TiledInference,
        latest_frames: LatestFrames,
        cameras: Mapping[str, CameraWork],
        publisher: Publisher,
        settings: DetectorSettings,
        workers: int,
        metrics: DetectorMetrics,
    ) -> None:
        self._full_frame = full_frame
        self._tiled = tiled
        self._metrics = metrics
        self._latest_frames = latest_frames
        self._cameras = cameras
        self._publisher = publisher
        self._settings = settings
        self._workers = workers

    async def run(self, stop: asyncio.Event) -> None:
        """Run all workers until stopped; frames under way are finished."""
        with ThreadPoolExecutor(self._workers, "worker") as pool:
            workers = [asyncio.create_task(self._worker(pool)) for _ in range(self._workers)]
            stopped = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait([stopped, *workers], return_when=asyncio.FIRST_COMPLETED)
                self._latest_frames.close()
                await asyncio.gather(*workers)
            finally:
                for task in (stopped, *workers):
                    task.cancel()

    async def _worker(self, pool: ThreadPoolExecutor) -> None:
        while (pending := await self._latest_frames.take()) is not None:
            camera = self._cameras.get(pending.camera_id)
            if camera is None:
                self._metrics.frames.drop("detect", "lease_lost")
            else:
                await self._carry(pending, camera, pool)

    async def _carry(self, pending: PendingFrame, camera: CameraWork, pool: ThreadPoolExecutor) -> None:
        """One frame through all stages; whatever goes wrong with it is counted and ends with it."""
        mine = FrameOrder(threading.Event(), asyncio.get_running_loop().create_future())
        context, camera.last_order = FrameContext(pending, camera, camera.last_order, mine), mine
        try:
            await self._work(context, pool)
        except FrameError as error:
            camera.counters.undecodable += 1
            self._metrics.frames.drop("detect" if context.inference is None else "publish", "undecodable")
            self._complain(camera, "frame skipped", error)
        except EngineError as error:
            camera.counters.engine_failures += 1
            self._metrics.frames.drop("detect", "engine_failed")
            self._complain(camera, "frame skipped", error)
        except (RedisError, OSError) as error:
            camera.counters.unpublished += 1
            self._metrics.frames.drop("publish", "redis_away")
            self._complain(camera, "frame not published; going on with the next", error)
        finally:
            await context.before_has_ended()  # a frame that failed early must not let the next one overtake
            mine.drawn.set()
            mine.ended.set_result(None)

    async def _work(self, context: FrameContext, pool: ThreadPoolExecutor) -> None:
        loop, camera, pending = asyncio.get_running_loop(), context.camera, context.pending
        captured_at_ms, taken_at_ms = pending.frame.captured_at_ms, now_ms()
        self._metrics.frames.took("detector_wait", (taken_at_ms - pending.read_at_ms) / 1000)
        if not camera.lease.is_valid():
            self._count_disowned(camera, "detect")
            return
        if taken_at_ms - captured_at_ms > self._settings.frame_max_age_s * 1000:
            camera.counters.too_old += 1
            self._metrics.frames.drop("detect", "too_old")
            return
        context.show = camera.wants_picture()
        try:
            await loop.run_in_executor(pool, context.run, self._full_frame)
        finally:
            await context.before_has_ended()
            if context.result is not None:
                camera.keep_events(context.result.events)
            if context.inference is not None:
                self._metrics.frames.took("detect", (context.detected_at_ms - taken_at_ms) / 1000)
                self._count_look(camera, context.inference)
        camera.since_frame.restart()
        if context.inference is not None and context.inference.verdict != "blind" and camera.is_inspection_due():
            self._tiled.begin(pending.frame, camera)
        if not await self._publish(camera, context.frame):
            self._count_disowned(camera, "publish")
            return
        published_at_ms = now_ms()
        self._metrics.frames.took("publish", (published_at_ms - context.detected_at_ms) / 1000)
        self._metrics.frames.count("publish", "ok" if context.show else "unwatched")
        if context.show:
            self._metrics.frames.took("capture_to_publish", (published_at_ms - captured_at_ms) / 1000)
        camera.counters.frames += 1
        camera.counters.rate.tick()
        camera.counters.error = ""

    async def _publish(self, camera: CameraWork, frame: AnnotatedFrame | None) -> bool:
        """Publish a frame, or only the changes that it brought; False if the camera is no longer ours."""
        if frame is None:
            return await self._publisher.publish_changes(camera)
        camera.since_shown.restart()
        return await self._publisher.publish(camera, frame)

    def _complain(self, camera: CameraWork, event: str, error: Exception) -> None:
        """Log the first of a row of equal errors; the status shows the last one and the counters."""
        if camera.counters.error != str(error):
            _log.warning(event, camera=camera.camera_id, error=str(error))
        camera.counters.error = str(error)

    def _count_disowned(self, camera: CameraWork, stage: str) -> None:
        camera.counters.disowned += 1
        self._metrics.frames.drop(stage, "lease_lost")

    def _count_look(self, camera: CameraWork, inference: Inference) -> None:
        self._metrics.frames.count("detect", inference.verdict)
        if inference.verdict == "new":
            camera.counters.inference_ms = inference.inference_ms
        elif inference.verdict == "still":
            camera.counters.still += 1
        else:
            camera.counters.blind += 1
            camera.gate.forget()
