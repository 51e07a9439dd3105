from __future__ import annotations

from services.detector.tracking import CameraTracker, track_id_at
from tests.support.vehicles import vehicles


def drive(tracker: CameraTracker, start: float, frames: range, confidence: float = 0.9) -> list[int | None]:
    """A car that moves 5 pixels a frame at 10 frames a second; its track id in each frame."""
    ids = []
    for number in frames:
        left = start + 5 * number
        found = tracker.update(vehicles((left, 100, left + 80, 150), confidence=confidence), number * 100)
        ids.append(track_id_at(found, 0) if len(found) else None)
    return ids


def test_a_moving_vehicle_keeps_one_id() -> None:
    ids = drive(CameraTracker(0, 0.25), 0, range(20))
    assert set(ids[2:]) == {1}


def test_an_id_survives_missed_detections() -> None:
    tracker = CameraTracker(0, 0.25)
    drive(tracker, 0, range(10))
    for number in range(10, 15):
        assert len(tracker.update(vehicles(), number * 100)) == 0
    assert set(drive(tracker, 0, range(15, 20))) == {1}


def test_tracks_go_on_where_the_clock_is_set_back() -> None:
    tracker = CameraTracker(0, 0.25)
    drive(tracker, 0, range(100, 110))
    assert set(drive(tracker, 350, range(40, 50))) == {1}  # where it would be, six seconds earlier by the clock


def test_an_uncertain_detection_counts_only_where_it_continues_a_track() -> None:
    tracker = CameraTracker(0, 0.25)
    assert drive(tracker, 0, range(3), confidence=0.15) == [None, None, None]
    drive(tracker, 0, range(3, 10))
    assert set(drive(tracker, 0, range(10, 13), confidence=0.15)) == {1}


def test_ids_go_on_above_what_the_camera_had() -> None:
    tracker = CameraTracker(41, 0.25)
    assert drive(tracker, 0, range(5))[-1] == 42
    assert tracker.last_track_id == 42


def test_ids_are_never_given_twice() -> None:
    tracker = CameraTracker(0, 0.25)
    given: list[int | None] = []
    for visit in range(100):
        first = visit * 50
        given.append(drive(tracker, -5 * first, range(first, first + 4))[-1])
    assert len(set(given)) == 100
    assert len(tracker._ids) < 100, "ids of vehicles long gone are forgotten"
