"""Something stands before a space: it keeps its state for as long as that may be; a mistake hides nothing."""

from __future__ import annotations

from services.detector.occupancy.look import Look
from services.detector.view.check import View
from tests.support.watched_lot import Watched, described


def test_a_hidden_space_keeps_its_state() -> None:
    lot = Watched(["occupied", "free"])
    lot.frames(20, {0: 0.97, 1: 0.03})
    assert lot.frames(240, {1: 0.03}, moved=[0]) == [], "a lorry stands before A0"
    assert lot.states == ["occupied", "free"]


def test_a_box_before_a_space_in_which_nothing_moved_hides_nothing() -> None:
    """In snow, the demo's model takes a tree and a lamp for a lorry, for as long as it looks."""
    lot = Watched(["occupied"])
    lot.frames(20, {0: 0.97})
    assert lot.frames(600, {0: 0.97}, hidden=[0]) == []
    assert described(lot.frames(310, {0: 0.97}, moved=[0], hidden=[0])) == [("A0", "unknown", "view lost")], "a lorry"


def test_a_lorry_is_there_until_something_moves_though_the_model_loses_it() -> None:
    lot = Watched(["occupied"])
    lot.frames(20, {0: 0.97})
    assert lot.frames(60, {0: 0.01}, moved=[0], hidden=[0]) == []
    assert lot.frames(30, {0: 0.01}) == [], "no box, and no motion"
    assert lot.frames(30, {0: 0.01}, hidden=[0]) == []
    assert lot.frames(30, {0: 0.97}, moved=[0]) == [], "it drove on"
    assert described(lot.frames(10, {0: 0.03}, moved=[0])) == [("A0", "free", "left")]


def test_a_thing_that_is_no_vehicle_hides_a_space_while_others_are_looked_at() -> None:
    lot = Watched(["occupied", "occupied"])
    lot.frames(20, {0: 0.97, 1: 0.97})
    assert lot.frames(10, {0: 0.01, 1: 0.97}, moved=[0], hidden_probabilities={0: 0.8}) == []
    for _ in range(6):
        assert lot.frames(30, {0: 0.01, 1: 0.97}, moved=[1], hidden_probabilities={0: 0.8}) == []
    lot.frames(10, {0: 0.97, 1: 0.97}, moved=[0])
    assert lot.states == ["occupied", "occupied"], "it was taken away"
    lot.frames(10, {0: 0.97, 1: 0.97}, moved=[0], hidden_probabilities={0: 0.8})
    assert described(lot.frames(310, {0: 0.01, 1: 0.97}, hidden_probabilities={0: 0.8})) == [
        ("A0", "unknown", "view lost")
    ]
    assert lot.frames(120, {0: 0.01, 1: 0.97}, hidden_probabilities={0: 0.8}) == [], "it is still there"
    assert described(lot.frames(10, {0: 0.03, 1: 0.97}, moved=[0])) == [("A0", "free", "view regained")]


def test_noise_takes_nothing_away_that_stands_before_a_space() -> None:
    lot = Watched(["occupied"])
    lot.frames(20, {0: 0.97})
    assert lot.frames(2, {0: 0.01}, moved=[0], hidden_probabilities={0: 0.74}) == []
    for probability in (0.55, 0.7, 0.51):
        assert lot.frames(70, {0: 0.01}, hidden_probabilities={0: probability}) == []
    told = lot.frames(20, {0: 0.01}, moved=[0], hidden_probabilities={0: 0.7})
    assert described(told) == [("A0", "free", "left")], "what moved may be the thing itself"


def test_a_black_frame_takes_nothing_away_either() -> None:
    lot = Watched(["occupied"])
    lot.frames(20, {0: 0.97})
    lot.frames(5, {0: 0.01}, moved=[0], hidden_probabilities={0: 0.8})
    assert lot.lot.see_nothing(lot.at_ms) == []
    assert lot.frames(120, {0: 0.01}, hidden_probabilities={0: 0.65}) == []


def test_a_mistake_of_the_judge_does_not_help_the_next_one() -> None:
    lot = Watched(["occupied"])
    lot.frames(20, {0: 0.97})
    lot.frames(70, {0: 0.97}, hidden_probabilities={0: 0.75})
    told = lot.frames(20, {0: 0.01}, moved=[0], hidden_probabilities={0: 0.6})
    assert described(told) == [("A0", "free", "left")]


def test_a_hidden_space_is_looked_at_as_seldom_as_any_other() -> None:
    lot = Watched(["occupied"])
    lot.frames(20, {0: 0.97})
    looks = lot.looks
    lot.frames(10, {0: 0.01}, moved=[0], hidden_probabilities={0: 0.8})
    assert lot.looks - looks <= 12
    looks = lot.looks
    lot.frames(250, {0: 0.01}, hidden_probabilities={0: 0.8})
    assert lot.looks - looks <= 10


def test_a_look_at_another_space_takes_nothing_away() -> None:
    lot = Watched(["occupied", "occupied"])
    lot.frames(20, {0: 0.97, 1: 0.97})
    judged = lot.lot.judged
    assert judged is not None
    judged.move([0], lot.at_ms)

    def look(number: int, at_ms: int, probability: float, hidden: float) -> None:
        judged.take_look(
            Look(at_ms, View("clear", at_ms), {number: probability}, hidden_probabilities={number: hidden})
        )

    look(0, lot.at_ms, 0.01, 0.8)
    look(1, lot.at_ms + 200, 0.97, 0.0)
    for at_ms in range(lot.at_ms + 11_000, lot.at_ms + 60_000, 500):
        look(0, at_ms, 0.01, 0.8)
    assert not judged.spaces[0].wants_change()


def test_where_nothing_moved_nothing_was_put() -> None:
    lot = Watched(["occupied"])
    lot.frames(20, {0: 0.97})
    assert lot.frames(600, {0: 0.97}, hidden_probabilities={0: 0.8}) == []


def test_what_the_model_took_for_a_lorry_hides_a_space_no_longer_than_a_minute_after() -> None:
    lot = Watched(["occupied"])
    lot.frames(20, {0: 0.97})
    lot.frames(10, {0: 0.97}, moved=[0], hidden=[0])
    assert described(lot.frames(200, {0: 0.03})) == [("A0", "free", "left")]


def test_a_lorry_that_came_in_fog_hides_what_is_behind_it() -> None:
    lot = Watched(["free"])
    lot.frames(20, {0: 0.03})
    lot.frames(60, {}, "lost")
    assert lot.frames(120, {0: 0.97}, hidden=[0]) == []
    assert described(lot.frames(20, {0: 0.97}, moved=[0])) == [("A0", "occupied", "view regained")], "it drove on"
