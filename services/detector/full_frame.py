"""Full-frame inference: decode a frame as far as needed, ask the motion gate, and run the model if something moved."""

from __future__ import annotations

import time

from libs.common.messages import RawFrame
from services.detector.engines.base import Engine
from services.detector.frame_result import Inference
from services.detector.motion import MotionGate
from services.detector.pictures import FramePicture, check_size


class FullFrameInference:
    """Runs the model on whole frames; may be used from several threads at once."""

    def __init__(self, engine: Engine, confidence: float, max_pixels: int) -> None:
        """Prepare.

        Args:
            engine: the detection model.
            confidence: least confidence of a detection: that which keeps a track alive.
            max_pixels: a larger picture is refused.
        """
        self._engine = engine
        self._confidence = confidence
        self._max_pixels = max_pixels

    def run(self, frame: RawFrame, gate: MotionGate, show: bool) -> Inference:
        """Ask the gate about one frame and, if it shows something new, run the model on it.

        Args:
            frame: as the camera sent it.
            gate: of the frame's camera.
            show: whether the frame will be drawn.

        Raises:
            FrameError: it cannot be decoded, or is too large.
            EngineError: the model failed.
        """
        check_size(frame.jpeg, (frame.width, frame.height), self._max_pixels)
        picture = FramePicture(frame.jpeg, (frame.width, frame.height))
        if gate.repeats(frame.jpeg, frame.captured_at_ms):
            return Inference(picture, "still", moved=False)
        if gate.expects_motion:
            # The model will need a picture; a thumbnail of that costs less than decoding one by itself.
            picture.for_model(self._engine.input_size, full_is_needed=show)
        motion = gate.compare(picture.thumbnail, frame.captured_at_ms, frame.jpeg)
        if motion.verdict != "new":
            return Inference(picture, motion.verdict, moved=motion.has_moved)
        fitted = picture.for_model(self._engine.input_size, full_is_needed=show)
        started = time.perf_counter()
        vehicles = self._engine.detect([fitted], self._confidence)[0]
        inference_ms = (time.perf_counter() - started) * 1000
        vehicles.xyxy = vehicles.xyxy * (frame.width / fitted.shape[1])
        return Inference(picture, "new", vehicles, inference_ms, motion.has_moved, motion.changed)
