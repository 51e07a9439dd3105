"""A sensor's noise, for pictures that stand still where a camera's would not."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from services.detector.engines.base import Picture

NOISE: Final = 2.0
"""Grey levels by which a sensor's pixels differ from frame to frame: the standard deviation."""


def with_noise(picture: Picture, seed: int, level: float = NOISE) -> Picture:
    """The picture, (height, width, 3), as the sensor would have it: another for each seed, always the same for one.

    Normally distributed noise is drawn once for a size of picture, and lies elsewhere for each seed.

    Args:
        picture: BGR.
        seed: 0 or more.
        level: standard deviation in grey levels.
    """
    height, width = picture.shape[:2]
    down, right = -seed * 7919 % height, -seed * 7919 % width
    added = _noise_field(height, width, level)[down : down + height, right : right + width]
    return np.asarray(cv2.add(picture, added, dtype=cv2.CV_8U), np.uint8)


@lru_cache(maxsize=4)
def _noise_field(height: int, width: int, level: float) -> npt.NDArray[np.int16]:
    """(2 * height, 2 * width, 3): the same noise four times; any part of it is noise that was rolled."""
    field = np.random.default_rng(1).normal(0, level, (height, width)).round().astype(np.int16)
    return np.tile(np.repeat(field[..., None], 3, axis=2), (2, 2, 1))
