"""Tracks of one camera: ByteTrack (Zhang et al. 2022, arXiv:2110.06864) from `trackers`, with ids that never repeat."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import supervision as sv
from trackers import ByteTrackTracker

from services.detector.engines.base import empty_detections

LOST_TRACK_S = 4.0
"""How long a track waits for its vehicle to be seen again; longer than the model may rest (`DETECTOR_LOOK_EVERY_S`)."""


class Tracker(Protocol):
    """A tracker of the package `trackers`."""

    @property
    def tracks(self) -> Sequence[Any]:
        """The tracks that it follows now, each with its `tracker_id`."""

    def update(self, detections: sv.Detections, *, timestamp: float) -> sv.Detections:
        """Follow the vehicles into a frame captured at that time in seconds."""


def new_tracker(count_confidence: float) -> Tracker:
    """The tracker that the detector uses; `docs/benchmarks/trackers.md` compares it with others.

    Args:
        count_confidence: a vehicle below it, or below 0.3, begins no track.
    """
    tracker: Tracker = ByteTrackTracker(
        lost_track_buffer=round(LOST_TRACK_S * 30),  # counted in frames at 30 a second, whatever the real rate
        track_activation_threshold=max(count_confidence, 0.3),
        high_conf_det_threshold=max(count_confidence, 0.3),
        minimum_consecutive_frames=2,
        minimum_iou_threshold=0.1,
    )
    return tracker


class CameraTracker:
    """Gives the vehicles of one camera their track ids, frame by frame.

    Attributes:
        last_track_id: the greatest id given so far; a later tracker of the same camera starts above it.
    """

    def __init__(self, last_track_id: int, count_confidence: float, tracker: Tracker | None = None) -> None:
        """Start without tracks.

        Args:
            last_track_id: the greatest id that this camera ever had.
            count_confidence: vehicles below it are kept only if they continue a track.
            tracker: another one than the detector's own.
        """
        self.last_track_id = last_track_id
        self._count_confidence = count_confidence
        self._ids: dict[int, int] = {}
        self._last_ms: int | None = None
        self._shift_ms = 0
        self._tracker = new_tracker(count_confidence) if tracker is None else tracker

    def update(self, vehicles: sv.Detections, captured_at_ms: int) -> sv.Detections:
        """Follow the vehicles into one more frame.

        Args:
            vehicles: everything found in it, the least certain too.
            captured_at_ms: when it was captured. Where it is earlier than the frame before, the clock was set back, and
                tracks go on as if no time had passed.

        Returns:
            The vehicles that count: certain enough, or continuing a track. `tracker_id` (n,) is the track id, or -1
            where a vehicle has been seen once only.
        """
        tracked = self._tracker.update(vehicles, timestamp=self._advance(captured_at_ms) / 1000)
        if tracked.tracker_id is None:
            tracked.tracker_id = np.full(len(tracked), -1)
        if not len(tracked) or tracked.confidence is None:
            return tracked
        counted = (tracked.confidence >= self._count_confidence) | (tracked.tracker_id >= 0)
        result: sv.Detections = tracked[counted]
        result.tracker_id = np.array([self._own_id(int(number)) for number in result.tracker_id], dtype=int)
        self._forget_old_ids()
        return result

    def _advance(self, captured_at_ms: int) -> int:
        """A frame's time for the tracker, which skips frames until a clock that was set back has caught up."""
        if self._last_ms is not None:
            self._shift_ms = max(self._shift_ms, self._last_ms + 1 - captured_at_ms)
        self._last_ms = captured_at_ms + self._shift_ms
        return self._last_ms

    def _own_id(self, number: int) -> int:
        if number < 0:
            return -1
        if number not in self._ids:
            self.last_track_id += 1
            self._ids[number] = self.last_track_id
        return self._ids[number]

    def _forget_old_ids(self) -> None:
        if len(self._ids) > 4 * len(self._tracker.tracks) + 64:
            alive = {int(track.tracker_id) for track in self._tracker.tracks}
            self._ids = {number: own for number, own in self._ids.items() if number in alive}


def no_tracks() -> sv.Detections:
    """What is tracked before the first frame."""
    tracked = empty_detections()
    tracked.tracker_id = np.empty(0, dtype=int)
    return tracked


def track_id_at(vehicles: sv.Detections, index: int) -> int | None:
    """The track id of one vehicle; None while it has none."""
    if vehicles.tracker_id is None or vehicles.tracker_id[index] < 0:
        return None
    return int(vehicles.tracker_id[index])
