"""Full-frame inference: decode a frame as far as needed, ask the motion gate, and run the model if something moved."""

from __future__ import annotations

import time

from libs.common.messages import RawFrame
from services.detector.camera import CameraWork
from services.detector.engines.base import Engine
from services.detector.frame_result import Inference
from services.detector.pictures import FramePicture
from services.detector.settings import DetectorSettings


class FullFrameInference:
    """Runs the model on whole frames; from several threads at once."""

    def __init__(self, engine: Engine, settings: DetectorSettings) -> None:
        self._engine = engine
        self._settings = settings

    def run(self, frame: RawFrame, camera: CameraWork, show: bool) -> Inference:
        """Run the gate and, if it says so, the model on one frame.

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
            return Inference(picture, "still")
        if show and camera.expects_motion:
            # All of it will be needed; the thumbnail comes from it at less than its own decoding would cost.
            picture.for_model(self._engine.input_size, full_is_needed=True)
        verdict = camera.gate.judge(picture.thumbnail, frame.captured_at_ms, frame.jpeg)
        camera.expects_motion = verdict == "new"
        if verdict != "new":
            return Inference(picture, verdict)
        seen = picture.for_model(self._engine.input_size, full_is_needed=show)
        started = time.perf_counter()
        vehicles = self._engine.detect([seen], self._settings.track_confidence)[0]
        inference_ms = (time.perf_counter() - started) * 1000
        vehicles.xyxy = vehicles.xyxy * (frame.width / seen.shape[1])
        return Inference(picture, "new", vehicles, inference_ms)
