"""Draw meshes into small patches with smooth edges, and lay patches over a picture.

A patch is drawn at three times the picture's scale with the painter's algorithm and averaged down, which smooths its
edges; a vehicle that does not move is drawn once and its patch used again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from deploy.demo.lot.geometry import Camera, Floats, Mesh

SUPERSAMPLING: Final = 3
SUBPIXEL_BITS: Final = 4
SKY: Final = np.array((235.0, 215.0, 195.0))

Bytes = npt.NDArray[np.uint8]
Singles = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Sun:
    """Where the light comes from.

    Attributes:
        direction: unit vector towards the sun.
        strength: share of direct light in the brightest surface, 0 under clouds to about 0.6.
    """

    direction: tuple[float, float, float]
    strength: float


@dataclass(frozen=True, slots=True)
class Patch:
    """A drawn thing.

    Attributes:
        left, top: its place in the picture, in pixels; may lie outside.
        colour: (h, w, 3) BGR, already multiplied by `alpha`.
        alpha: (h, w, 1) 0..1.
        depth: metres from the camera, for drawing the far ones first.
    """

    left: int
    top: int
    colour: Singles
    alpha: Singles
    depth: float

    @property
    def area_pixels(self) -> float:
        """Pixels that it covers, inside the picture or not."""
        return float(np.count_nonzero(self.alpha > 0.5))

    def window(self, size: tuple[int, int]) -> tuple[slice, slice, slice, slice] | None:
        """Rows and columns of a picture of `size` (width, height) that it meets, then its own; None if none."""
        height, width = self.alpha.shape[:2]
        x0, y0 = max(self.left, 0), max(self.top, 0)
        x1, y1 = min(self.left + width, size[0]), min(self.top + height, size[1])
        if x0 >= x1 or y0 >= y1:
            return None
        own_rows, own_columns = slice(y0 - self.top, y1 - self.top), slice(x0 - self.left, x1 - self.left)
        return slice(y0, y1), slice(x0, x1), own_rows, own_columns


def shade(mesh: Mesh, camera: Camera, sun: Sun) -> Floats:
    """Colour of each face (n, 3): matt by Lambert's law, plus the sky and the sun mirrored in what is glossy."""
    edges = mesh.corners[:, 2] - mesh.corners[:, 0], mesh.corners[:, 3] - mesh.corners[:, 1]
    normals = np.cross(*edges)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    view = np.asarray(camera.position) - mesh.corners.mean(axis=1)
    view /= np.linalg.norm(view, axis=1, keepdims=True)
    normals *= np.where((normals * view).sum(axis=1, keepdims=True) < 0, -1.0, 1.0)
    towards = np.asarray(sun.direction)
    direct = np.clip(normals @ towards, 0, None) * sun.strength
    ambient = 0.52 - 0.3 * sun.strength + 0.3 * np.clip(normals[:, 2], -0.3, 1)
    matt = mesh.colours * np.clip(ambient + direct * 1.35, 0, 1.25)[:, None]
    mirrored = 2 * (normals * view).sum(axis=1, keepdims=True) * normals - view
    grazing = (1 - np.abs((normals * view).sum(axis=1))) ** 3
    sky = np.clip(mirrored[:, 2], 0, 1) * (0.12 + 0.55 * grazing) * mesh.gloss
    glint = np.clip(mirrored @ towards, 0, 1) ** 24 * sun.strength * mesh.gloss
    lit: Floats = np.clip(matt * (1 - sky[:, None]) + sky[:, None] * SKY + glint[:, None] * 200, 0, 255)
    return lit


def draw_mesh(mesh: Mesh, camera: Camera, sun: Sun, margin_pixels: int = 2) -> Patch | None:
    """Draw a mesh.

    Returns:
        Its patch, or None where it lies behind the camera or far outside the picture.
    """
    pixels, depth = camera.project(mesh.corners)
    if depth.min() < 0.5:
        return None
    low, high = np.floor(pixels.min(axis=0)) - margin_pixels, np.ceil(pixels.max(axis=0)) + margin_pixels
    if (high < 0).any() or (low > camera.size).any() or (high - low).max() > 2000:
        return None
    left, top = (int(side) for side in low)
    width, height = (int(side) for side in high - low)
    size = height * SUPERSAMPLING, width * SUPERSAMPLING
    colour, mask = np.zeros((*size, 3), np.uint8), np.zeros(size, np.uint8)
    order = np.argsort(-(depth.reshape(-1, 4).mean(axis=1) - mesh.bias))
    scale = SUPERSAMPLING * 2**SUBPIXEL_BITS
    quads = np.round((pixels - low) * scale).astype(np.int32).reshape(-1, 4, 2)
    inks = shade(mesh, camera, sun)
    for face in order:
        cv2.fillConvexPoly(colour, quads[face], inks[face].tolist(), cv2.LINE_8, SUBPIXEL_BITS)
        cv2.fillConvexPoly(mask, quads[face], 255, cv2.LINE_8, SUBPIXEL_BITS)
    small = cv2.resize(colour, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)
    alpha = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA).astype(np.float32)[..., None] / 255
    return Patch(left, top, small, alpha, float(depth.mean()))


def draw_shadow(mesh: Mesh, camera: Camera, sun: Sun, softness: float = 1.2) -> Patch | None:
    """The shadow that a mesh throws on the ground, and the dark under it, as a patch without colour of its own."""
    points = mesh.corners.reshape(-1, 3)
    direction = np.asarray(sun.direction)
    fallen = points - points[:, 2:] / direction[2] * direction
    thrown = _hull_mask(fallen, camera, softness, 0.25 + 0.6 * sun.strength)
    under = points[points[:, 2] < 0.7].copy()
    under[:, 2] = 0
    contact = _hull_mask(under, camera, 2.5, 0.55)
    if thrown is None or contact is None:
        return thrown
    return _union(thrown, contact)


def _hull_mask(points: Floats, camera: Camera, softness: float, strength: float) -> Patch | None:
    pixels, depth = camera.project(points)
    if depth.min() < 0.5:
        return None
    margin = int(np.ceil(3 * softness)) + 2
    low, high = np.floor(pixels.min(axis=0)) - margin, np.ceil(pixels.max(axis=0)) + margin
    if (high < 0).any() or (low > camera.size).any() or (high - low).max() > 2000:
        return None
    width, height = (int(side) for side in high - low)
    mask = np.zeros((height, width), np.float32)
    hull: Any = cv2.convexHull((pixels - low).astype(np.float32))
    cv2.fillConvexPoly(mask, np.round(hull * 2**SUBPIXEL_BITS).astype(np.int32), 1.0, cv2.LINE_AA, SUBPIXEL_BITS)
    soft = cv2.GaussianBlur(mask, (0, 0), softness)[..., None] * strength
    colour = np.zeros((height, width, 3), np.float32)
    return Patch(int(low[0]), int(low[1]), colour, soft.astype(np.float32), float(depth.mean()))


def _union(first: Patch, second: Patch) -> Patch:
    left, top = min(first.left, second.left), min(first.top, second.top)
    right = max(patch.left + patch.alpha.shape[1] for patch in (first, second))
    bottom = max(patch.top + patch.alpha.shape[0] for patch in (first, second))
    alpha = np.zeros((bottom - top, right - left, 1), np.float32)
    for patch in (first, second):
        y, x = patch.top - top, patch.left - left
        part = alpha[y : y + patch.alpha.shape[0], x : x + patch.alpha.shape[1]]
        np.maximum(part, patch.alpha, out=part)
    return Patch(left, top, np.zeros((*alpha.shape[:2], 3), np.float32), alpha, first.depth)


def lay(picture: Bytes, patch: Patch) -> None:
    """Lay a patch over a picture, in place."""
    window = patch.window((picture.shape[1], picture.shape[0]))
    if window is None:
        return
    rows, columns, own_rows, own_columns = window
    under = picture[rows, columns].astype(np.float32)
    mixed = under * (1 - patch.alpha[own_rows, own_columns]) + patch.colour[own_rows, own_columns]
    picture[rows, columns] = np.clip(mixed, 0, 255).astype(np.uint8)
