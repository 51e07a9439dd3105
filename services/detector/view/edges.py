"""The lot's own fixed edges: what a camera's picture is compared with to tell whether the lot can be seen. Pure.

Kerbs, painted lines, walls and poles stay where they are; vehicles come and go. The mean of the picture's gradients
over many looks keeps the former and loses the latter. Fog and blur weaken these edges, rain and dirt cover them, and a
camera that moved has them elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Floats32 = npt.NDArray[np.float32]
Grey = npt.NDArray[np.uint8]

WIDTH_MAX: Final = 640
"""Pictures are compared at this width at most."""
COLUMNS: Final = 8
ROWS: Final = 6
"""The picture is compared cell by cell, and the middle cell counts: a vehicle changes a few cells, fog changes all."""
EDGE_MIN: Final = 6.0
"""Least change of grey a pixel of a fixed edge."""
PERSISTENCE_MIN: Final = 0.6
"""Least share of an edge's strength that is left in the mean over many looks."""
CELL_PIXELS_MIN: Final = 25
"""Least fixed edge pixels of a cell that says something."""


@dataclass(frozen=True, slots=True)
class Gradients:
    """Change of grey a pixel, across and down, each (height, width), and the picture's mean grey."""

    across: Floats32
    down: Floats32
    brightness: float


@dataclass(frozen=True, slots=True)
class Likeness:
    """How a picture's edges compare with the fixed ones.

    Attributes:
        direction: median over the cells of the mean cosine between now and then; 1: same edges; about 0: others.
        strength: median over the cells of how strong the edges are, 1: as ever; what darkness takes is given back.
        cells: (rows, columns) how much changes at all where the fixed edges are, by cell, 1: as ever; near 0: a part
            that is covered; NaN where there are no fixed edges.
    """

    direction: float
    strength: float
    cells: Floats32


def shrink(picture: npt.NDArray[np.uint8]) -> Grey:
    """Grey and at most 640 pixels wide, from (height, width, 3) BGR or (height, width)."""
    height, width = picture.shape[:2]
    if width > WIDTH_MAX:
        size = WIDTH_MAX, max(ROWS, round(height * WIDTH_MAX / width))
        picture = np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8) if picture.ndim == 3 else picture


def gradients(grey: Grey) -> Gradients:
    """The gradients of a shrunken picture."""
    smooth = cv2.GaussianBlur(grey, (3, 3), 0.8)
    across = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=1 / 8)
    down = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=1 / 8)
    return Gradients(np.asarray(across, np.float32), np.asarray(down, np.float32), float(grey.mean()))


class FixedEdges:
    """The mean gradients of one camera."""

    def __init__(self, first: Gradients) -> None:
        """Start from one picture."""
        self._across, self._down = first.across.copy(), first.down.copy()
        self._cell_of = _cell_numbers(*first.across.shape)
        self._length = np.asarray(cv2.magnitude(first.across, first.down), np.float32)
        self._brightness = first.brightness
        self.looks = 1

    @property
    def shape(self) -> tuple[int, ...]:
        """(height, width) of the pictures that can be compared."""
        return self._across.shape

    def learn(self, now: Gradients, share: float, may_start: bool = True) -> None:
        """Take a picture in which the lot can be seen into the mean.

        Args:
            now: the picture's gradients.
            share: its share in the mean, 0..1.
            may_start: it gets more while there are few pictures.
        """
        self.looks += 1
        share = max(share, 1 / self.looks) if may_start else share
        for mean, value in (
            (self._across, now.across),
            (self._down, now.down),
            (self._length, cv2.magnitude(now.across, now.down)),
        ):
            cv2.accumulateWeighted(value, mean, share)
        self._brightness += share * (now.brightness - self._brightness)

    def brightness_ratio(self, now: Gradients) -> float:
        """How much brighter the pictures so far were, 1 to 4: what dusk takes from the edges."""
        return min(max(self._brightness / max(now.brightness, 1.0), 1.0), 4.0)

    def compare(self, now: Gradients) -> Likeness:
        """How a picture of the same size compares."""
        squared = self._across**2 + self._down**2
        is_fixed = (squared > EDGE_MIN**2) & (squared > (PERSISTENCE_MIN * self._length) ** 2)
        fixed = np.flatnonzero(is_fixed)  # a few per cent of the pixels
        cell = self._cell_of[fixed]
        across, down = self._across.ravel()[fixed], self._down.ravel()[fixed]
        now_across, now_down = now.across.ravel()[fixed], now.down.ravel()[fixed]
        squared = squared.ravel()[fixed]
        along = across * now_across + down * now_down
        length, now_length = np.sqrt(squared), np.hypot(now_across, now_down)
        count = np.bincount(cell, minlength=ROWS * COLUMNS)
        usable = count >= CELL_PIXELS_MIN
        if not usable.any():
            return Likeness(1.0, 1.0, np.full((ROWS, COLUMNS), np.nan, np.float32))
        direction = _by_cell(cell, along / np.maximum(length * now_length, 1e-3)) / np.maximum(count, 1)
        strength = _by_cell(cell, along) / np.maximum(_by_cell(cell, squared), 1e-3)
        strength *= self.brightness_ratio(now)
        left = _by_cell(cell, now_length) / np.maximum(_by_cell(cell, length), 1e-3)
        cells = np.where(usable, left, np.nan).astype(np.float32).reshape(ROWS, COLUMNS)
        return Likeness(float(np.median(direction[usable])), float(np.median(strength[usable])), cells)


def _by_cell(cell: npt.NDArray[np.intp], values: Floats32) -> npt.NDArray[np.float64]:
    """Sums over the cells, (rows x columns,)."""
    return np.asarray(np.bincount(cell, values, ROWS * COLUMNS), np.float64)


@lru_cache(maxsize=16)
def _cell_numbers(height: int, width: int) -> npt.NDArray[np.intp]:
    """The number of the cell in which each pixel lies, (height x width,)."""
    row, column = (
        np.searchsorted(np.linspace(0, side, parts + 1).astype(int), np.arange(side), "right") - 1
        for side, parts in ((height, ROWS), (width, COLUMNS))
    )
    return np.asarray((row[:, None] * COLUMNS + column).ravel(), np.intp)
