"""Which vehicle stands in which space: pure geometry, without I/O.

A vehicle's box covers its roof, which an oblique camera sees above (behind) the ground it stands on; so the lower part
of the box, its footprint, is compared with the space's polygon. One vehicle takes at most one space and one space at
most one vehicle: the assignment with the greatest summed overlap (Kuhn 1955, "The Hungarian method for the assignment
problem"; scipy's `linear_sum_assignment`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely
from scipy.optimize import linear_sum_assignment

from libs.common.spaces import ParkingSpace

FOOTPRINT_SHARE: Final = 0.6
"""Lower share of a vehicle's box that counts as its footprint."""

MIN_OVERLAP: Final = 0.4
"""Least overlap at which a vehicle stands in a space, as a share of the smaller of footprint and polygon.

Both numbers were chosen on PKLot; the table is in docs/decisions/0006-space-matching.md. A space may ask for another.
"""


@dataclass(frozen=True, slots=True)
class Match:
    """Vehicle number `vehicle` stands in space number `space`."""

    vehicle: int
    space: int
    overlap: float


class SpaceMatcher:
    """The spaces of one camera, ready to be matched against the boxes of many frames."""

    def __init__(self, spaces: Sequence[ParkingSpace], picture_size: tuple[int, int]) -> None:
        """Prepare the polygons.

        Args:
            spaces: polygons normalised 0..1.
            picture_size: (width, height) in pixels of the frames to come.
        """
        polygons = [np.asarray(space.polygon, float) * picture_size for space in spaces]
        # A polygon drawn by hand may cross itself; its enclosed parts still are the space.
        self._polygons = np.array([shapely.make_valid(shapely.polygons(points)) for points in polygons], dtype=object)
        self._areas = shapely.area(self._polygons)
        self._tree = shapely.STRtree(self._polygons)
        wanted = [MIN_OVERLAP if space.min_overlap is None else space.min_overlap for space in spaces]
        self._min_overlaps = np.array(wanted, float)
        self._confidences = np.array([space.confidence or 0.0 for space in spaces], float)

    def __len__(self) -> int:
        """How many spaces."""
        return len(self._polygons)

    def match(
        self, xyxy: npt.NDArray[np.floating[Any]], confidence: npt.NDArray[np.floating[Any]] | None = None
    ) -> list[Match]:
        """Assign vehicles to spaces.

        Args:
            xyxy: (n, 4) vehicle boxes in pixels.
            confidence: (n,) of the vehicles, for spaces that ask for more than the detector does.

        Returns:
            The matches, in order of the spaces.
        """
        if not len(xyxy) or not len(self._polygons):
            return []
        overlap = self.overlaps(xyxy)
        overlap[overlap < self._min_overlaps[:, None]] = 0
        if confidence is not None:
            overlap[confidence < self._confidences[:, None]] = 0
        rows, columns = linear_sum_assignment(overlap, maximize=True)
        return [
            Match(int(vehicle), int(space), float(overlap[space, vehicle]))
            for space, vehicle in zip(rows, columns, strict=True)
            if overlap[space, vehicle] > 0
        ]

    def overlaps(self, xyxy: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
        """Overlap of every space with every vehicle's footprint, (spaces, n), 0..1 of the smaller of the two."""
        boxes = np.asarray(xyxy, float)
        tops = boxes[:, 3] - FOOTPRINT_SHARE * (boxes[:, 3] - boxes[:, 1])
        footprints = shapely.box(boxes[:, 0], tops, boxes[:, 2], boxes[:, 3])
        shared = np.zeros((len(self._polygons), len(footprints)))
        # The tree finds the pairs whose bounding boxes meet; only those are worth an exact intersection.
        vehicle_index, space_index = self._tree.query(footprints)
        shared[space_index, vehicle_index] = shapely.area(
            shapely.intersection(self._polygons[space_index], footprints[vehicle_index])
        )
        smaller = np.minimum(self._areas[:, None], shapely.area(footprints)[None, :])
        result: npt.NDArray[np.float64] = shared / np.maximum(smaller, 1e-9)
        return result
