from __future__ import annotations

import itertools

import cv2
import numpy as np

from libs.common.spaces import ParkingSpace
from services.detector.drawing.annotator import FrameAnnotator
from tests.support.vehicles import vehicles

SIZE = (400, 300)
SPACES = [
    ParkingSpace(space_id="A1", space_name="A1", polygon=[(0.1, 0.1), (0.6, 0.1), (0.6, 0.7), (0.1, 0.7)]),
    ParkingSpace(space_id="A2", space_name="A2", polygon=[(0.0, 0.8), (1.0, 0.8), (1.0, 1.0)]),
]


def test_states_differ_without_colour() -> None:
    """The outline's shape tells the states apart: each state's ink, as a mask, is another."""
    masks = []
    for state in ("free", "occupied", "unknown"):
        picture = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
        FrameAnnotator(SPACES[:1], SIZE).annotate(picture, vehicles(), [state])
        masks.append((cv2.absdiff(picture, np.full_like(picture, 90)).max(axis=2) > 10).astype(np.uint8))
    for one, other in itertools.combinations(masks, 2):
        assert np.count_nonzero(one != other) > 0.1 * min(one.sum(), other.sum())


def test_boxes_and_trails_are_drawn_where_the_vehicles_are() -> None:
    annotator = FrameAnnotator([], SIZE)
    picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    for step in range(10):
        picture[:] = 0
        annotator.annotate(picture, vehicles((20 + 10 * step, 100, 60 + 10 * step, 140), track_ids=[5]), [])
    assert picture[100, 130].any(), "the box's upper edge"
    assert picture[138:143, 70].any(), "the trail behind it"
    assert not picture[200:].any()


def test_a_vehicle_without_a_track_is_drawn_too() -> None:
    picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    FrameAnnotator([], SIZE).annotate(picture, vehicles((50, 50, 90, 90), track_ids=[-1]), [])
    assert picture.any()
