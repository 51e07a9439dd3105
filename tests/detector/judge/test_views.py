"""What a judge sees of a space: which pixels, which way up, wherever the picture ends."""

from __future__ import annotations

import numpy as np
import pytest

from services.detector.judge.views import (
    BORDER,
    VIEW_PIXELS,
    cut_views,
    grow,
    pooling_weights,
    quadrilateral,
    to_rectified,
    transform,
)

SQUARE = [(100.0, 100.0), (200.0, 100.0), (200.0, 200.0), (100.0, 200.0)]


@pytest.mark.parametrize("start", range(4))
@pytest.mark.parametrize("backwards", [False, True])
def test_a_quadrilateral_begins_with_its_upper_edge_and_runs_clockwise(start: int, backwards: bool) -> None:
    points = SQUARE[start:] + SQUARE[:start]
    assert quadrilateral(points[::-1] if backwards else points).tolist() == [list(point) for point in SQUARE]


def test_polygons_of_more_points_lose_those_that_matter_least() -> None:
    many = [SQUARE[0], (150.0, 99.0), SQUARE[1], (201.0, 150.0), *SQUARE[2:]]
    assert quadrilateral(many).tolist() == [list(point) for point in SQUARE]


@pytest.mark.parametrize(
    "odd",
    [
        [(0.0, 0.0), (10.0, 0.0), (0.0, 10.0)],
        [(0.0, 0.0), (10.0, 10.0), (10.0, 0.0), (0.0, 10.0)],
        [(0.0, 0.0), (10.0, 0.0), (3.0, 3.0), (0.0, 10.0)],
        [(0.0, 0.0), (10.0, 0.0), (20.0, 0.0), (30.0, 0.1)],
    ],
    ids=["triangle", "crossing itself", "dented", "nearly a line"],
)
def test_odd_polygons_become_rectangles(odd: list[tuple[float, float]]) -> None:
    quad = quadrilateral(odd)
    sides = np.linalg.norm(np.roll(quad, -1, axis=0) - quad, axis=1)
    assert quad.shape == (4, 2)
    assert sides[:2] == pytest.approx(sides[2:], rel=1e-3)
    assert sides.min() > 1


def test_the_rectified_view_shows_the_space_in_its_middle_with_up_on_top() -> None:
    quad = quadrilateral([(100, 100), (180, 110), (220, 200), (60, 190)])
    corners = transform(to_rectified(quad), grow(quad, 2.0))
    last = VIEW_PIXELS - 1
    assert corners == pytest.approx(np.array([[0, 0], [last, 0], [last, last], [0, last]]), abs=1e-3)
    picture = np.full((300, 300, 3), 60, np.uint8)
    picture[:150] = 200
    views = cut_views(picture, [[(x / 300, y / 300) for x, y in quad]])
    for view in (views.upright[0], views.rectified[0]):
        assert view[44, 64].tolist() == [200] * 3
        assert view[110, 64].tolist() == [60] * 3
    assert views.side_px[0] == pytest.approx(103, abs=5)


def test_beyond_the_pictures_border_there_is_plain_grey() -> None:
    picture = np.zeros((200, 200, 3), np.uint8)
    views = cut_views(picture, [[(0.0, 0.0), (0.2, 0.0), (0.2, 0.2), (0.0, 0.2)]])
    assert views.upright[0, 0, 0].tolist() == list(BORDER)
    assert views.upright[0, -1, -1].tolist() == [0, 0, 0]


def test_a_large_space_is_seen_as_a_small_one_and_does_not_alias() -> None:
    """A fine chequered pattern is grey from afar; sampled without care it becomes stripes."""
    fine = np.indices((1600, 1600)).sum(axis=0) % 2 * 255
    picture = np.repeat(fine[..., None], 3, axis=2).astype(np.uint8)
    views = cut_views(picture, [[(0.3, 0.3), (0.7, 0.3), (0.7, 0.7), (0.3, 0.7)]])
    for view in (views.upright[0], views.rectified[0]):
        assert view[40:90, 40:90].std() < 20


def test_no_spaces_give_no_views() -> None:
    assert len(cut_views(np.zeros((10, 10, 3), np.uint8), [])) == 0


def test_pooling_takes_the_mean_inside_the_quadrilateral() -> None:
    ramp = np.arange(16.0)
    maps = np.stack([np.tile(ramp, (16, 1)), np.tile(ramp[:, None], (1, 16))]).reshape(1, 2, 256)
    corners = np.array([[[32.0, 64.0], [96.0, 64.0], [96.0, 128.0], [32.0, 128.0]]])
    pooled = maps @ pooling_weights(corners, 4, 8, finer=2)
    across, down = pooled.reshape(2, 4, 4)
    assert across[0] == pytest.approx([4.5 + 0.0625, 6.5 + 0.0625, 8.5 + 0.0625, 10.5 + 0.0625])
    assert (np.diff(down[:, 0]) > 0).all()
    assert pooling_weights(corners, 4, 16).sum(axis=1) == pytest.approx(1.0)
