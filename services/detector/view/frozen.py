"""Does a camera still send what it sees? Pure: pictures and times in, an answer out.

A sensor's noise, and the encoder that follows it, change most pixels of a live picture from one to the next, though
nothing moves. In a picture that hangs they are equal to the last grey level; a time stamp that runs on is a small part.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from services.detector.view.edges import Grey

EQUAL_SHARE_MIN: Final = 0.97
"""Least share of a picture's pixels that are exactly as before where it hangs; a time stamp covers the rest."""


class FrozenCheck:
    """Compares a camera's pictures with the first of those that are all the same."""

    def __init__(self, after_ms: int) -> None:
        """Start without a picture.

        Args:
            after_ms: a picture that has not changed for this long is frozen; 0: never.
        """
        self._after_ms = after_ms
        self._same: Grey | None = None
        self._since_ms = 0

    def look(self, grey: Grey, at_ms: int) -> int | None:
        """Take in a shrunken picture.

        Returns:
            Since when (ms since the epoch) the picture has not changed, if that is long ago; else None.
        """
        if self._same is None or self._same.shape != grey.shape or at_ms < self._since_ms or _differs(self._same, grey):
            self._same, self._since_ms = grey, at_ms
            return None
        is_frozen = self._after_ms > 0 and at_ms - self._since_ms >= self._after_ms
        return self._since_ms if is_frozen else None


def _differs(before: Grey, now: Grey) -> bool:
    return int(np.count_nonzero(before == now)) < EQUAL_SHARE_MIN * now.size
