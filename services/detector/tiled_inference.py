"""Close looks at the spaces, beside the frame path: they take many runs of the model, and parked cars do not hurry."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from libs.common.errors import EngineError, FrameError
from libs.common.logging import get_logger
from libs.common.messages import RawFrame
from services.detector.camera import CameraWork, Inspected
from services.detector.engines.base import Engine
from services.detector.occupancy.inspection import inspect_spaces, plan_tiles
from services.detector.occupancy.lot import Lot
from services.detector.pictures import FramePicture
from services.detector.settings import DetectorSettings

_log = get_logger("tiles")


class TiledInference:
    """Looks closely, one picture at a time; a camera has at most one picture here, waiting or under way."""

    def __init__(self, engine: Engine, settings: DetectorSettings) -> None:
        self._engine = engine
        self._settings = settings
        self._pool = ThreadPoolExecutor(1, "tiled")
        self._under_way: dict[str, asyncio.Task[None]] = {}
        self._is_stopped = False

    def begin(self, frame: RawFrame, camera: CameraWork) -> None:
        """Begin a close look at a frame, unless the camera has one under way; the camera is told what was found."""
        if camera.camera_id not in self._under_way and not self._is_stopped:
            task = asyncio.create_task(self._inspect(frame, camera))
            self._under_way[camera.camera_id] = task
            task.add_done_callback(lambda _: self._under_way.pop(camera.camera_id, None))

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until stopped; a look under way is finished, those that wait are not begun."""
        await stop.wait()
        self._is_stopped = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        for task in list(self._under_way.values()):
            task.cancel()

    async def _inspect(self, frame: RawFrame, camera: CameraWork) -> None:
        try:
            camera.inspected = await asyncio.get_running_loop().run_in_executor(
                self._pool, self._look_closely, frame, camera.lot
            )
        except FrameError:
            pass  # the frame path says so, and counts it
        except EngineError as error:
            _log.warning(
                "no close look at the spaces; trying again with the next", camera=camera.camera_id, error=str(error)
            )

    def _look_closely(self, frame: RawFrame, lot: Lot) -> Inspected:
        picture = FramePicture(frame.jpeg, (frame.width, frame.height))
        tiles = plan_tiles(self._engine, lot.spaces, picture.size)
        vehicles = inspect_spaces(self._engine, picture.full, tiles, self._settings)
        return Inspected(lot, vehicles, picture.size)
