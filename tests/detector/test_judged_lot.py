"""Looks, motion and time as values: which changes of state they bring, and why."""

from __future__ import annotations

import pytest

from libs.common.spaces import SpaceStatus
from services.detector.occupancy.belief import SURE, Belief
from services.detector.occupancy.look import Look
from services.detector.occupancy.lot import Lot
from services.detector.view.check import View
from tests.support.vehicles import vehicles
from tests.support.watched_lot import DEBOUNCE, SIZE, TIMES, Watched, described, space


def looked(*probabilities: float) -> Belief:
    belief = Belief()
    for number, probability in enumerate(probabilities):
        belief.look(probability, 1000 * number)
    return belief


def test_one_look_decides_nothing_and_doubt_never_does() -> None:
    assert looked(0.999).verdict is None
    assert looked(0.999, 0.999).verdict == "occupied"
    assert looked(0.999, 0.999, 0.001).verdict is None, "nor reverse it"
    turned = looked(0.999, 0.999, 0.001, 0.001)
    assert (turned.verdict, turned.since_ms) == ("free", 2000)
    for doubt in (SURE - 0.01, 1 - SURE + 0.01):
        assert looked(*[doubt] * 100).verdict is None


def test_the_first_looks_decide_within_seconds_and_say_so() -> None:
    lot = Watched(["unknown", "unknown"])
    told = lot.frames(8, {0: 0.98, 1: 0.02})
    assert described(told) == [("A0", "occupied", "first look"), ("A1", "free", "first look")]
    assert all(event.evidence is not None and event.evidence > 0.9 for event in told)
    assert lot.frames(600, {0: 0.98, 1: 0.02}) == []


def test_a_vehicle_that_comes_and_leaves_is_told_once_each_within_ten_seconds() -> None:
    lot = Watched(["free"])
    lot.frames(60, {0: 0.02})
    came_ms = lot.at_ms
    told = lot.frames(9, {0: 0.97}, moved=[0])
    assert described(told) == [("A0", "occupied", "arrived")]
    assert came_ms <= told[0].at_ms <= came_ms + 3000
    lot.frames(60, {0: 0.97})
    told = lot.frames(9, {0: 0.03}, moved=[0])
    assert described(told) == [("A0", "free", "left")]


def test_nothing_leaves_without_motion_while_it_is_watched() -> None:
    lot = Watched(["occupied"])
    lot.frames(10, {0: 0.97})
    assert lot.frames(50, {0: 0.05}) == [], "the judge is wrong for a while"
    assert lot.frames(30, {0: 0.97}) == []
    assert described(lot.frames(200, {0: 0.03})) == [("A0", "free", "left")], "it is not: the state was wrong"


def test_light_that_creeps_up_on_a_space_brings_no_vehicle() -> None:
    """As measured at a rendered dawn: from 0.001 to 0.87 within nine minutes, and back after half an hour."""
    lot = Watched(["free"])
    lot.frames(60, {0: 0.001})
    rising = [0.06, 0.19, 0.28, 0.39, 0.34, 0.49, 0.56, 0.6, 0.67, 0.77, 0.79, 0.82, 0.87, 0.83, 0.87, 0.93, 0.94, 0.93]
    for probability in [*rising, *reversed(rising)]:
        assert lot.frames(50, {0: probability}) == []
    assert lot.states == ["free"]


def test_what_only_seems_otherwise_once_somebody_has_passed_changes_nothing_at_once() -> None:
    lot = Watched(["free"])
    lot.frames(60, {0: 0.001})
    assert lot.frames(30, {0: 0.82}, moved=[0]) == [], "the looks before were surer"
    assert lot.frames(600, {0: 0.76}) == []
    assert described(lot.frames(90, {0: 0.82})) == [("A0", "occupied", "arrived")], "it lasts"


def test_what_was_unsure_itself_is_put_right_by_unsure_looks() -> None:
    lot = Watched(["unknown"])
    assert described(lot.frames(20, {0: 0.85})) == [("A0", "occupied", "first look")]
    assert described(lot.frames(130, {0: 0.16})) == [("A0", "free", "left")]


def test_one_sure_look_at_what_drives_past_changes_nothing() -> None:
    lot = Watched(["occupied"])
    lot.frames(20, {0: 0.96})
    lot.frames(0.6, {0: 0.47}, moved=[0])
    lot.frames(0.2, {0: 0.03})
    assert lot.frames(5, {}) == [], "headlights: nothing is to be seen for some seconds"
    assert lot.frames(60, {0: 0.95}) == []


def test_through_haze_nothing_changes_without_motion_however_long_it_lasts() -> None:
    lot = Watched(["occupied", "free"])
    lot.frames(30, {0: 0.97, 1: 0.03})
    assert lot.frames(600, {0: 0.03, 1: 0.97}, is_weak=True) == []
    told = lot.frames(9, {0: 0.03, 1: 0.97}, moved=[0, 1], is_weak=True)
    assert sorted(described(told)) == [("A0", "free", "left"), ("A1", "occupied", "arrived")]


def test_what_changed_in_thick_fog_is_told_in_haze() -> None:
    lot = Watched(["occupied", "free"])
    lot.frames(30, {0: 0.97, 1: 0.03})
    lot.frames(60, {}, "lost")
    assert described(lot.frames(9, {0: 0.97, 1: 0.97}, is_weak=True)) == [("A1", "occupied", "view regained")]


def test_a_look_that_is_older_than_what_moved_since_is_thrown_away() -> None:
    """The stall: the last old and the first new frame arrive 2 ms apart; the old one's look comes after the new."""
    lot = Watched(["occupied"], at_ms=100_000)
    lot.frames(20, {0: 0.97})
    judged = lot.lot.judged
    assert judged is not None
    old_ms, new_ms = lot.at_ms, lot.at_ms + 3000
    lot.lot.see(vehicles(track_ids=[]), SIZE, old_ms)
    judged.move([0], new_ms)  # the new frame shows that the car has left meanwhile
    lot.lot.see(vehicles(track_ids=[]), SIZE, new_ms)
    before = judged.spaces[0].belief.log_odds
    lot.lot.look(Look(old_ms, View("clear", 0), {0: 0.97}))
    assert judged.spaces[0].belief.log_odds == before, "what the old picture shows says nothing any more"
    lot.at_ms = new_ms + 200
    told = lot.frames(9, {0: 0.03})
    assert described(told) == [("A0", "free", "left")]
    assert told[0].at_ms < new_ms + 4000


def test_a_look_at_a_picture_in_which_something_moved_is_repeated() -> None:
    lot = Watched(["occupied"])
    lot.frames(10, {0: 0.97})
    assert lot.lot.judged is not None
    lot.lot.judged.move([0], lot.at_ms)
    assert lot.lot.take_due(lot.at_ms) == [0]
    assert lot.lot.take_due(lot.at_ms + 200) is None
    assert lot.lot.take_due(lot.at_ms + 800) == [0]


def test_a_space_is_looked_at_once_more_when_it_has_come_to_rest() -> None:
    lot = Watched(["occupied"])
    lot.frames(10, {0: 0.97})
    lot.frames(1, {0: 0.97}, moved=[0])
    assert lot.lot.judged is not None
    assert lot.lot.judged.spaces[0].is_decided
    told = lot.frames(9, {0: 0.03})
    assert described(told) == [("A0", "free", "left")], "it crept out, and no frame showed much motion"


def test_what_cannot_be_seen_keeps_its_state_and_then_is_unknown() -> None:
    lot = Watched(["occupied", "free"])
    lot.frames(20, {0: 0.97, 1: 0.03})
    assert lot.frames(290, {0: 0.03, 1: 0.97}, "lost", moved=[0, 1]) == []
    told = lot.frames(20, {}, "lost")
    assert described(told) == [("A0", "unknown", "view lost"), ("A1", "unknown", "view lost")]
    told = lot.frames(10, {0: 0.97, 1: 0.03})
    assert described(told) == [("A0", "occupied", "view regained"), ("A1", "free", "view regained")]


def test_fog_that_lifts_in_time_brings_no_event_but_what_changed_in_it() -> None:
    lot = Watched(["occupied", "free", "occupied"])
    lot.frames(20, {0: 0.97, 1: 0.03, 2: 0.97})
    lot.frames(120, {}, "lost")
    told = lot.frames(20, {0: 0.97, 1: 0.03, 2: 0.04})
    assert described(told) == [("A2", "free", "view regained")]


def test_a_bump_costs_nothing_and_a_moved_camera_everything() -> None:
    lot = Watched(["occupied", "free"])
    lot.frames(20, {0: 0.97, 1: 0.03})
    assert lot.frames(10, {}, "moved") == []
    assert lot.frames(20, {0: 0.97, 1: 0.03}) == []
    told = lot.frames(4, {}, "moved", is_confirmed=True)
    assert described(told) == [("A0", "unknown", "view lost"), ("A1", "unknown", "view lost")]


def test_a_frozen_picture_makes_all_unknown() -> None:
    lot = Watched(["occupied"])
    lot.frames(20, {0: 0.97})
    assert described(lot.frames(6, {}, "frozen")) == [("A0", "unknown", "view lost")]


def test_twenty_cars_do_not_leave_in_one_second() -> None:
    lot = Watched(["occupied"] * 20)
    lot.frames(20, dict.fromkeys(range(20), 0.97))
    everything = list(range(20))
    assert lot.frames(6.5, dict.fromkeys(range(20), 0.03), moved=everything) == [], "a few would have left by now"
    assert lot.frames(60, dict.fromkeys(range(20), 0.97), moved=everything) == []
    assert len(lot.frames(15, dict.fromkeys(range(20), 0.03), moved=everything)) == 20, "it lasts: so it is"


def test_a_few_cars_do() -> None:
    lot = Watched(["occupied"] * 20)
    lot.frames(20, dict.fromkeys(range(20), 0.97))
    looks = dict.fromkeys(range(20), 0.97) | dict.fromkeys(range(4), 0.03)
    assert len(lot.frames(9, looks, moved=[0, 1, 2, 3])) == 4


def test_after_a_gap_what_changed_meanwhile_is_told_as_such_and_what_did_not_keeps_its_since_when() -> None:
    lot = Watched(["occupied", "free", "occupied"], at_ms=1_000_000)
    lot.frames(20, {0: 0.97, 1: 0.03, 2: 0.97})
    known_since = lot.lot.statuses["A0"].since_ms
    lot.at_ms += 120_000  # no frame came
    told = lot.frames(10, {0: 0.97, 1: 0.03, 2: 0.03})
    assert described(told) == [("A2", "free", "view regained")]
    assert lot.lot.statuses["A0"].since_ms == known_since
    assert described(lot.frames(9, {0: 0.03, 1: 0.03, 2: 0.03}, moved=[0])) == [("A0", "free", "left")]


def test_since_when_survives_fog_and_the_next_detector() -> None:
    lot = Watched(["occupied"])
    lot.frames(20, {0: 0.97})
    lot.frames(240, {}, "lost")
    lot.frames(20, {0: 0.97})
    known = SpaceStatus(state="occupied", since_ms=5)
    assert lot.lot.statuses["A0"].since_ms == 0
    taken_over = Lot([space(0)], {"A0": known}, DEBOUNCE, 1_000_000, TIMES)
    taken_over.look(Look(1_000_000, View("clear", 0), {0: 0.97}))
    taken_over.look(Look(1_001_000, View("clear", 0), {0: 0.97}))
    taken_over.see(vehicles(track_ids=[]), SIZE, 1_010_000)
    assert taken_over.statuses["A0"] == known


@pytest.mark.parametrize("set_by_ms", [-3_600_000, 3_600_000])
def test_a_clock_that_is_set_changes_nothing(set_by_ms: int) -> None:
    lot = Watched(["occupied", "free"], at_ms=10_000_000)
    lot.frames(20, {0: 0.97, 1: 0.03})
    lot.at_ms += set_by_ms
    assert lot.frames(60, {0: 0.97, 1: 0.03}) == []
    assert described(lot.frames(9, {0: 0.02, 1: 0.03}, moved=[0])) == [("A0", "free", "left")]


def test_spaces_drawn_anew_are_judged_anew_and_the_others_stay() -> None:
    lot = Watched(["occupied", "occupied"])
    lot.frames(20, {0: 0.97, 1: 0.97})
    moved = space(1).model_copy(update={"polygon": space(9).polygon})
    lot.lot = lot.lot.with_spaces([space(0), moved, space(2)], lot.at_ms)
    assert lot.states == ["occupied", "occupied", "unknown"]
    told = lot.frames(9, {0: 0.97, 1: 0.03, 2: 0.03})
    assert described(told) == [("A1", "free", "space changed"), ("A2", "free", "first look")]


def test_many_spaces_are_looked_at_by_turns_and_those_that_moved_first() -> None:
    lot = Watched(["free"] * 200)
    assert lot.lot.judged is not None
    lot.lot.judged.move([150, 199], 0)
    first = lot.lot.take_due(0)
    assert first is not None
    assert len(first) == 64
    seen = set(first)
    for at_ms in range(200, 4000, 200):
        seen |= set(lot.lot.take_due(at_ms) or [])
    assert seen == set(range(200))
