"""The frame path: several lanes, each carrying one frame at a time through all its stages.

Decoding and inference of different frames run at the same time, also of one camera's; tracking, drawing, encoding and
publishing happen one frame at a time and in order within a camera.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from redis.exceptions import RedisError

from libs.common.clock import now_ms
from libs.common.errors import EngineError, FrameError
from libs.common.logging import get_logger
from services.detector.camera import AnnotatedFrame, CameraWork, Look
from services.detector.inspector import Inspector
from services.detector.looking import Looker
from services.detector.mailbox import Letter, Mailbox
from services.detector.metrics import DetectorMetrics
from services.detector.publisher import Publisher
from services.detector.settings import DetectorSettings

_log = get_logger("lanes")


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
            if camera is not None:
                await self._carry(letter, camera, pool)

    async def _carry(self, letter: Letter, camera: CameraWork, pool: ThreadPoolExecutor) -> None:
        """One frame through all stages; whatever goes wrong with it is counted and ends with it."""
        before, mine = camera.turn, asyncio.get_running_loop().create_future()
        camera.turn = mine
        try:
            await self._work(letter, camera, pool, before)
        except FrameError as error:
            camera.counters.undecodable += 1
            self._metrics.frames.drop("detect", "undecodable")
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
            if before is not None and not before.done():
                await asyncio.wait({before})  # a frame that failed early must not let the next one overtake
            mine.set_result(None)

    async def _work(
        self, letter: Letter, camera: CameraWork, pool: ThreadPoolExecutor, before: asyncio.Future[None] | None
    ) -> None:
        loop, captured_at_ms = asyncio.get_running_loop(), letter.frame.captured_at_ms
        taken_at_ms = now_ms()
        self._metrics.frames.took("detector_wait", (taken_at_ms - letter.read_at_ms) / 1000)
        if not camera.lease.is_valid():
            self._count_disowned(camera, "detect")
            return
        if taken_at_ms - captured_at_ms > self._settings.frame_max_age_s * 1000:
            camera.counters.too_old += 1
            self._metrics.frames.drop("detect", "too_old")
            return
        show = camera.wants_picture(taken_at_ms)
        look = await loop.run_in_executor(pool, self._looker.look, letter.frame, camera, show)
        detected_at_ms = now_ms()
        self._metrics.frames.took("detect", (detected_at_ms - taken_at_ms) / 1000)
        self._count_look(camera, look)
        if look.sight != "blind" and camera.is_inspection_due(captured_at_ms):
            self._inspector.begin(letter.frame, camera)
        if before is not None:
            await before
        camera.last_frame_at_ms = now_ms()
        try:
            frame = await loop.run_in_executor(pool, camera.finish, letter, look, detected_at_ms, show)
        finally:
            camera.collect_events()
        if not await self._publish(camera, frame):
            self._count_disowned(camera, "publish")
            return
        published_at_ms = now_ms()
        self._metrics.frames.took("publish", (published_at_ms - detected_at_ms) / 1000)
        self._metrics.frames.count("publish", "ok" if show else "unwatched")
        if show:
            self._metrics.frames.took("capture_to_publish", (published_at_ms - captured_at_ms) / 1000)
        camera.counters.frames += 1
        camera.counters.rate.tick()
        camera.counters.error = ""

    async def _publish(self, camera: CameraWork, frame: AnnotatedFrame | None) -> bool:
        """Publish a frame, or only the changes that it brought; False if the camera is no longer ours."""
        if frame is None:
            return await self._publisher.publish_changes(camera)
        camera.shown_at_ms = now_ms()
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
