"""The state of one camera: its tracks and its spaces, changed by one frame after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from libs.common.messages import RawFrame
from libs.common.spaces import EventReason, OccupancyEvent, ParkingSpace
from services.detector.engines.base import empty_detections
from services.detector.frame_result import FrameResult, Inference
from services.detector.judging import CameraJudging
from services.detector.occupancy.hysteresis import Debounce
from services.detector.occupancy.lot import LookRules, Lot
from services.detector.occupancy.matching import Match
from services.detector.settings import DetectorSettings
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
        self, stored: StoredCamera, judging: CameraJudging, settings: DetectorSettings, now_ms: Callable[[], int]
    ) -> None:
        """Start from what is stored.

        Args:
            stored: what the owner before left.
            judging: gives the judge's answers.
            settings: of this service.
            now_ms: the time by Redis's clock.
        """
        self._now_ms = now_ms
        self._judging = judging
        debounce = Debounce(round(settings.occupied_after_s * 1000), round(settings.free_after_s * 1000))
        self._tracker = CameraTracker(stored.last_track_id, settings.confidence)
        self._tracked = no_tracks()
        self._detected = empty_detections()
        rules = LookRules(
            round(settings.inspect_every_s * 1000), round(settings.hold_s * 1000), settings.one_space_each
        )
        self.lot = Lot(stored.spaces, stored.statuses, debounce, now_ms(), rules)

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
        lot, at_ms = self.lot, frame.captured_at_ms
        if inference.vehicles is not None or inference.verdict == "blind":
            self._detected = empty_detections() if inference.vehicles is None else inference.vehicles
            self._tracked = self._tracker.update(self._detected, at_ms)
        if inference.verdict == "new":
            lot.move(inference.changed, at_ms)
        answer = self._judging.take_answer(lot)
        events = [] if answer is None else lot.look(answer)
        matches: list[Match] = []
        if inference.verdict == "blind":
            events += lot.see_nothing(at_ms)
        else:
            matches, changes = lot.see(self._tracked, inference.picture.size, at_ms)
            events += changes
        can_look = inference.verdict != "blind" and not self._judging.is_under_way
        due = lot.take_due(at_ms) if can_look else None
        return FrameResult(lot, self._tracked, matches, lot.statuses, events, self._detected, due)

    def change_spaces(self, spaces: Sequence[ParkingSpace]) -> None:
        """Use other spaces from the next frame on; those that remain keep what is known of them."""
        self.lot = self.lot.with_spaces(spaces, self._now_ms())

    def lose_view(self, reason: EventReason) -> list[OccupancyEvent]:
        """No frame comes any more: every space becomes unknown; the changes of state that this brought."""
        return self.lot.lose_sight(self._now_ms(), reason)
