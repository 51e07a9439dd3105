from __future__ import annotations

import numpy as np
import pytest

from libs.common.spaces import ParkingSpace
from services.detector.occupancy.tiles import Tile, cover_spaces, merge_tiles
from tests.support.vehicles import vehicles

SIZE = (1280, 720)


def space(left: float, top: float, right: float, bottom: float) -> ParkingSpace:
    polygon = [(left, top), (right, top), (right, bottom), (left, bottom)]
    return ParkingSpace(space_id="A", space_name="A", polygon=polygon)


@pytest.mark.parametrize("tile", [(640, 640), (480, 480), (384, 216), (900, 500)])
def test_every_space_is_whole_in_some_tile(tile: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    for _ in range(50):
        x, y = rng.uniform(0, 0.94), rng.uniform(0, 0.92)
        one = space(x, y, x + 0.06, y + 0.07)  # 77 by 50 pixels, less than the overlap
        tiles = cover_spaces([one], SIZE, tile)
        assert tiles
        assert all(0 <= t.left <= t.left + t.width <= 1280 and 0 <= t.top <= t.top + t.height <= 720 for t in tiles)
        left, top, right, bottom = x * 1280, y * 720, (x + 0.06) * 1280, (y + 0.07) * 720
        assert any(
            t.left <= left and right <= t.left + t.width and t.top <= top and bottom <= t.top + t.height for t in tiles
        )


def test_tiles_without_a_space_are_left_out() -> None:
    corner = space(0.0, 0.0, 0.05, 0.05)
    assert len(cover_spaces([corner], SIZE, (480, 480))) == 1
    assert cover_spaces([], SIZE, (480, 480)) == []


def test_a_picture_no_larger_than_a_tile_has_none() -> None:
    assert cover_spaces([space(0, 0, 1, 1)], (640, 360), (640, 640)) == []


def test_a_vehicle_in_several_tiles_is_one_vehicle() -> None:
    tiles = [Tile(0, 0, 640, 720), Tile(480, 0, 800, 720)]
    whole = vehicles((500, 100, 580, 150), confidence=0.3)
    merged = merge_tiles(whole, tiles, [vehicles((501, 100, 580, 150)), vehicles((20, 100, 100, 151))], SIZE, 0.5)
    assert len(merged) == 1
    assert merged.confidence == pytest.approx([0.9])


def test_a_vehicle_that_a_tile_cuts_is_taken_from_its_neighbour() -> None:
    tiles = [Tile(0, 0, 640, 720), Tile(480, 0, 800, 720)]
    cut, at_the_pictures_border = (600, 100, 640, 150), (0, 300, 50, 340)
    whole_in_neighbour = (120, 100, 210, 150)
    merged = merge_tiles(
        vehicles(), tiles, [vehicles(cut, at_the_pictures_border), vehicles(whole_in_neighbour)], SIZE, 0.5
    )
    assert sorted(merged.xyxy.tolist()) == [[0, 300, 50, 340], [600, 100, 690, 150]]


def test_nothing_found_is_nothing() -> None:
    assert len(merge_tiles(vehicles(), [Tile(0, 0, 640, 720)], [vehicles()], SIZE, 0.5)) == 0
