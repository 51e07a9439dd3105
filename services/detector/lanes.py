"""The frame path: several lanes, each carrying one frame at a time through all its stages.

Decoding and inference of different frames run at the same time, also of one camera's; tracking, drawing, encoding and
publishing happen one frame at a time and in order within a camera.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from redis.exceptions import RedisError

from libs.common.clock import now_ms
from libs.common.errors import EngineError, FrameError
from libs.common.logging import get_logger
from services.detector.camera import AnnotatedFrame, CameraWork, Look
from services.detector.engines.base import Engine
from services.detector.mailbox import Letter, Mailbox
from services.detector.occupancy.inspection import inspect_spaces
from services.detector.pictures import FramePicture
from services.detector.publisher import Publisher
from services.detector.settings import DetectorSettings

_log = get_logger("lanes")


class Lanes:
    """Takes frames from the mailbox and brings them, annotated, to the publisher."""

    def __init__(
        self,
        engine: Engine,
        mailbox: Mailbox,
        cameras: Mapping[str, CameraWork],
        publisher: Publisher,
        settings: DetectorSettings,
        lanes: int,
    ) -> None:
        self._engine = engine
        self._mailbox = mailbox
        self._cameras = cameras
        self._publisher = publisher
        self._settings = settings
        self._lanes = lanes

    async def run(self, stop: asyncio.Event) -> None:
        """Run all lanes until stopped; frames under way are finished."""
        with ThreadPoolExecutor(self._lanes, "lane") as pool:
            lanes = [asyncio.create_task(self._lane(pool, stop)) for _ in range(self._lanes)]
            try:
                await asyncio.gather(*lanes)
            finally:
                for lane in lanes:
                    lane.cancel()

    async def _lane(self, pool: ThreadPoolExecutor, stop: asyncio.Event) -> None:
        stopped = asyncio.create_task(stop.wait())
        while not stop.is_set():
            taking = asyncio.create_task(self._mailbox.take())
            await asyncio.wait({taking, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not taking.done():
                taking.cancel()
                return
            letter = taking.result()
            camera = self._cameras.get(letter.camera_id)
            if camera is not None:
                await self._carry(letter, camera, pool)

    async def _carry(self, letter: Letter, camera: CameraWork, pool: ThreadPoolExecutor) -> None:
        """One frame through all stages; whatever goes wrong with it is counted and ends with it."""
        loop = asyncio.get_running_loop()
        before, mine = camera.turn, loop.create_future()
        camera.turn = mine
        try:
            if not camera.lease.is_valid():
                camera.counters.disowned += 1
                return
            if now_ms() - letter.frame.captured_at_ms > self._settings.frame_max_age_s * 1000:
                camera.counters.too_old += 1
                return
            show = camera.wants_picture(now_ms())
            look, inference_ms = await loop.run_in_executor(pool, self._look, letter, camera, show)
            detected_at_ms = now_ms()
            _count_look(camera, look, inference_ms)
            if before is not None:
                await before
            camera.last_frame_at_ms = now_ms()
            frame = await loop.run_in_executor(pool, camera.finish, letter, look, detected_at_ms, show)
            if not await self._publish(camera, frame):
                camera.counters.disowned += 1
                return
            camera.counters.frames += 1
            camera.counters.rate.tick()
            camera.counters.error = ""
        except FrameError as error:
            camera.counters.undecodable += 1
            self._complain(camera, "frame skipped", error)
        except EngineError as error:
            camera.counters.engine_failures += 1
            self._complain(camera, "frame skipped", error)
        except (RedisError, OSError) as error:
            camera.counters.unpublished += 1
            self._complain(camera, "frame not published; going on with the next", error)
        finally:
            if before is not None and not before.done():
                await asyncio.wait({before})  # a frame that failed early must not let the next one overtake
            mine.set_result(None)

    async def _publish(self, camera: CameraWork, frame: AnnotatedFrame | None) -> bool:
        """Publish a frame, or only the changes that it brought; False if the camera is no longer ours."""
        if frame is None:
            return await self._publisher.publish_changes(camera)
        camera.shown_at_ms = now_ms()
        return await self._publisher.publish(camera, frame)

    def _look(self, letter: Letter, camera: CameraWork, show: bool) -> tuple[Look, float]:
        """Decode as far as needed and detect; milliseconds are those of the whole picture's inference."""
        frame = letter.frame
        picture = FramePicture(frame.jpeg, (frame.width, frame.height))
        if show and camera.expects_motion:
            _ = picture.full  # will be needed; the thumbnail comes from it at less than its own decoding would cost
        sight = camera.gate.judge(picture.thumbnail, frame.captured_at_ms)
        if sight == "blind":
            camera.expects_motion = False
            return Look(picture, sight), 0.0
        camera.expects_motion = sight == "new"
        inspect = camera.is_inspection_due(frame.captured_at_ms)
        if sight == "still" and not inspect:
            return Look(picture, sight), 0.0
        started = time.perf_counter()
        seen = picture.for_model(self._engine.input_size, full_is_needed=show or inspect)
        vehicles = self._engine.detect([seen], self._settings.track_confidence)[0]
        vehicles.xyxy = vehicles.xyxy * (frame.width / seen.shape[1])
        inference_ms = (time.perf_counter() - started) * 1000
        inspected = inspect_spaces(self._engine, picture.full, camera.lot.spaces, self._settings) if inspect else None
        return Look(picture, "new", vehicles, inspected), inference_ms

    def _complain(self, camera: CameraWork, event: str, error: Exception) -> None:
        """Log the first of a row of equal errors; the status shows the last one and the counters."""
        if camera.counters.error != str(error):
            _log.warning(event, camera=camera.camera_id, error=str(error))
        camera.counters.error = str(error)


def _count_look(camera: CameraWork, look: Look, inference_ms: float) -> None:
    if look.sight == "new":
        camera.counters.inference_ms = inference_ms
    elif look.sight == "still":
        camera.counters.still += 1
    else:
        camera.counters.blind += 1
        camera.gate.forget()
