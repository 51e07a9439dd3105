"""Hold proposed spaces against the true ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from shapely.geometry import Polygon

Quad = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Score:
    """How well proposals fit the true spaces.

    Attributes:
        overlaps: (n,) of each true space, the intersection over union with its proposal; 0: it has none.
        occupied: (n,) whether somebody ever stood there.
        proposals: how many there were.
    """

    overlaps: npt.NDArray[np.float64]
    occupied: npt.NDArray[np.bool_]
    proposals: int

    def recall(self, *, occupied_only: bool = False) -> float:
        """The share of the spaces that a proposal fits with an overlap of half or more."""
        chosen = self.overlaps[self.occupied] if occupied_only else self.overlaps
        return float((chosen >= 0.5).mean()) if len(chosen) else float("nan")

    @property
    def mean_overlap(self) -> float:
        """Of the spaces that have a proposal."""
        paired = self.overlaps[self.overlaps > 0]
        return float(paired.mean()) if len(paired) else float("nan")


def overlap(one: Quad, other: Quad, size: tuple[int, int]) -> float:
    """Intersection over union of two shapes on a picture of this size; one that crosses itself is mended."""
    a, b = (Polygon(np.array(quad, float) * size).buffer(0) for quad in (one, other))
    together = a.union(b).area
    return float(a.intersection(b).area / together) if together else 0.0


def score(proposals: Sequence[Quad], spaces: Sequence[Quad], occupied: Sequence[bool], size: tuple[int, int]) -> Score:
    """Pair each true space with one proposal at most, those that fit best first.

    Args:
        proposals: in shares of the picture's width and height.
        spaces: the true ones, likewise.
        occupied: whether somebody ever stood in each of them.
        size: (width, height) of the picture in pixels.
    """
    table = np.array([[overlap(one, other, size) for other in spaces] for one in proposals]).reshape(-1, len(spaces))
    paired, used = np.zeros(len(spaces)), set[int]()
    for flat in np.argsort(-table, axis=None):
        row, column = divmod(int(flat), len(spaces))
        if table[row, column] <= 0:
            break
        if row not in used and not paired[column]:
            paired[column] = table[row, column]
            used.add(row)
    return Score(paired, np.array(occupied, bool), len(proposals))
