"""Two small views of a space: what the judge looks at. Pure: a picture and a polygon in, pixels out.

The upright view shows the space with its surroundings as the camera sees them. The rectified view undoes the
perspective, so that all spaces look alike: the space fills the middle, its upper edge stays on top.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from services.detector.engines.base import Picture

Floats = npt.NDArray[np.float64]

VIEW_PIXELS: Final = 128
"""Side of a view."""
UPRIGHT_GROWTH: Final = 2.4
"""Side of the upright view's square, as a multiple of the longer side of the space's bounding box."""
RECTIFIED_GROWTH: Final = 2.0
"""How much larger than the space the rectified view's quadrilateral is."""
POOLED_GROWTH: Final = 1.25
"""How much larger than the space the part of a view is whose features decide."""
SHRINK_MAX: Final = 2.0
"""Views shrink the picture, or its half or quarter, no more than this, so that they never alias."""
WIDTH_MAX: Final = 2000
"""The size of a space is given in pixels of a picture no wider than this."""
BORDER: Final = (114.0, 114.0, 114.0)
"""Colour outside of the picture; a repeated border looks like a vehicle's side."""


@dataclass(frozen=True, slots=True)
class SpaceViews:
    """The views of n spaces.

    Attributes:
        upright: (n, 128, 128, 3) BGR.
        rectified: (n, 128, 128, 3) BGR.
        upright_corners: (n, 4, 2) pixels in the view: the quadrilateral whose features decide.
        rectified_corners: the same in the rectified view.
        side_px: (n,) square root of each space's area in pixels.
    """

    upright: npt.NDArray[np.uint8]
    rectified: npt.NDArray[np.uint8]
    upright_corners: Floats
    rectified_corners: Floats
    side_px: Floats

    def __len__(self) -> int:
        return len(self.side_px)


class Pyramid:
    """A picture and, when somebody needs them, its half and its quarter."""

    def __init__(self, picture: Picture) -> None:
        """Start from (height, width, 3)."""
        self.picture = picture

    @cached_property
    def _half(self) -> Picture:
        return _halve(self.picture)

    @cached_property
    def _quarter(self) -> Picture:
        return _halve(self._half)

    def cut(self, to_view: Floats) -> npt.NDArray[np.uint8]:
        """Cut a view.

        Args:
            to_view: (3, 3) homography from the picture's pixels to the view's.
        """
        shrink = _shrink(to_view, (self.picture.shape[1], self.picture.shape[0]))
        level = 0 if shrink <= SHRINK_MAX else 1 if shrink <= 2 * SHRINK_MAX else 2
        source = (self.picture, self._half if level else self.picture, self._quarter if level > 1 else self.picture)[
            level
        ]
        # Pixel centres lie at whole numbers: the centre of a pixel of the half lies between four of the whole.
        factor, offset = 2.0**level, (2.0**level - 1) / 2
        from_level = np.array([[factor, 0, offset], [0, factor, offset], [0, 0, 1]])
        view = cv2.warpPerspective(
            source, to_view @ from_level, (VIEW_PIXELS, VIEW_PIXELS), flags=cv2.INTER_LINEAR, borderValue=BORDER
        )
        return np.asarray(view, np.uint8)


def _halve(picture: Picture) -> Picture:
    height, width = picture.shape[:2]
    even = picture[: height // 2 * 2, : width // 2 * 2]
    return np.asarray(cv2.resize(even, (width // 2, height // 2), interpolation=cv2.INTER_AREA), np.uint8)


def _shrink(to_view: Floats, size: tuple[int, int]) -> float:
    """Pixels of the picture along one pixel of the view, in the view's middle."""
    middle = VIEW_PIXELS / 2
    around = np.array([[middle, middle], [middle + 1, middle], [middle, middle + 1]], float)
    at = transform(np.linalg.inv(to_view), around)
    (x1, y1), (x2, y2) = at[1] - at[0], at[2] - at[0]
    return float(np.sqrt(abs(x1 * y2 - x2 * y1)))


def transform(matrix: npt.NDArray[Any], points: npt.NDArray[Any]) -> Floats:
    """Points (…, 2) through a homography (3, 3)."""
    lifted = points @ matrix[:, :2].T + matrix[:, 2]
    result: Floats = lifted[..., :2] / lifted[..., 2:]
    return result


def quadrilateral(polygon: npt.ArrayLike) -> Floats:
    """Reduce a polygon to a convex quadrilateral, clockwise on screen, beginning with its upper edge.

    The point that spans the smallest triangle with its neighbours goes until four are left. Three points, or four that
    are not convex, become the smallest rectangle round them.

    Args:
        polygon: (n, 2) pixels, n at least 3.
    """
    points = np.asarray(polygon, float)
    whole = points
    while len(points) > 4:
        before, after = np.roll(points, 1, axis=0), np.roll(points, -1, axis=0)
        points = np.delete(points, int(np.abs(_cross(points - before, after - before)).argmin()), axis=0)
    if len(points) < 4 or not _is_convex(points):
        points = _smallest_rectangle(whole)
    if _area(points) < 0:
        points = points[::-1]
    edges = np.roll(points, -1, axis=0) - points
    # Clockwise on screen, the outward normal of an edge (x, y) is (y, -x): it points upwards as far as x is positive.
    upward = edges[:, 0] / np.maximum(np.hypot(edges[:, 0], edges[:, 1]), 1e-9)
    ordered: Floats = np.roll(points, -int(upward.argmax()), axis=0)
    return ordered


def _cross(first: Floats, second: Floats) -> Floats:
    result: Floats = first[..., 0] * second[..., 1] - first[..., 1] * second[..., 0]
    return result


def _area(points: Floats) -> float:
    """Signed; positive where the points run clockwise on screen."""
    return float(_cross(points, np.roll(points, -1, axis=0)).sum() / 2)


def _is_convex(points: Floats) -> bool:
    edges = np.roll(points, -1, axis=0) - points
    turns = _cross(edges, np.roll(edges, -1, axis=0))
    least = 1e-3 * abs(_area(points))
    return bool((turns > least).all() or (turns < -least).all())


def _smallest_rectangle(points: Floats) -> Floats:
    middle, (width, height), angle = cv2.minAreaRect(points.astype(np.float32))
    corners = cv2.boxPoints((middle, (max(width, 2.0), max(height, 2.0)), angle))
    return np.asarray(corners, float)


def grow(points: Floats, factor: float) -> Floats:
    """Move points (4, 2) away from their middle."""
    middle = points.mean(axis=0)
    grown: Floats = middle + (points - middle) * factor
    return grown


def to_upright(quad: Floats) -> Floats:
    """The homography from the picture to a space's upright view."""
    low, high = quad.min(axis=0), quad.max(axis=0)
    scale = VIEW_PIXELS / max(UPRIGHT_GROWTH * float((high - low).max()), 4.0)
    left, top = (low + high) / 2 * scale - (VIEW_PIXELS - 1) / 2
    return np.array([[scale, 0, -left], [0, scale, -top], [0, 0, 1]])


def to_rectified(quad: Floats) -> Floats:
    """The homography from the picture to a space's rectified view."""
    last = VIEW_PIXELS - 1.0
    corners = np.array([[0, 0], [last, 0], [last, last], [0, last]], np.float32)
    grown = grow(quad, RECTIFIED_GROWTH).astype(np.float32)
    return np.asarray(cv2.getPerspectiveTransform(grown, corners), float)


def cut_views(picture: Picture, polygons: Iterable[Sequence[tuple[float, float]]]) -> SpaceViews:
    """Cut both views of each space.

    Args:
        picture: (height, width, 3) BGR.
        polygons: normalised 0..1, one a space.
    """
    pyramid = Pyramid(picture)
    height, width = picture.shape[:2]
    scale = min(1.0, WIDTH_MAX / width)
    quads = [quadrilateral(np.asarray(polygon, float) * (width, height)) for polygon in polygons]
    upright, rectified = [to_upright(quad) for quad in quads], [to_rectified(quad) for quad in quads]
    pooled = [grow(quad, POOLED_GROWTH) for quad in quads]
    return SpaceViews(
        upright=_stack([pyramid.cut(matrix) for matrix in upright]),
        rectified=_stack([pyramid.cut(matrix) for matrix in rectified]),
        upright_corners=_corners(upright, pooled),
        rectified_corners=_corners(rectified, pooled),
        side_px=np.array([np.sqrt(abs(_area(quad))) * scale for quad in quads], float),
    )


def _stack(views: list[npt.NDArray[np.uint8]]) -> npt.NDArray[np.uint8]:
    return np.stack(views) if views else np.empty((0, VIEW_PIXELS, VIEW_PIXELS, 3), np.uint8)


def _corners(matrices: list[Floats], quads: list[Floats]) -> Floats:
    pairs = zip(matrices, quads, strict=True)
    return np.array([transform(matrix, quad) for matrix, quad in pairs], float).reshape(-1, 4, 2)


def pooling_weights(corners: npt.NDArray[Any], cells: int, stride: int, finer: int = 1) -> npt.NDArray[np.float32]:
    """Weights that pool a feature map inside a quadrilateral, by bilinear sampling.

    Args:
        corners: (n, 4, 2) pixels in the view, clockwise from the upper left.
        cells: per side of what comes out.
        stride: pixels of the view a step of the feature map.
        finer: samples per side of a cell, whose mean counts.

    Returns:
        (n, map pixels, cells squared): a map (n, channels, map pixels) times this is pooled.
    """
    side = VIEW_PIXELS // stride
    steps = (np.arange(cells * finer) + 0.5) / (cells * finer)
    down, across = np.meshgrid(steps, steps, indexing="ij")
    blend = np.stack([(1 - across) * (1 - down), across * (1 - down), across * down, (1 - across) * down], axis=-1)
    points = np.einsum("yxk,nkc->nyxc", blend, np.asarray(corners, float))
    at = np.clip((points + 0.5) / stride - 0.5, 0, side - 1)
    hats = np.maximum(0, 1 - np.abs(at[..., None] - np.arange(side)))  # n, y, x, (across, down), side
    weights = np.einsum("nyxi,nyxj->nyxij", hats[..., 1, :], hats[..., 0, :])
    count = len(weights)
    cell = weights.reshape(count, cells, finer, cells, finer, side * side).mean(axis=(2, 4))
    return np.ascontiguousarray(cell.reshape(count, cells * cells, side * side).transpose(0, 2, 1), np.float32)
