"""Which vehicle stands in which space: pure geometry, without I/O.

A vehicle's box covers its roof, which an oblique camera sees above (behind) the ground it stands on; so the lower part
of the box, its footprint, is compared with the space's polygon. One vehicle takes one space and one space at most one
vehicle: the assignment with the greatest summed overlap (Kuhn 1955, "The Hungarian method for the assignment problem";
scipy's `linear_sum_assignment`). Only a vehicle that stands across two spaces takes both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


TIE: Final = 1e-3
"""Overlap that where a vehicle stands counts as: it decides between spaces that it covers alike."""
COVERS_MIN: Final = 0.8
"""Least share of each of two spaces that the footprint of a vehicle covers which takes both."""
LOWER_MAX: Final = 0.35
"""How far below a space's lowest point the box of a vehicle ends at most that takes it beside another one, as a share
of the space's height: one that ends lower stands in front of it."""


@dataclass(frozen=True, slots=True)
class Match:
    """Vehicle number `vehicle` stands in space number `space`."""

    vehicle: int
    space: int
    overlap: float


class SpaceMatcher:
    """The spaces of one camera, ready to be matched against the boxes of many frames."""

    def __init__(
        self, spaces: Sequence[ParkingSpace], picture_size: tuple[int, int], one_space_each: bool = True
    ) -> None:
        """Prepare the polygons.

        Args:
            spaces: polygons normalised 0..1.
            picture_size: (width, height) in pixels of the frames to come.
            one_space_each: a vehicle takes one space only, though it covers another one as well.
        """
        self._one_space_each = one_space_each
        polygons = [np.asarray(space.polygon, float) * picture_size for space in spaces]
        # A polygon drawn by hand may cross itself; its enclosed parts still are the space.
        self._polygons = np.array([shapely.make_valid(shapely.polygons(points)) for points in polygons], dtype=object)
        self._areas = shapely.area(self._polygons)
        _, self._tops, _, self._bottoms = shapely.bounds(self._polygons).reshape(-1, 4).T
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
        boxes = np.asarray(xyxy, float)
        shared = self._shared(boxes)
        overlap = self._of_smaller(shared, boxes)
        overlap[overlap < self._min_overlaps[:, None]] = 0
        if confidence is not None:
            overlap[confidence < self._confidences[:, None]] = 0
        order = np.lexsort(boxes.T)  # equal overlaps are decided alike, however the vehicles come
        rows, columns = linear_sum_assignment(self._preferred(overlap, boxes)[:, order], maximize=True)
        pairs = [
            (space, vehicle)
            for space, vehicle in zip(rows.tolist(), order[columns].tolist(), strict=True)
            if overlap[space, vehicle] > 0
        ]
        if not self._one_space_each:
            pairs = sorted(pairs + self._covered_as_well(boxes, shared, overlap, dict(pairs)))
        return [Match(vehicle, space, float(overlap[space, vehicle])) for space, vehicle in pairs]

    def _preferred(self, overlap: npt.NDArray[np.float64], boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The overlaps; of equal ones the greater is that of the space whose lower end is nearer to the vehicle's."""
        away = np.abs(self._bottoms[:, None] - boxes[None, :, 3])
        preferred: npt.NDArray[np.float64] = np.where(overlap > 0, overlap + TIE / (1 + away), 0)
        return preferred

    def _covered_as_well(
        self,
        boxes: npt.NDArray[np.float64],
        shared: npt.NDArray[np.float64],
        overlap: npt.NDArray[np.float64],
        vehicle_of: Mapping[int, int],
    ) -> list[tuple[int, int]]:
        """(space, vehicle) of the spaces without a vehicle of their own that one covers which stands beside them, too.

        Of several such vehicles the one that covers most takes the space; of equal ones the first.
        """
        covered = shared / np.maximum(self._areas[:, None], 1e-9)
        stands = boxes[:, 3] <= (self._bottoms + LOWER_MAX * (self._bottoms - self._tops))[:, None]
        covers = (covered >= COVERS_MIN) & stands & (overlap > 0)
        found = []
        for space in set(range(len(self))) - vehicle_of.keys():
            across = [
                vehicle for other, vehicle in vehicle_of.items() if covers[space, vehicle] and covers[other, vehicle]
            ]
            if across:
                found.append((space, max(sorted(across), key=lambda vehicle: covered[space, vehicle])))
        return found

    def overlaps(self, xyxy: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
        """Overlap of every space with every vehicle's footprint, (spaces, n), 0..1 of the smaller of the two."""
        boxes = np.asarray(xyxy, float)
        return self._of_smaller(self._shared(boxes), boxes)

    def _of_smaller(self, shared: npt.NDArray[np.float64], boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        footprints = FOOTPRINT_SHARE * (boxes[:, 3] - boxes[:, 1]) * (boxes[:, 2] - boxes[:, 0])
        smaller = np.minimum(self._areas[:, None], footprints[None, :])
        result: npt.NDArray[np.float64] = shared / np.maximum(smaller, 1e-9)
        return result

    def covered(self, xyxy: npt.NDArray[np.floating[Any]]) -> npt.NDArray[np.float64]:
        """Share of every space that every vehicle's whole box covers, (spaces, n), 0..1."""
        result: npt.NDArray[np.float64] = self._shared(np.asarray(xyxy, float), 1.0) / np.maximum(
            self._areas[:, None], 1e-9
        )
        return result

    def _shared(self, boxes: npt.NDArray[np.float64], lower_share: float = FOOTPRINT_SHARE) -> npt.NDArray[np.float64]:
        """Area that every space shares with the lower part of every box, (spaces, n), square pixels."""
        tops = boxes[:, 3] - lower_share * (boxes[:, 3] - boxes[:, 1])
        footprints = shapely.box(boxes[:, 0], tops, boxes[:, 2], boxes[:, 3])
        shared = np.zeros((len(self._polygons), len(footprints)))
        # The tree finds the pairs whose bounding boxes meet; only those are worth an exact intersection.
        vehicle_index, space_index = self._tree.query(footprints)
        shared[space_index, vehicle_index] = shapely.area(
            shapely.intersection(self._polygons[space_index], footprints[vehicle_index])
        )
        return shared
