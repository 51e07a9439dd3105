"""The state of one camera: its tracks and its spaces, changed by one frame after the other."""

from __future__ import annotations

from collections.abc import Sequence

from libs.common.messages import RawFrame
from libs.common.spaces import EventReason, OccupancyEvent, ParkingSpace
from services.detector.engines.base import empty_detections
from services.detector.frame_result import FrameResult, Inference
from services.detector.judging import CameraJudging
from services.detector.motion import MotionGate
from services.detector.occupancy.hysteresis import Debounce
from services.detector.occupancy.lot import Lot
from services.detector.occupancy.matching import Match
from services.detector.process import DetectorProcess
from services.detector.stored_camera import StoredCamera
from services.detector.tracking import CameraTracker, no_tracks


class CameraState:
    """Tracks and spaces of one camera.

    Everything that changes them runs in the order of the camera's frames (`FrameSequence`), one at a time: `update` in
    a worker's thread, the others on the loop.

    Attributes:
        lot: the spaces and their states.
    """

    def __init__(
        self, stored: StoredCamera, gate: MotionGate, judging: CameraJudging, process: DetectorProcess
    ) -> None:
        """Start from what is stored.

        Args:
            stored: what the owner before left.
            gate: tells whether something moved since the spaces were judged last.
            judging: gives the judge's answers.
            process: this process.
        """
        settings = process.settings
        self._clock = process.clock
        self._gate = gate
        self._judging = judging
        self._debounce = Debounce(round(settings.occupied_after_s * 1000), round(settings.free_after_s * 1000))
        self._tracker = CameraTracker(stored.last_track_id, settings.confidence)
        self._tracked = no_tracks()
        self.lot = Lot(stored.spaces, stored.statuses, self._debounce, self._clock.now_ms())

    @property
    def last_track_id(self) -> int:
        """The greatest track id that the camera ever had."""
        return self._tracker.last_track_id

    @property
    def vehicle_count(self) -> int:
        """How many vehicles there were in the last frame."""
        return len(self._tracked)

    def update(self, frame: RawFrame, inference: Inference) -> FrameResult:
        """Track and match what was detected in one more frame, and take in the judge's answer if one has come."""
        lot = self.lot
        if inference.vehicles is not None or inference.verdict == "blind":
            found = empty_detections() if inference.vehicles is None else inference.vehicles
            self._tracked = self._tracker.update(found, frame.captured_at_ms)
        matches: list[Match] = []
        if inference.verdict == "blind":
            events = lot.lose_sight(frame.captured_at_ms)
        else:
            has_moved = self._gate.has_moved
            answer = self._judging.take_answer(lot)
            if answer is not None:
                lot.inspect(answer.vehicles, answer.picture_size, has_moved=has_moved)
            matches, events = lot.see(self._tracked, inference.picture.size, frame.captured_at_ms, has_moved=has_moved)
        return FrameResult(lot, self._tracked, matches, lot.statuses, events)

    def change_spaces(self, spaces: Sequence[ParkingSpace]) -> None:
        """Use other spaces from the next frame on; those that remain keep what is known of them."""
        before = {space.space_id: space.polygon for space in self.lot.spaces}
        self.lot = Lot(spaces, self.lot.statuses, self._debounce, self._clock.now_ms())
        self.lot.mark_redrawn([one.space_id for one in spaces if before.get(one.space_id, one.polygon) != one.polygon])

    def lose_view(self, reason: EventReason) -> list[OccupancyEvent]:
        """No frame comes any more: every space becomes unknown; the changes of state that this brought."""
        return self.lot.lose_sight(self._clock.now_ms(), reason)
