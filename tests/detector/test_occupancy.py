from __future__ import annotations

from libs.common.spaces import ParkingSpace, SpaceStatus
from services.detector.occupancy.hysteresis import Debounce, SpaceClock
from services.detector.occupancy.lot import Lot
from tests.support.vehicles import vehicles

PATIENCE = Debounce(occupied_after_ms=2000, free_after_ms=4000)
A1 = ParkingSpace(space_id="A1", space_name="A 1", polygon=[(0.1, 0.5), (0.2, 0.5), (0.2, 0.7), (0.1, 0.7)])
IN_A1 = (105.0, 250.0, 195.0, 345.0)
SIZE = (1000, 500)


def clock(state: str = "free") -> SpaceClock:
    return SpaceClock(SpaceStatus.model_validate({"state": state, "since_ms": 0}))


def test_a_passing_car_does_not_occupy() -> None:
    space = clock()
    assert space.see(True, 7, 1000, PATIENCE) is None
    assert space.see(True, 7, 2900, PATIENCE) is None
    assert space.see(False, None, 3000, PATIENCE) is None
    assert space.see(True, 8, 3100, PATIENCE) is None
    assert space.see(True, 8, 5000, PATIENCE) is None
    assert space.status.state == "free"


def test_a_parked_car_occupies_since_it_was_first_seen() -> None:
    space = clock()
    space.see(True, 7, 1000, PATIENCE)
    changed = space.see(True, 7, 3000, PATIENCE)
    assert changed == SpaceStatus(state="occupied", since_ms=1000, track_id=7)


def test_a_change_is_counted_anew_where_the_clock_is_set_back() -> None:
    space = clock()
    assert space.see(True, 7, 3_600_000, PATIENCE) is None
    assert space.see(True, 7, 1000, PATIENCE) is None
    assert space.see(True, 7, 3000, PATIENCE) == SpaceStatus(state="occupied", since_ms=1000, track_id=7)


def test_a_missed_detection_does_not_free() -> None:
    space = clock("occupied")
    assert space.see(False, None, 1000, PATIENCE) is None
    assert space.see(True, 7, 4900, PATIENCE) is None
    assert space.see(False, None, 5000, PATIENCE) is None
    assert space.see(False, None, 8999, PATIENCE) is None
    assert space.see(False, None, 9000, PATIENCE) == SpaceStatus(state="free", since_ms=5000)


def test_an_unknown_space_needs_as_long_a_look() -> None:
    space = clock("unknown")
    assert space.see(False, None, 1000, PATIENCE) is None
    assert space.see(True, 7, 4000, PATIENCE) is None, "seen the other way: counted anew"
    assert space.see(True, 7, 5999, PATIENCE) is None
    assert space.see(True, 7, 6000, PATIENCE) is not None


def test_losing_sight_makes_unknown_once() -> None:
    space = clock("occupied")
    assert space.lose_sight(5000) == SpaceStatus(state="unknown", since_ms=5000)
    assert space.lose_sight(6000) is None


def test_a_lot_tells_each_change_once_and_who_caused_it() -> None:
    lot = Lot([A1], {"A1": SpaceStatus(state="free", since_ms=5)}, PATIENCE, now_ms=10)
    parked = vehicles(IN_A1, track_ids=[42])
    told = [event for at in range(1000, 6000, 100) for event in lot.see(parked, SIZE, at)[1]]
    assert [(event.state, event.previous, event.at_ms, event.track_id) for event in told] == [
        ("occupied", "free", 1000, 42)
    ]
    left = vehicles(track_ids=[])
    told = [event for at in range(6000, 12000, 100) for event in lot.see(left, SIZE, at)[1]]
    assert [(event.state, event.previous, event.at_ms, event.track_id) for event in told] == [
        ("free", "occupied", 6000, 42)
    ]


def test_a_space_may_ask_for_another_patience_and_confidence() -> None:
    hasty = A1.model_copy(update={"occupied_after_s": 0.5, "free_after_s": 10.0, "confidence": 0.5})
    lot = Lot([hasty], {"A1": SpaceStatus(state="free", since_ms=5)}, PATIENCE, now_ms=10)

    def told(confidence: float, *boxes: tuple[float, ...]) -> list[tuple[int, str]]:
        seen = vehicles(*boxes, confidence=confidence, track_ids=[1] * len(boxes))
        return [(at, event.state) for at in times for event in lot.see(seen, SIZE, at)[1]]

    times = range(1000, 9000, 100)
    assert told(0.4, IN_A1) == [], "too uncertain a vehicle for this space"
    times = range(9000, 20000, 100)
    assert told(0.6, IN_A1) == [(9500, "occupied")]
    times = range(20000, 40000, 100)
    assert told(0.6) == [(30000, "free")]


def test_what_was_known_survives_a_restart() -> None:
    known = {"A1": SpaceStatus(state="occupied", since_ms=5, track_id=3), "gone": SpaceStatus(state="free", since_ms=1)}
    lot = Lot([A1], known, PATIENCE, now_ms=10)
    assert lot.statuses == {"A1": known["A1"]}
