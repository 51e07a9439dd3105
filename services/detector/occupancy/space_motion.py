"""In which spaces something moved. Pure: masks of changed pixels in, numbers of spaces out.

A vehicle that creeps changes few pixels from one frame to the next, so those of some seconds are put together.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from libs.common.spaces import ParkingSpace

MOVED_SHARE: Final = 0.2
"""Least share of a space's pixels that change when a vehicle comes or leaves; a person or rain changes fewer."""
TOGETHER_MS: Final = 4000
"""For how long changes in a space are put together, from the first one on."""
NEVER: Final = -(2**60)


class SpaceMotion:
    """The spaces of one camera on its thumbnails of one size."""

    def __init__(self, spaces: Sequence[ParkingSpace], size: tuple[int, int]) -> None:
        """Find the pixels of each space.

        Args:
            spaces: polygons normalised 0..1.
            size: (width, height) of the thumbnail.
        """
        self.size = size
        parts = [_pixels(space, size) for space in spaces]
        self._pixels = np.concatenate(parts) if parts else np.empty(0, np.int64)
        self._starts = np.cumsum([0, *(len(part) for part in parts)])[:-1]
        self._needed = np.array([max(1.0, MOVED_SHARE * len(part)) for part in parts])
        self._owners = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
        self._changed = np.zeros(len(self._pixels), bool)
        self._since_ms = np.full(len(parts), NEVER, np.int64)

    def moved(self, changed: npt.NDArray[np.bool_], at_ms: int) -> list[int]:
        """The numbers of the spaces in which something moved.

        Args:
            changed: (height, width) of the thumbnail, since the frame before.
            at_ms: when the frame was captured.
        """
        if not len(self._starts) or not changed.any():
            return []
        now = changed.ravel()[self._pixels]
        age_ms = at_ms - self._since_ms
        begins = np.logical_or.reduceat(now, self._starts) & ((age_ms < 0) | (age_ms > TOGETHER_MS))
        self._since_ms[begins] = at_ms
        self._changed &= ~begins[self._owners]
        self._changed |= now
        has_moved = np.add.reduceat(self._changed.astype(np.int64), self._starts) >= self._needed
        self._changed[has_moved[self._owners]] = False
        self._since_ms[has_moved] = NEVER
        return [int(number) for number in np.flatnonzero(has_moved)]


def _pixels(space: ParkingSpace, size: tuple[int, int]) -> npt.NDArray[np.int64]:
    """The flat indices of the thumbnail's pixels that a space covers; one at least."""
    corners: Any = np.round(np.asarray(space.polygon, float) * size - 0.5).astype(np.int32)
    mask = np.zeros((size[1], size[0]), np.uint8)
    cv2.fillPoly(mask, [corners], 1)
    return np.flatnonzero(mask.ravel()).astype(np.int64)
