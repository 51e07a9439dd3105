"""The frame path: several lanes, each carrying one frame at a time through all its stages.

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
from services.detector.inspector import Inspector
from services.detector.looking import Looker
from services.detector.mailbox import Letter, Mailbox
from services.detector.metrics import DetectorMetrics
from services.detector.passing import AnnotatedFrame, Findings, Look, Turn
from services.detector.publisher import Publisher
from services.detector.settings import DetectorSettings

_log = get_logger("lanes")


@dataclass(slots=True)
class _Passage:
    """One frame on its way through the stages.

    Attributes:
        letter: the frame.
        camera: whose it is.
        before: the turn of the camera's frame before this one.
        mine: this frame's turn.
        show: whether it is to be drawn.
        look: what was found in it, once it has been looked at.
        detected_at_ms: when that was.
        findings: what that says of the camera, once it has been tracked.
        frame: what it has become; None if it is not to be shown.
    """

    letter: Letter
    camera: CameraWork
    before: Turn | None
    mine: Turn
    show: bool = False
    look: Look | None = None
    detected_at_ms: int = 0
    findings: Findings | None = None
    frame: AnnotatedFrame | None = None

    async def before_has_ended(self) -> None:
        """Wait until the frame before has been published, or has failed."""
        if self.before is not None and not self.before.ended.done():
            await asyncio.wait({self.before.ended})

    def run(self, looker: Looker) -> None:
        """In a lane's thread: all stages but publishing. Raises `FrameError` and `EngineError`."""
        self.look = look = looker.look(self.letter.frame, self.camera, self.show)
        self.detected_at_ms = now_ms()
        if self.before is not None:
            # Whoever draws the frame before is in another lane's thread already, and needs nothing from this one.
            self.before.drawn.wait()
        try:
            self.findings = self.camera.follow(self.letter.frame, look)
            if not self.show:
                return
            drawn = self.camera.draw(self.letter, look, self.findings, self.detected_at_ms)
        finally:
            self.mine.drawn.set()
        self.frame = drawn.encode()


class Lanes:
    """Takes frames from the mailbox and brings them, annotated, to the publisher."""

    def __init__(
        self,
        looker: Looker,
        inspector: Inspector,
        mailbox: Mailbox,
        cameras: Mapping[str, CameraWork],
        publisher: Publisher,
        settings: DetectorSettings,
        lanes: int,
        metrics: DetectorMetrics,
    ) -> None:
        self._looker = looker
        self._inspector = inspector
        self._metrics = metrics
        self._mailbox = mailbox
        self._cameras = cameras
        self._publisher = publisher
        self._settings = settings
        self._lanes = lanes

    async def run(self, stop: asyncio.Event) -> None:
        """Run all lanes until stopped; frames under way are finished."""
        with ThreadPoolExecutor(self._lanes, "lane") as pool:
            lanes = [asyncio.create_task(self._lane(pool)) for _ in range(self._lanes)]
            stopped = asyncio.create_task(stop.wait())
            try:
                await asyncio.wait([stopped, *lanes], return_when=asyncio.FIRST_COMPLETED)
                self._mailbox.close()
                await asyncio.gather(*lanes)
            finally:
                for task in (stopped, *lanes):
                    task.cancel()

    async def _lane(self, pool: ThreadPoolExecutor) -> None:
        while (letter := await self._mailbox.take()) is not None:
            camera = self._cameras.get(letter.camera_id)
            if camera is None:
                self._metrics.frames.drop("detect", "lease_lost")
            else:
                await self._carry(letter, camera, pool)

    async def _carry(self, letter: Letter, camera: CameraWork, pool: ThreadPoolExecutor) -> None:
        """One frame through all stages; whatever goes wrong with it is counted and ends with it."""
        mine = Turn(threading.Event(), asyncio.get_running_loop().create_future())
        passage, camera.turn = _Passage(letter, camera, camera.turn, mine), mine
        try:
            await self._work(passage, pool)
        except FrameError as error:
            camera.counters.undecodable += 1
            self._metrics.frames.drop("detect" if passage.look is None else "publish", "undecodable")
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
            await passage.before_has_ended()  # a frame that failed early must not let the next one overtake
            mine.drawn.set()
            mine.ended.set_result(None)

    async def _work(self, passage: _Passage, pool: ThreadPoolExecutor) -> None:
        loop, camera, letter = asyncio.get_running_loop(), passage.camera, passage.letter
        captured_at_ms, taken_at_ms = letter.frame.captured_at_ms, now_ms()
        self._metrics.frames.took("detector_wait", (taken_at_ms - letter.read_at_ms) / 1000)
        if not camera.lease.is_valid():
            self._count_disowned(camera, "detect")
            return
        if taken_at_ms - captured_at_ms > self._settings.frame_max_age_s * 1000:
            camera.counters.too_old += 1
            self._metrics.frames.drop("detect", "too_old")
            return
        passage.show = camera.wants_picture()
        try:
            await loop.run_in_executor(pool, passage.run, self._looker)
        finally:
            await passage.before_has_ended()
            if passage.findings is not None:
                camera.keep_events(passage.findings.events)
            if passage.look is not None:
                self._metrics.frames.took("detect", (passage.detected_at_ms - taken_at_ms) / 1000)
                self._count_look(camera, passage.look)
        camera.since_frame.restart()
        if passage.look is not None and passage.look.sight != "blind" and camera.is_inspection_due():
            self._inspector.begin(letter.frame, camera)
        if not await self._publish(camera, passage.frame):
            self._count_disowned(camera, "publish")
            return
        published_at_ms = now_ms()
        self._metrics.frames.took("publish", (published_at_ms - passage.detected_at_ms) / 1000)
        self._metrics.frames.count("publish", "ok" if passage.show else "unwatched")
        if passage.show:
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

    def _count_look(self, camera: CameraWork, look: Look) -> None:
        self._metrics.frames.count("detect", look.sight)
        if look.sight == "new":
            camera.counters.inference_ms = look.inference_ms
        elif look.sight == "still":
            camera.counters.still += 1
        else:
            camera.counters.blind += 1
            camera.gate.forget()
