"""One look at a frame: decoded as far as needed, through the motion gate, and to the model if there is anything new."""

from __future__ import annotations

import time

from libs.common.messages import RawFrame
from services.detector.camera import CameraWork
from services.detector.engines.base import Engine
from services.detector.passing import Look
from services.detector.pictures import FramePicture
from services.detector.settings import DetectorSettings


class Looker:
    """Looks at frames; from several threads at once."""

    def __init__(self, engine: Engine, settings: DetectorSettings) -> None:
        self._engine = engine
        self._settings = settings

    def look(self, frame: RawFrame, camera: CameraWork, show: bool) -> Look:
        """Look at one frame.

        Args:
            frame: as the camera sent it.
            camera: whose frame it is.
            show: whether it will be drawn.

        Raises:
            FrameError: it cannot be decoded.
            EngineError: the model failed.
        """
        picture = FramePicture(frame.jpeg, (frame.width, frame.height))
        if camera.gate.repeats(frame.jpeg, frame.captured_at_ms):
            return Look(picture, "still")
        if show and camera.expects_motion:
            # All of it will be needed; the thumbnail comes from it at less than its own decoding would cost.
            picture.for_model(self._engine.input_size, full_is_needed=True)
        sight = camera.gate.judge(picture.thumbnail, frame.captured_at_ms, frame.jpeg)
        camera.expects_motion = sight == "new"
        if sight != "new":
            return Look(picture, sight)
        seen = picture.for_model(self._engine.input_size, full_is_needed=show)
        started = time.perf_counter()
        vehicles = self._engine.detect([seen], self._settings.track_confidence)[0]
        inference_ms = (time.perf_counter() - started) * 1000
        vehicles.xyxy = vehicles.xyxy * (frame.width / seen.shape[1])
        return Look(picture, "new", vehicles, inference_ms)
