"""From boxes to spaces, on lots whose truth is computed."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from shapely.geometry import Polygon

from libs.common.proposals import SpaceProposal
from services.detector.proposals.ground_camera import GroundCamera
from services.detector.proposals.places import Place
from services.detector.proposals.propose import propose
from tests.detector.proposals.lots import ASPECT, Row, box_of, edges_of, quad_of

CAMERAS = {
    "over the lot": GroundCamera(0.9, math.radians(35), 8.0),
    "wide, low": GroundCamera(0.7, math.radians(24), 5.0),
    "narrow, far": GroundCamera(0.95, math.radians(26), 11.0),
}
ROWS = {
    "straight rows": [
        Row((-9, 9), (2.6, 0), 90, 8),
        Row((-9, 14.3), (2.6, 0), 90, 8),
        Row((-12, 26), (2.6, 0), 90, 10),
    ],
    "slanted": [Row((-6, 13), (2.9, 0), 65, 5), Row((-10, 22), (2.9, 0), 115, 8)],
    "along the view": [Row((-5, 9), (0.3, 2.6), 5, 9), Row((4, 9), (0.3, 2.6), 5, 9)],
}
Quad = npt.NDArray[np.float64]


def overlap(one: Quad, other: Quad) -> float:
    a, b = Polygon(one), Polygon(other)
    return float(a.intersection(b).area / a.union(b).area)


def found(quads: list[Quad], proposals: list[SpaceProposal]) -> list[bool]:
    shapes = [np.array(one.polygon) for one in proposals]
    return [max((overlap(quad, shape) for shape in shapes), default=0.0) >= 0.5 for quad in quads]


def lot(camera: GroundCamera, rows: list[Row], seed: int = 1) -> tuple[list[Place], list[Quad]]:
    """The places of cars in all spaces that the camera shows whole, and these spaces."""
    rng = np.random.default_rng(seed)
    places, quads = [], []
    for row in rows:
        for centre in row.centres():
            quad = quad_of(camera, centre, row.heading)
            left, top, right, bottom = box_of(camera, centre, row.heading, rng)
            if quad.min() > 0.01 and quad.max() < 0.99 and min(left, top) > 0.01 and max(right, bottom) < 0.99:
                edges = edges_of(camera, centre, row.heading)
                places.append(Place((left, top, right, bottom), 3.0, 10_000_000, 0, edges))
                quads.append(quad)
    return places, quads


@pytest.mark.parametrize("camera", CAMERAS)
@pytest.mark.parametrize("rows", ROWS)
def test_every_space_where_cars_stood_is_proposed_once(camera: str, rows: str) -> None:
    places, quads = lot(CAMERAS[camera], ROWS[rows])
    assert len(quads) >= 4, "the scene shows something"
    proposals = list(propose(places, ASPECT).proposals)
    assert np.mean(found(quads, proposals)) >= 0.9
    assert len(proposals) <= 1.3 * len(quads)


def test_a_gap_in_a_row_is_filled_with_less_confidence() -> None:
    places, quads = lot(CAMERAS["over the lot"], ROWS["straight rows"][1:2])
    gap = len(places) // 2
    proposals = list(propose(places[:gap] + places[gap + 1 :], ASPECT).proposals)
    assert all(found(quads, proposals))
    sure = sorted(one.confidence for one in proposals)
    in_gap = [one.confidence for one in proposals if overlap(np.array(one.polygon), quads[gap]) >= 0.5]
    assert len(in_gap) == 1
    assert in_gap[0] < np.median(sure)


def test_what_was_visited_often_is_surer() -> None:
    places, _ = lot(CAMERAS["over the lot"], ROWS["straight rows"])
    once = [replace(one, visits=1.0) for one in places]
    assert max(p.confidence for p in propose(once, ASPECT).proposals) < max(
        p.confidence for p in propose(places, ASPECT).proposals
    )


def test_the_camera_is_not_estimated_again_for_a_few_places_more() -> None:
    places, _ = lot(CAMERAS["over the lot"], ROWS["straight rows"])
    first = propose(places[:-1], ASPECT)
    assert propose(places, ASPECT, first.ground).ground is first.ground
    few = propose(places[:4], ASPECT)
    assert propose(places, ASPECT, few.ground).ground is not few.ground


@pytest.mark.parametrize(
    "boxes",
    [
        [],
        [(0.0, 0.0, 1.0, 1.0)],
        [(0.4, 0.05, 0.5, 0.06)],
        [(0.4, 0.4, 0.5, 0.5)] * 3,
        [(0.4, 0.4, 0.4001, 0.9)],
        [(x / 10, 0.2, x / 10 + 0.3, 0.9) for x in range(1, 7)],
    ],
)
def test_any_boxes_are_taken(boxes: list[tuple[float, float, float, float]]) -> None:
    for proposal in propose([Place(box, 1.0, 60_000, 0) for box in boxes], ASPECT).proposals:
        assert Polygon(proposal.polygon).is_valid
        assert 0 <= np.min(proposal.polygon) <= np.max(proposal.polygon) <= 1
        assert 0 < proposal.confidence < 1
