from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from libs.common.spaces import ParkingSpace
from services.detector.occupancy.matching import SpaceMatcher

SIZE = (1000, 500)


def space(number: int, left: float, top: float, width: float = 0.1, height: float = 0.2) -> ParkingSpace:
    right, bottom = left + width, top + height
    polygon = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return ParkingSpace(space_id=f"S{number}", space_name=f"S{number}", polygon=polygon)


ROW = [space(number, 0.1 + 0.12 * number, 0.5) for number in range(4)]


def match(*boxes: tuple[float, float, float, float]) -> list[tuple[int, int]]:
    return [(found.vehicle, found.space) for found in SpaceMatcher(ROW, SIZE).match(np.array(boxes).reshape(-1, 4))]


def test_a_parked_vehicle_takes_its_space() -> None:
    assert match((105, 200, 195, 345)) == [(0, 0)]


def test_a_roof_over_the_space_behind_takes_only_the_space_below() -> None:
    behind = space(9, 0.1, 0.3)
    found = SpaceMatcher([behind, ROW[0]], SIZE).match(np.array([[105, 210, 195, 345]]))
    assert [(one.vehicle, one.space) for one in found] == [(0, 1)]


def test_a_lorry_across_two_spaces_takes_both_unless_a_setting_says_otherwise() -> None:
    lorry = np.array([[95, 150, 325, 352]])
    both = SpaceMatcher(ROW, SIZE, one_space_each=False)
    assert [(one.vehicle, one.space) for one in both.match(lorry)] == [(0, 0), (0, 1)]
    assert len(SpaceMatcher(ROW, SIZE, one_space_each=True).match(lorry)) == 1
    with_car = np.array([[95, 150, 325, 352], [225, 250, 315, 345]])
    assert sorted((one.vehicle, one.space) for one in both.match(with_car)) == [(0, 0), (1, 1)], "each has its own"
    assert [(one.vehicle, one.space) for one in both.match(np.array([[150, 250, 260, 345]]))] == [(0, 0)], "not whole"


def test_a_tall_van_in_front_does_not_take_the_space_behind_as_well() -> None:
    behind = space(9, 0.1, 0.3)
    matcher = SpaceMatcher([behind, ROW[0]], SIZE, one_space_each=False)
    assert [(one.vehicle, one.space) for one in matcher.match(np.array([[100, 10, 200, 352]]))] == [(0, 1)]


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0], [1, 2, 0]])
def test_equal_overlaps_are_decided_alike_in_whatever_order_the_vehicles_come(order: list[int]) -> None:
    boxes = np.array([[150, 250, 270, 350], [270, 250, 390, 350], [160, 250, 260, 350]])
    found = SpaceMatcher(ROW, SIZE).match(boxes[order])
    assert [(order[one.vehicle], one.space) for one in found] == [(2, 0), (0, 1), (1, 2)]


def test_one_vehicle_over_two_spaces_takes_the_one_it_covers_more() -> None:
    assert match((150, 250, 260, 345)) == [(0, 0)]


def test_two_vehicles_never_share_a_space() -> None:
    found = match((105, 200, 195, 345), (110, 200, 200, 345))
    assert [space for _, space in found] == [0]


def test_a_vehicle_on_the_aisle_takes_none() -> None:
    assert match((100, 360, 240, 480)) == []


def test_a_space_may_ask_for_another_overlap() -> None:
    half_in = np.array([[150.0, 250, 240, 345]])
    strict, lenient = (ROW[0].model_copy(update={"min_overlap": share}) for share in (0.9, 0.1))
    assert len(SpaceMatcher([ROW[0]], SIZE).match(half_in)) == 1
    assert SpaceMatcher([strict], SIZE).match(half_in) == []
    barely_in = np.array([[180.0, 250, 280, 345]])
    assert SpaceMatcher([ROW[0]], SIZE).match(barely_in) == []
    assert len(SpaceMatcher([lenient], SIZE).match(barely_in)) == 1


def test_a_space_may_ask_for_more_confidence_and_its_neighbour_is_not_touched() -> None:
    matcher = SpaceMatcher([ROW[0].model_copy(update={"confidence": 0.6}), ROW[1]], SIZE)
    boxes = np.array([[105.0, 200, 195, 345], [225, 200, 315, 345]])
    assert [found.space for found in matcher.match(boxes, np.array([0.59, 0.3]))] == [1]
    assert [found.space for found in matcher.match(boxes, np.array([0.60, 0.3]))] == [0, 1]


def test_nothing_to_match() -> None:
    assert match() == []
    assert SpaceMatcher([], SIZE).match(np.array([[0, 0, 10, 10]])) == []


def test_a_polygon_that_crosses_itself_still_is_a_space() -> None:
    bow_tie = ParkingSpace(space_id="X", space_name="X", polygon=[(0.1, 0.5), (0.2, 0.7), (0.2, 0.5), (0.1, 0.69)])
    assert SpaceMatcher([bow_tie], SIZE).match(np.array([[100, 200, 200, 350]]))


BOXES = hnp.arrays(float, st.tuples(st.integers(0, 12), st.just(4)), elements=st.floats(0, 500, allow_nan=False)).map(
    lambda corners: np.concatenate([corners[:, :2], corners[:, :2] + corners[:, 2:]], axis=1)
)


@given(BOXES)
def test_the_assignment_is_one_to_one(boxes: np.ndarray) -> None:
    found = SpaceMatcher(ROW, SIZE).match(boxes)
    assert len({one.vehicle for one in found}) == len(found)
    assert len({one.space for one in found}) == len(found)
    assert all(one.overlap <= 1 + 1e-9 for one in found)
