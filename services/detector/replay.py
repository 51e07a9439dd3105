"""One camera played through the detector's own code on a virtual clock, without Redis: for evaluations and tests."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from libs.common.messages import RawFrame
from libs.common.spaces import OccupancyEvent, ParkingSpace, SpaceStatus
from services.detector.camera_state import CameraState
from services.detector.engines.base import Engine, Picture
from services.detector.full_frame import FullFrameInference
from services.detector.judging import CameraJudging, LookRequest, SpaceJudge
from services.detector.motion import MotionGate
from services.detector.pictures import encode
from services.detector.settings import DetectorSettings
from services.detector.stored_camera import StoredCamera
from services.detector.view.check import View, ViewCheck

JPEG_QUALITY = 90


class CameraReplay:
    """A camera's motion gate, tracker, view check, judge and spaces, one frame after the other.

    Attributes:
        events: all changes of state so far.
    """

    def __init__(
        self,
        spaces: Sequence[ParkingSpace],
        engine: Engine,
        judge: SpaceJudge,
        settings: DetectorSettings,
        known: Mapping[str, SpaceStatus] | None = None,
    ) -> None:
        """Start.

        Args:
            spaces: of the camera.
            engine: the detection model.
            judge: of its spaces.
            settings: of the detector.
            known: what an earlier detector knew, by space id.
        """
        self._gate = MotionGate(settings.motion_threshold, round(settings.look_every_s * 1000))
        self._full_frame = FullFrameInference(engine, settings.track_confidence, settings.frame_max_pixels)
        self._judge = judge
        self._at_ms = 0
        stored = StoredCamera(list(spaces), known or {})
        view = ViewCheck(round(settings.frozen_after_s * 1000), settings.carry_shift)
        self._judging = CameraJudging("replay", view)
        self._state = CameraState(stored, self._judging, settings, lambda: self._at_ms)
        self.events: list[OccupancyEvent] = []

    @property
    def statuses(self) -> Mapping[str, SpaceStatus]:
        """Status by space id."""
        return self._state.lot.statuses

    @property
    def view(self) -> View:
        """What the last picture that was looked at showed of the lot."""
        return self._judging.view

    def show(self, picture: Picture, at_ms: int) -> list[OccupancyEvent]:
        """Show one picture, (height, width, 3) BGR, captured at that time; the changes that it brought."""
        return self.show_jpeg(encode(picture, JPEG_QUALITY), (picture.shape[1], picture.shape[0]), at_ms)

    def show_jpeg(self, jpeg: bytes, size: tuple[int, int], at_ms: int) -> list[OccupancyEvent]:
        """Show one JPEG of that (width, height).

        A look that is due is made at once; as in the service, its answer comes with the next frame.

        Raises:
            FrameError: it cannot be decoded.
            EngineError: the model failed.
        """
        self._at_ms = at_ms
        frame = RawFrame(0, at_ms, *size, jpeg)
        result = self._state.update(frame, self._full_frame.run(frame, self._gate, show=False))
        if result.due is not None:
            request = LookRequest(frame, result.lot, result.due, result.detected)
            self._judging.answer(result.lot, self._judging.look(request, self._judge))
        self.events.extend(result.events)
        return result.events
