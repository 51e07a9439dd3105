"""A pinhole camera above level ground: pictures to ground and back. Pure.

Points of a picture are in picture widths, from its middle: x to the right, y down. Points of the ground are in metres
from the point below the camera: x to the right, y away from it; z is the height above the ground.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class GroundCamera:
    """Where a camera hangs and how it looks.

    Attributes:
        focal: focal length in picture widths.
        pitch: how far it looks below the horizon, radians.
        height_m: above the ground, metres.
        roll: how far it is turned clockwise about its axis, radians.
    """

    focal: float
    pitch: float
    height_m: float
    roll: float = 0.0

    def to_picture(self, points: Array) -> Array:
        """Project (..., 3) points of the world; returns (..., 2), NaN for what is behind the camera."""
        sin, cos = math.sin(self.pitch), math.cos(self.pitch)
        x, y, below = points[..., 0], points[..., 1], self.height_m - points[..., 2]
        depth = y * cos + below * sin
        scale = self.focal / np.where(depth > 0.1, depth, np.nan)
        right, down = x * scale, (below * cos - y * sin) * scale
        sin, cos = math.sin(self.roll), math.cos(self.roll)
        return np.stack([right * cos + down * sin, down * cos - right * sin], axis=-1)

    def to_ground(self, points: Array) -> Array:
        """Where the rays through (..., 2) points of the picture meet the ground; returns (..., 2), NaN if nowhere."""
        sin, cos = math.sin(self.roll), math.cos(self.roll)
        x, y = points[..., 0] / self.focal, points[..., 1] / self.focal
        right, down = x * cos - y * sin, x * sin + y * cos
        sin, cos = math.sin(self.pitch), math.cos(self.pitch)
        fall = sin + down * cos
        distance = self.height_m / np.where(fall > 1e-3, fall, np.nan)
        return np.stack([right * distance, (cos - down * sin) * distance], axis=-1)


def rectangles(centres: Array, headings: Array, lengths: Array | float, widths: Array | float) -> Array:
    """Corners of rectangles on the ground.

    Args:
        centres: (..., 2) metres.
        headings: (...) direction of the long sides, radians from the x axis.
        lengths: (...) metres along it.
        widths: (...) metres across it.

    Returns:
        (..., 4, 2) metres, in order round the rectangle.
    """
    along = np.stack([np.cos(headings), np.sin(headings)], axis=-1) * np.asarray(lengths)[..., None] / 2
    across = np.stack([-np.sin(headings), np.cos(headings)], axis=-1) * np.asarray(widths)[..., None] / 2
    return np.stack(
        [centres + along + across, centres + along - across, centres - along - across, centres - along + across],
        axis=-2,
    )
