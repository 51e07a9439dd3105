"""Which way the edges in a box run: those of a car run along it and across it. Pure."""

from __future__ import annotations

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from services.detector.engines.base import Picture

DIRECTIONS: Final = 36
"""Evenly spaced over half a turn, from the x axis on, clockwise on screen."""
SIDE_MIN_PX: Final = 6
"""A box with a shorter side has no edges worth looking at."""


def edge_directions(picture: Picture, boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """How strong the edges of each direction are in each box.

    The direction at a pixel is that of the structure tensor of its surroundings (Bigun and Granlund, 1987), its weight
    the root of the tensor's anisotropy.

    Args:
        picture: (height, width, 3) BGR, of any size.
        boxes: (n, 4) left, top, right, bottom in shares of the picture's width and height.

    Returns:
        (n, `DIRECTIONS`); a row's sum is 1, or 0 where a box is too small or shows no edges.
    """
    height, width = picture.shape[:2]
    found = np.zeros((len(boxes), DIRECTIONS))
    corners = np.clip(boxes * (width, height, width, height), 0, (width, height, width, height)).round().astype(int)
    for number, (left, top, right, bottom) in enumerate(corners):
        if min(right - left, bottom - top) >= SIDE_MIN_PX:
            found[number] = _directions(np.ascontiguousarray(picture[top:bottom, left:right]))
    return found


def _directions(part: Picture) -> npt.NDArray[np.float64]:
    grey = np.asarray(cv2.cvtColor(part, cv2.COLOR_BGR2GRAY), np.float32)
    dx, dy = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    xx, yy, xy = (np.asarray(cv2.blur(product, (5, 5)), np.float32) for product in (dx * dx, dy * dy, dx * dy))
    across = 0.5 * np.arctan2(2 * xy, xx - yy)
    weights = ((xx - yy) ** 2 + 4 * xy**2) ** 0.25
    bins = ((across + np.pi / 2) % np.pi / np.pi * DIRECTIONS).astype(int) % DIRECTIONS
    strengths = np.bincount(bins.ravel(), weights.ravel(), DIRECTIONS)
    total = strengths.sum()
    return np.asarray(strengths / total if total > 0 else strengths, float)
