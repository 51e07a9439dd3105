"""The ground from above: asphalt, markings, wear, kerbs, grass; painted once, warped into the camera's view."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from deploy.demo.lot.drawing import Bytes, Singles
from deploy.demo.lot.geometry import Camera
from deploy.demo.lot.layout import Layout, Space

PIXELS_PER_METRE: Final = 40
SUBPIXEL_BITS: Final = 4
OIL_REACH: Final = 60
"""Pixels from the middle of an oil stain to where nothing is left of it."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of the ground (BGR) and how worn its paint is (0 new to 1 gone)."""

    asphalt: tuple[float, float, float] = (104, 102, 100)
    grass: tuple[float, float, float] = (62, 104, 84)
    paint: tuple[float, float, float] = (222, 226, 226)
    kerb: tuple[float, float, float] = (168, 172, 174)
    wear: float = 0.35


def noise(rng: np.random.Generator, shape: tuple[int, int], cell_pixels: float) -> Singles:
    """Smooth noise, mean 0, standard deviation 1, whose grains are about `cell_pixels` wide."""
    rows, columns = (max(2, int(side / cell_pixels) + 2) for side in shape)
    grains = rng.standard_normal((rows, columns)).astype(np.float32)
    return np.asarray(cv2.resize(grains, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC), np.float32)


class GroundPainter:
    """Paints the ground plan of a lot.

    The canvas covers `area` = (left, near, right, far) metres; its first row is the far edge.
    """

    def __init__(self, layout: Layout, palette: Palette, rng: np.random.Generator) -> None:
        self._layout = layout
        self._palette = palette
        self._rng = rng
        left, near, right, far = layout.asphalt
        self._area = left - 20, near - 8, right + 20, far + 32
        width = int((self._area[2] - self._area[0]) * PIXELS_PER_METRE)
        height = int((self._area[3] - self._area[1]) * PIXELS_PER_METRE)
        self._shape = height, width
        self._canvas = np.zeros((height, width, 3), np.float32)

    def paint(self) -> Singles:
        """The whole ground, (height, width, 3) BGR 0..255."""
        self._paint_grass()
        self._paint_asphalt()
        self._paint_markings()
        for space in self._layout.spaces():
            self._paint_oil(space)
        self._paint_kerbs()
        return np.asarray(np.clip(self._canvas, 0, 255), np.float32)

    def view(self, ground: Singles, camera: Camera, scale: int = 2) -> Bytes:
        """The ground as the camera sees it, smoothed from a drawing `scale` times as large."""
        to_canvas = np.array(
            [
                [PIXELS_PER_METRE, 0, -self._area[0] * PIXELS_PER_METRE],
                [0, -PIXELS_PER_METRE, self._area[3] * PIXELS_PER_METRE],
                [0, 0, 1],
            ]
        )
        enlarge = np.diag([scale, scale, 1.0])
        matrix = enlarge @ camera.ground_homography() @ np.linalg.inv(to_canvas)
        size = camera.size[0] * scale, camera.size[1] * scale
        large = cv2.warpPerspective(ground, matrix, size, flags=cv2.INTER_AREA, borderValue=self._palette.grass)
        return np.asarray(cv2.resize(large, camera.size, interpolation=cv2.INTER_AREA), np.uint8)

    def _pixels(self, points: npt.ArrayLike) -> npt.NDArray[np.int32]:
        metres = np.asarray(points, float).reshape(-1, 2)
        x = (metres[:, 0] - self._area[0]) * PIXELS_PER_METRE
        y = (self._area[3] - metres[:, 1]) * PIXELS_PER_METRE
        return np.round(np.stack([x, y], axis=1) * 2**SUBPIXEL_BITS).astype(np.int32)

    def _mask(self, *polygons: npt.ArrayLike) -> Singles:
        mask = np.zeros(self._shape, np.uint8)
        for polygon in polygons:
            cv2.fillPoly(mask, [self._pixels(polygon)], 255, cv2.LINE_AA, SUBPIXEL_BITS)
        share: Singles = mask.astype(np.float32) / np.float32(255)
        return share

    def _blend(self, colour: npt.ArrayLike, mask: Singles, texture: Singles | None = None) -> None:
        """Paint a colour, lighter and darker by a texture, where the mask is; most are small beside the canvas."""
        x, y, width, height = cv2.boundingRect((mask > 0).astype(np.uint8))
        part = slice(y, y + height), slice(x, x + width)
        wanted = np.asarray(colour) if texture is None else np.asarray(colour) + texture[part][..., None]
        canvas = self._canvas[part]
        canvas += (wanted.astype(np.float32) - canvas) * mask[part][..., None]

    def _paint_grass(self) -> None:
        texture = 9 * noise(self._rng, self._shape, 3) + 8 * noise(self._rng, self._shape, 40)
        texture += 9 * noise(self._rng, self._shape, 260)
        self._canvas[:] = np.asarray(self._palette.grass, np.float32) + texture[..., None] * (0.7, 1.0, 0.9)

    def _paint_asphalt(self) -> None:
        left, near, right, far = self._layout.asphalt
        lot = self._mask([(left, near), (right, near), (right, far), (left, far)])
        texture = 5 * noise(self._rng, self._shape, 1.6) + 4 * noise(self._rng, self._shape, 14)
        texture += 5 * noise(self._rng, self._shape, 170)
        self._blend(np.asarray(self._palette.asphalt, np.float32), lot, texture)
        for aisle in self._layout.aisles:  # tyres have polished the lanes
            for offset in (-0.9, 0.9):
                y = aisle.y + offset
                track = self._mask([(left, y - 0.35), (right, y - 0.35), (right, y + 0.35), (left, y + 0.35)])
                soft = cv2.GaussianBlur(track, (0, 0), 9) * lot
                self._canvas -= (soft * (7 + 2 * noise(self._rng, self._shape, 60)))[..., None]
        for _ in range(self._rng.integers(2, 6)):  # mended places
            x, y = self._rng.uniform(left, right), self._rng.uniform(near, far)
            width, height = self._rng.uniform(1, 4), self._rng.uniform(0.6, 2.5)
            mended = self._mask([(x, y), (x + width, y), (x + width, y + height), (x, y + height)]) * lot
            self._canvas += (mended * self._rng.uniform(-14, 9))[..., None]
        for _ in range(self._rng.integers(3, 8)):
            self._paint_crack(lot)

    def _paint_crack(self, lot: Singles) -> None:
        left, near, right, far = self._layout.asphalt
        point = np.array([self._rng.uniform(left, right), self._rng.uniform(near, far)])
        heading = self._rng.uniform(0, 2 * np.pi)
        points = [point]
        for _ in range(self._rng.integers(8, 26)):
            heading += self._rng.normal(0, 0.45)
            point = point + 0.35 * np.array([np.cos(heading), np.sin(heading)])
            points.append(point)
        mask = np.zeros(self._shape, np.uint8)
        cv2.polylines(mask, [self._pixels(points)], False, 255, 1, cv2.LINE_AA, SUBPIXEL_BITS)
        self._canvas -= (mask.astype(np.float32) / 255 * lot * 34)[..., None]

    def _paint_markings(self) -> None:
        lines = []
        for row in self._layout.rows:
            spaces = row.spaces()
            edges = [(space.corners[0], space.corners[3]) for space in spaces]
            edges.append((spaces[-1].corners[1], spaces[-1].corners[2]))
            lines += [_stripe(start, end, 0.11) for start, end in edges]
            lines.append(_stripe(spaces[0].corners[3], spaces[-1].corners[2], 0.09))
        left, _, right, _ = self._layout.asphalt
        for aisle in self._layout.aisles:
            for x in np.arange(left + 5, right - 4, 9.0):
                lines += _arrow(float(x), aisle.y)
        worn = 0.62 + 0.3 * noise(self._rng, self._shape, 5) - self._palette.wear * 0.6
        worn += 0.25 * noise(self._rng, self._shape, 50)
        self._blend(self._palette.paint, self._mask(*lines) * np.clip(worn + 0.25, 0.12, 0.95))

    def _paint_oil(self, space: Space) -> None:
        if self._rng.random() < 0.55:
            middle = np.array(space.centre) + self._rng.normal(0, 0.5, 2)
            x, y = (int(at) for at in self._pixels([middle])[0] / 2**SUBPIXEL_BITS)
            left, top = max(0, x - OIL_REACH), max(0, y - OIL_REACH)
            canvas = self._canvas[top : y + OIL_REACH, left : x + OIL_REACH]
            mask = np.zeros(canvas.shape[:2], np.uint8)
            axes = tuple(int(side) for side in self._rng.uniform(6, 20, 2))
            cv2.ellipse(mask, (x - left, y - top), axes, float(self._rng.uniform(0, 180)), 0, 360, 255, -1)
            soft = cv2.GaussianBlur(mask, (0, 0), 5).astype(np.float32) / 255
            canvas -= (soft * self._rng.uniform(8, 30))[..., None]

    def _paint_kerbs(self) -> None:
        left, near, right, far = self._layout.asphalt
        border = [(left, near), (right, near), (right, far), (left, far), (left, near)]
        for start, end in pairwise(border):
            stripe = _stripe(np.array(start), np.array(end), 0.28)
            self._blend(self._palette.kerb, self._mask(stripe), 5 * noise(self._rng, self._shape, 4))
        walk = self._mask([(left, far + 1.2), (right, far + 1.2), (right, far + 2.9), (left, far + 2.9)])
        slabs = 6 * noise(self._rng, self._shape, 3) + 5 * noise(self._rng, self._shape, 24)
        self._blend((150, 158, 162), walk, slabs)


def _stripe(start: Any, end: Any, width: float) -> Any:
    along = np.subtract(end, start) / np.linalg.norm(np.subtract(end, start))
    across = np.array([-along[1], along[0]]) * width / 2
    return np.array([start + across, end + across, end - across, start - across])


def _arrow(x: float, y: float) -> list[Any]:
    head = [(x + 1.0, y - 0.42), (x + 2.0, y), (x + 1.0, y + 0.42)]
    return [_stripe(np.array((x, y)), np.array((x + 1.05, y)), 0.16), np.array(head)]
