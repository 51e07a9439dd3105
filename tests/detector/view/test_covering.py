"""Something stands before a space, or something left it: drawn lots, one change at a time."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import supervision as sv

from libs.common.spaces import ParkingSpace
from services.detector.engines.base import Picture
from services.detector.view.covering import CoverCheck
from tests.support.vehicles import vehicles

SIZE = (960, 540)
ROW = ((200, 200, 280, 280), (290, 200, 370, 280), (380, 200, 460, 280), (470, 200, 550, 280))
"""Of spaces, left, top, right and bottom in pixels; before them is the lane."""
CARS = ((60, 40, 150), (160, 90, 40), (35, 35, 35), (200, 200, 190))
LOOK_MS = 5000
Box = tuple[int, int, int, int]


def space(number: int, box: Box) -> ParkingSpace:
    left, top, right, bottom = (side / SIZE[axis % 2] for axis, side in enumerate(box))
    polygon = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return ParkingSpace(space_id=f"A{number}", space_name=f"A{number}", polygon=polygon)


SPACES = [space(number, box) for number, box in enumerate(ROW)]


def fill(picture: Picture, box: Box, colour: tuple[int, int, int]) -> Picture:
    changed = picture.copy()
    left, top, right, bottom = box
    changed[top:bottom, left:right] = colour
    return changed


def empty_lot() -> Picture:
    texture = np.random.default_rng(3).normal(110, 8, (SIZE[1], SIZE[0])).clip(0, 255).astype(np.uint8)
    lot = np.repeat(cv2.GaussianBlur(texture, (0, 0), 2)[..., None], 3, axis=2)
    for left, top, right, bottom in ROW:
        cv2.rectangle(lot, (left - 4, top), (right + 4, bottom), (190, 190, 190), 2)
    return lot


def with_cars(*numbers: int) -> Picture:
    lot = empty_lot()
    for number in numbers:
        left, top, right, bottom = ROW[number]
        lot = fill(lot, (left + 8, top - 20, right - 8, bottom - 6), CARS[number])
    return lot


FULL = with_cars(0, 1, 2, 3)
GREY_BOX: Box = (195, 170, 375, 330)
NOTHING = vehicles(track_ids=[])


class Camera:
    def __init__(self, spaces: list[ParkingSpace] = SPACES, shows: Picture = FULL) -> None:
        self.check, self.spaces, self.at_ms = CoverCheck(), spaces, 1_000_000
        for _ in range(12):
            assert self.show(shows) == set()

    def show(self, picture: Picture, found: sv.Detections = NOTHING) -> set[int]:
        self.at_ms += LOOK_MS
        return set(self.check.look(picture, self.spaces, found, self.at_ms))


@pytest.mark.parametrize("colour", [(128, 128, 128), (60, 95, 140), (235, 235, 235)], ids=["grey", "brown", "white"])
def test_a_box_before_two_spaces_covers_these_for_as_long_as_it_stands_there(colour: tuple[int, int, int]) -> None:
    camera = Camera()
    with_box = fill(FULL, GREY_BOX, colour)
    assert [camera.show(with_box) for _ in range(200)] == [{0, 1}] * 200
    assert camera.show(FULL) == set()


def test_what_stands_there_for_an_hour_belongs_to_the_lot() -> None:
    camera = Camera()
    with_box = fill(FULL, GREY_BOX, (128, 128, 128))
    shown = [camera.show(with_box) for _ in range(3_900_000 // LOOK_MS)]
    assert shown[3_500_000 // LOOK_MS] == {0, 1}
    assert shown[-1] == set()


@pytest.mark.parametrize("left", [(0,), (1, 2), (0, 1, 2, 3)])
def test_cars_that_leave_leave_pavement(left: tuple[int, ...]) -> None:
    camera = Camera()
    stay = [number for number in range(4) if number not in left]
    assert camera.show(with_cars(*stay)) == set()


def test_a_car_on_its_way_out_is_in_the_way_until_it_has_gone() -> None:
    camera = Camera()
    on_the_lane = fill(with_cars(1, 2, 3), (205, 240, 275, 340), CARS[0])
    camera.show(on_the_lane)
    assert camera.show(with_cars(1, 2, 3)) == set()


def test_a_vehicle_is_left_to_the_rule_for_vehicles() -> None:
    camera = Camera()
    lorry = fill(FULL, GREY_BOX, (128, 128, 128))
    assert camera.show(lorry, vehicles(GREY_BOX, track_ids=[1])) == set()


@pytest.mark.parametrize(
    "light",
    [
        lambda lot: np.asarray(lot * np.float32(0.6), np.uint8),
        lambda lot: np.clip(lot * np.float32(1.4), 0, 255).astype(np.uint8),
        lambda lot: np.concatenate([lot[:, :480], (lot[:, 480:] * np.float32(0.5)).astype(np.uint8)], axis=1),
    ],
    ids=["a cloud", "the sun", "a long shadow"],
)
def test_another_light_stands_nowhere(light: Callable[[Picture], Picture]) -> None:
    camera = Camera()
    assert camera.show(light(with_cars(1, 3))) == set()


def test_the_row_behind_is_covered_with_the_row_before_it_or_not_at_all() -> None:
    behind = [
        space(number + 4, (left, top - 85, right, bottom - 85)) for number, (left, top, right, bottom) in enumerate(ROW)
    ]
    spaces = [*SPACES, *behind]
    lot = FULL
    for left, top, right, bottom in ROW:
        lot = fill(lot, (left + 8, top - 90, right - 8, bottom - 94), (70, 20, 60))
    camera = Camera(spaces, lot)
    assert camera.show(fill(lot, (195, 100, 285, 330), (128, 128, 128))) == {0, 4}
    gone = empty_lot()
    assert Camera(spaces, lot).show(gone) == set(), "both rows leave at once"


def test_a_gap_and_other_spaces_begin_anew() -> None:
    camera = Camera()
    camera.at_ms += 600_000
    assert camera.show(fill(FULL, GREY_BOX, (128, 128, 128))) == set(), "nobody knows since when"
    camera = Camera()
    camera.spaces = SPACES[:2]
    assert camera.show(fill(FULL, GREY_BOX, (128, 128, 128))) == set()
