"""Which spaces a nearer vehicle hides: nothing can be said of them, neither that they are free nor that they are taken.

Pure geometry. A lorry in the lane before a row, or a van that waits, covers spaces behind it with its body, while its
wheels stand nearer to the camera: lower in the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import shapely
import supervision as sv

from libs.common.spaces import ParkingSpace
from services.detector.occupancy.matching import SpaceMatcher

COVERED_MIN: Final = 0.5
"""Least share of a space that the nearer vehicle's box covers."""
NEARER_MIN: Final = 0.35
"""How far below the space's lowest point the box ends, as a share of the space's height."""
CONFIDENCE_MIN: Final = 0.25


def hidden_spaces(
    spaces: Sequence[ParkingSpace], picture_size: tuple[int, int], vehicles: sv.Detections
) -> frozenset[int]:
    """The numbers of the spaces that a vehicle hides which stands in none.

    A vehicle that is parked in a nearer space hides those behind it for as long as it stays: they are judged as they
    look. One that stands in the lane is on its way.

    Args:
        spaces: polygons normalised 0..1.
        picture_size: (width, height) pixels.
        vehicles: boxes in pixels, with confidences.
    """
    if not spaces or not len(vehicles):
        return frozenset()
    polygons = np.array(
        [shapely.make_valid(shapely.polygons(np.asarray(space.polygon, float) * picture_size)) for space in spaces],
        dtype=object,
    )
    boxes = np.asarray(vehicles.xyxy, float)
    _, tops, _, bottoms = shapely.bounds(polygons).T
    is_nearer = boxes[:, 3] >= (bottoms + NEARER_MIN * (bottoms - tops))[:, None]
    matches = SpaceMatcher(spaces, picture_size).match(boxes)
    parked = {match.vehicle for match in matches if not is_nearer[match.space, match.vehicle]}
    on_their_way = np.array([vehicle not in parked for vehicle in range(len(boxes))])
    if vehicles.confidence is not None:
        on_their_way &= vehicles.confidence >= CONFIDENCE_MIN
    numbers, nearer = np.nonzero(is_nearer & on_their_way)
    corners = boxes[nearer]
    bodies = shapely.box(corners[:, 0], corners[:, 1], corners[:, 2], corners[:, 3])
    covered = shapely.area(shapely.intersection(polygons[numbers], bodies))
    return frozenset(int(one) for one in numbers[covered >= COVERED_MIN * shapely.area(polygons[numbers])])
