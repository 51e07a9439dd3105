"""The life of one frame, from top to bottom: detect → track and match → draw → encode → publish.

Several workers carry one frame each. Detection and encoding of different frames run at the same time, also of one
camera's frames. Tracking and drawing run in order within a camera, and so does publishing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from libs.common.errors import EngineError, FrameError
from libs.common.logging import get_logger
from libs.common.redis_errors import REDIS_ERRORS, RedisFault, classify, describe
from services.detector.camera import CameraSession
from services.detector.frame_order import FrameOrder
from services.detector.frame_result import AnnotatedFrame, DrawnFrame, FrameResult, Inference, PictureKind
from services.detector.full_frame import FullFrameInference
from services.detector.judging import JudgingQueue, LookRequest
from services.detector.latest_frames import LatestFrames, PendingFrame
from services.detector.process import DetectorProcess
from services.detector.proposals.camera_proposals import Sample, take_sample
from services.detector.publisher import Publisher
from services.detector.status import is_rendered

_log = get_logger("pipeline")

SHARE_MIN: Final = 2
"""Frames of one camera that may be carried at the same time, however many cameras there are."""


@dataclass(slots=True)
class FrameContext:
    """One frame on its way through the stages.

    Attributes:
        pending: the frame.
        camera: its camera.
        order: its place among the frames of its camera.
        kinds: the pictures of it that somebody wants.
        inference: what was detected in it; None before that.
        detected_at_ms: when that was done.
        result: the camera's state after it; None before that.
        frame: what is to be published; None if nobody wants a picture.
        sample: where vehicles are; None unless it is noted for this frame.
    """

    pending: PendingFrame
    camera: CameraSession
    order: FrameOrder
    kinds: frozenset[PictureKind] = frozenset()
    inference: Inference | None = None
    detected_at_ms: int = 0
    result: FrameResult | None = None
    frame: AnnotatedFrame | None = None
    sample: Sample | None = None


class Pipeline:
    """Carries the newest frame of each camera through all stages."""

    def __init__(
        self,
        full_frame: FullFrameInference,
        judging: JudgingQueue,
        publisher: Publisher,
        cameras: Mapping[str, CameraSession],
        process: DetectorProcess,
    ) -> None:
        """Prepare.

        Args:
            full_frame: detects the vehicles of a frame.
            judging: judges the spaces beside the frame path.
            publisher: takes what the frames become.
            cameras: the cameras of this process, by id.
            process: this process.
        """
        self._full_frame = full_frame
        self._judging = judging
        self._publisher = publisher
        self._cameras = cameras
        self._metrics = process.metrics.frames
        self._clock = process.clock

    async def run(self, latest_frames: LatestFrames, workers: int, stop: asyncio.Event) -> None:
        """Carry frames until stopped; those under way are finished.

        Args:
            latest_frames: where the frames come from.
            workers: how many frames are carried at the same time.
            stop: ends it.
        """
        with ThreadPoolExecutor(workers, "worker") as pool:
            tasks = [asyncio.create_task(self._worker(latest_frames, pool, workers)) for _ in range(workers)]
            stopped = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait([stopped, *tasks], return_when=asyncio.FIRST_COMPLETED)
                latest_frames.close()
                await asyncio.gather(*tasks)
            finally:
                for task in (stopped, *tasks):
                    task.cancel()

    async def _worker(self, latest_frames: LatestFrames, pool: ThreadPoolExecutor, workers: int) -> None:
        while (pending := await latest_frames.take(self._share(workers))) is not None:
            camera = self._cameras.get(pending.camera_id)
            try:
                if camera is None:
                    self._metrics.drop("detect", "lease_lost")
                else:
                    await self._carry(pending, camera, pool)
            finally:
                latest_frames.done(pending.camera_id)

    def _share(self, workers: int) -> int:
        """How many workers one camera may have: an even share; one with large pictures leaves the others theirs."""
        return max(SHARE_MIN, workers // max(1, len(self._cameras)))

    async def _carry(self, pending: PendingFrame, camera: CameraSession, pool: ThreadPoolExecutor) -> None:
        """One frame through all stages; a failure is counted and ends with the frame."""
        frame = FrameContext(pending, camera, camera.sequence.take_place())
        try:
            if self._admit(frame):
                await self._process(frame, pool)
                self._judge(frame)
                if frame.sample is not None:
                    camera.proposals.see(frame.sample)
                await self._publish(frame)
        except FrameError as error:
            stage = "detect" if frame.inference is None else "publish"
            self._fail(camera, stage, "undecodable", error)
        except EngineError as error:
            self._fail(camera, "detect", "engine_failed", error)
        except REDIS_ERRORS as error:
            if classify(error) is RedisFault.OURS:
                self._fail_unexpectedly(frame, error)
            else:
                self._fail(camera, "publish", "redis_away", error)
        except Exception as error:  # a boundary: what goes wrong with one camera is that camera's alone
            self._fail_unexpectedly(frame, error)
        finally:
            await frame.order.before_has_ended()  # a frame that failed early must not let the next one overtake
            frame.order.end()

    def _admit(self, frame: FrameContext) -> bool:
        """Whether the frame is worth the work: its camera is still this process's, and it is not too old."""
        camera, taken_at_ms = frame.camera, self._clock.now_ms()
        camera.counters.took("detector_wait", taken_at_ms - frame.pending.read_at_ms)
        if not camera.lease.is_valid():
            camera.counters.drop("detect", "lease_lost")
            return False
        if camera.backoff.rests:
            camera.counters.drop("detect", "failed")
            return False
        if camera.schedule.is_too_old(taken_at_ms - frame.pending.frame.captured_at_ms):
            camera.counters.drop("detect", "too_old")
            return False
        frame.kinds = camera.wanted_pictures()
        return True

    async def _process(self, frame: FrameContext, pool: ThreadPoolExecutor) -> None:
        """The stages that need the processor, in a thread; what they found is then kept, in order.

        Raises:
            FrameError: the picture cannot be decoded or encoded.
            EngineError: the model failed.
        """
        camera, taken_at_ms = frame.camera, self._clock.now_ms()
        try:
            await asyncio.get_running_loop().run_in_executor(pool, self._run_stages, frame)
        finally:
            await frame.order.before_has_ended()
            if frame.inference is not None:
                camera.counters.took("detect", frame.detected_at_ms - taken_at_ms)
                camera.counters.detected(frame.inference.verdict, frame.inference.inference_ms)
                camera.counters.is_rendered = is_rendered(frame.pending.frame.jpeg)
            if frame.result is not None:
                camera.outbox.add(frame.result.events)
                camera.crops.add(frame.result.events)
        camera.schedule.frame_was_examined(self._clock.now_ms())

    def _run_stages(self, frame: FrameContext) -> None:
        """In a worker's thread: detect; in the camera's order, track and draw; encode."""
        inference = self._detect(frame)
        with frame.order.tracking():
            result = self._track(frame, inference)
            drawn = self._draw(frame, inference, result) if frame.kinds else None
        frame.sample = self._take_sample(frame, inference)
        if drawn is not None:
            frame.frame = drawn.encode(frame.kinds)

    def _detect(self, frame: FrameContext) -> Inference:
        frame.inference = self._full_frame.run(frame.pending.frame, frame.camera.gate, "annotated" in frame.kinds)
        frame.detected_at_ms = max(self._clock.now_ms(), frame.pending.read_at_ms)
        return frame.inference

    def _track(self, frame: FrameContext, inference: Inference) -> FrameResult:
        frame.result = frame.camera.state.update(frame.pending.frame, inference)
        return frame.result

    def _take_sample(self, frame: FrameContext, inference: Inference) -> Sample | None:
        """Note where vehicles are, if that is due and the model has just looked at the lot."""
        camera, raw, picture = frame.camera, frame.pending.frame, inference.picture.decoded
        is_due = camera.proposals.is_due(raw.captured_at_ms) and camera.judging.view.condition == "clear"
        if inference.vehicles is None or picture is None or not is_due:
            return None
        return take_sample(inference.vehicles, picture, inference.picture.size, raw.captured_at_ms)

    def _draw(self, frame: FrameContext, inference: Inference, result: FrameResult) -> DrawnFrame:
        return frame.camera.renderer.draw(frame.pending, inference, result, frame.detected_at_ms, frame.kinds)

    def _judge(self, frame: FrameContext) -> None:
        """Have the spaces judged in this frame, beside the frame path, if that is due."""
        camera, result = frame.camera, frame.result
        if result is not None and result.due is not None:
            request = LookRequest(frame.pending.frame, result.lot, result.due, result.detected)
            self._judging.put(request, camera.judging)

    async def _publish(self, frame: FrameContext) -> None:
        """Publish the picture, or only the changes of state that the frame brought.

        Raises:
            redis.RedisError: Redis is away, or refuses it.
        """
        camera, captured_at_ms = frame.camera, frame.pending.frame.captured_at_ms
        if frame.frame is None:
            is_published = await self._publisher.publish_changes(camera)
        else:
            if "annotated" in frame.kinds:
                camera.schedule.picture_was_shown()
            is_published = await self._publisher.publish(camera, frame.frame)
        if not is_published:
            camera.counters.drop("publish", "lease_lost")
            return
        published_at_ms = self._clock.now_ms()
        camera.counters.took("publish", published_at_ms - frame.detected_at_ms)
        if frame.kinds:
            camera.counters.took("capture_to_publish", published_at_ms - captured_at_ms)
        camera.counters.published(shown=bool(frame.kinds))
        camera.backoff.worked()

    def _fail(self, camera: CameraSession, stage: str, cause: str, error: Exception) -> None:
        """Count a frame that failed; log the first of a row of equal errors."""
        text = describe(error) if isinstance(error, REDIS_ERRORS) else str(error)
        if camera.counters.fail(stage, cause, text):
            _log.warning("frame skipped; going on with the next", camera=camera.camera_id, cause=cause, error=text)

    def _fail_unexpectedly(self, frame: FrameContext, error: Exception) -> None:
        """Let the camera rest after a failure that nobody foresaw; the first of a kind is logged with its trace."""
        camera, stage = frame.camera, "detect" if frame.result is None else "publish"
        is_new = camera.backoff.failed(error)
        text = f"{type(error).__name__}: {error}; trying again in {camera.backoff.delay_s:.0f} s"
        camera.counters.fail(stage, "failed", text)
        if is_new:
            _log.error("camera failed; the others go on", camera=camera.camera_id, error=text, exc_info=error)
