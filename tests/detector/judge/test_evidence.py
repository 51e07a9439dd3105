"""What found vehicles say of spaces, and what hides them."""

from __future__ import annotations

import numpy as np
import pytest

from libs.common.spaces import ParkingSpace
from services.detector.judge.evidence import detector_evidence
from services.detector.judge.fusion import Fusion, fusion_inputs
from services.detector.occupancy.hidden import hidden_spaces
from services.detector.occupancy.matching import SpaceMatcher
from services.detector.occupancy.space_motion import SpaceMotion
from tests.support.vehicles import vehicles

SIZE = (1000, 500)


def space(name: str, left: float, top: float, right: float, bottom: float) -> ParkingSpace:
    polygon = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return ParkingSpace(space_id=name, space_name=name, polygon=polygon)


BACK = space("back", 0.1, 0.4, 0.2, 0.5)
BESIDE = space("beside", 0.2, 0.4, 0.3, 0.5)
FRONT = space("front", 0.1, 0.6, 0.2, 0.7)


def test_a_vehicle_is_evidence_where_it_stands_and_assigned_once() -> None:
    found = vehicles((100, 150, 200, 250), (150, 150, 250, 250), confidence=0.8)
    evidence = detector_evidence(SpaceMatcher([BACK, BESIDE, FRONT], SIZE), found)
    assert evidence[0] == pytest.approx([0.8 * 50 / 50, 0.8, 0.8, 1])
    assert evidence[1][3] == 1
    assert evidence[2].tolist() == [0, 0, 0, 0]
    assert detector_evidence(SpaceMatcher([BACK], SIZE), vehicles()).tolist() == [[0, 0, 0, 0]]


def test_a_lorry_in_the_lane_hides_what_is_behind_it() -> None:
    lorry = vehicles((80, 120, 320, 340))
    assert hidden_spaces([BACK, BESIDE], SIZE, lorry) == {0, 1}


def test_a_parked_vehicle_hides_neither_its_space_nor_the_one_behind() -> None:
    parked = vehicles((100, 190, 200, 350))
    assert hidden_spaces([BACK, BESIDE, FRONT], SIZE, parked) == frozenset()


def test_a_vehicle_across_two_spaces_hides_neither() -> None:
    across = vehicles((110, 190, 290, 250))
    assert hidden_spaces([BACK, BESIDE], SIZE, across) == frozenset()


def test_a_surer_judge_and_more_evidence_make_a_higher_probability() -> None:
    ones = np.ones(8)
    fusion = Fusion(np.zeros(8), ones, ones, 0.0)
    evidence = np.zeros((3, 4))
    evidence[2] = 1.0
    inputs = fusion_inputs(np.array([[-3, -3], [1, 1], [1, 1]]), np.array([50, 50, 50]), evidence)
    free, taken, surely = fusion.probabilities(inputs)
    assert free < 0.5 < taken < surely < 1
    restored = Fusion.load(fusion.arrays("x"), "x")
    assert restored.probabilities(inputs).tolist() == fusion.probabilities(inputs).tolist()


def test_motion_is_told_by_space() -> None:
    motion = SpaceMotion([BACK, BESIDE, FRONT], (125, 63))
    changed = np.zeros((63, 125), bool)
    assert motion.moved(changed, 0) == []
    changed[25:31, 13:25] = True
    assert motion.moved(changed, 200) == [0]
    a_person = np.zeros((63, 125), bool)
    a_person[26:28, 30:32] = True
    assert motion.moved(a_person, 400) == motion.moved(a_person, 600) == []
    tiny = SpaceMotion([space("tiny", 0.5, 0.5, 0.502, 0.503)], (125, 63))
    assert tiny.moved(np.ones((63, 125), bool), 0) == [0]


def test_a_vehicle_that_creeps_has_moved_after_some_frames() -> None:
    motion, told = SpaceMotion([BACK], (125, 63)), []
    for number in range(10):
        changed = np.zeros((63, 125), bool)
        changed[25:32, 12 + number : 13 + number] = True
        told.append(motion.moved(changed, 200 * number))
    assert 2 <= told.count([0]) <= 5


@pytest.mark.parametrize("begins_ms", range(0, 5000, 500))
def test_changes_are_put_together_whenever_they_begin(begins_ms: int) -> None:
    """One column every half second, 3 s in all; something elsewhere changes on and on."""
    motion, told = SpaceMotion([BACK], (125, 63)), []
    for at_ms in range(0, begins_ms + 3500, 500):
        changed = np.zeros((63, 125), bool)
        changed[0, 0] = True
        number = (at_ms - begins_ms) // 500
        if 0 <= number < 6:
            changed[26:30, 13 + number : 14 + number] = True
        told.append(motion.moved(changed, at_ms))
    assert told.count([0]) == 1
