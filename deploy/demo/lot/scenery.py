"""What stands round a lot: trees, hedges, lamp posts, a building, bins, benches."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Final

import cv2
import numpy as np

from deploy.demo.lot.drawing import Patch, Sun, draw_mesh
from deploy.demo.lot.geometry import Camera, Mesh, box, faces, join

STONE: Final = (170, 176, 182)
WOOD: Final = (80, 115, 145)


def tree_mesh(rng: np.random.Generator, height: float, leaves: tuple[float, float, float]) -> Mesh:
    """A tree: a trunk and a crown of many small leaf clusters, `height` metres tall."""
    crown_radius = height * 0.3
    count = 1100
    direction = rng.standard_normal((count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    lumps = 1 + 0.18 * np.sin(direction @ rng.uniform(2, 5, 3) * 2 + rng.uniform(0, 6))
    radius = crown_radius * rng.uniform(0.55, 1, count) ** 0.4 * lumps
    centres = direction * radius[:, None] * (1, 1, 0.95) + (0, 0, height * 0.66)
    size = crown_radius * 0.1
    corners = centres[:, None, :] + rng.normal(0, size, (count, 4, 3))
    inner = np.clip(radius / crown_radius, 0.4, 1)
    tint = rng.normal(1, 0.12, (count, 1)) * inner[:, None] * (0.75 + 0.35 * (direction[:, 2:] * 0.5 + 0.5))
    crown = faces(corners, np.asarray(leaves) * tint)
    trunk = box((0.24, 0.24, height * 0.5), (0, 0, height * 0.25), (52, 70, 88))
    return join(trunk, crown)


def hedge_mesh(rng: np.random.Generator, length: float, height: float = 1.0) -> Mesh:
    """A hedge of `length` metres along x, made of leaf clusters on a box."""
    count = int(length * 130)
    centres = rng.uniform((-length / 2, -0.45, 0.05), (length / 2, 0.45, height), (count, 3))
    wall = rng.random(count) < 0.7
    centres[wall, 1] = np.where(rng.random(wall.sum()) < 0.5, -0.45, 0.45)
    centres[~wall, 2] = height
    corners = centres[:, None, :] + rng.normal(0, 0.07, (count, 4, 3))
    tint = rng.normal(1, 0.14, (count, 1)) * (0.6 + 0.4 * centres[:, 2:] / height)
    # In short pieces, so that sorting by distance puts each behind its own leaves.
    ends = np.linspace(-length / 2, length / 2, max(2, int(length) + 1))
    body = [
        box((float(right - left), 0.8, height * 0.94), (float(left + right) / 2, 0, height * 0.47), (34, 58, 44))
        for left, right in pairwise(ends)
    ]
    return join(*body, faces(corners, np.array((52, 98, 72)) * tint, bias=0.6))


def lamp_mesh(height: float = 6.0) -> Mesh:
    """A lamp post whose arm reaches along x."""
    return join(
        box((0.14, 0.14, height), (0, 0, height / 2), (128, 130, 130)),
        box((1.3, 0.1, 0.08), (0.6, 0, height), (128, 130, 130)),
        box((0.5, 0.22, 0.1), (1.2, 0, height - 0.04), (220, 228, 230)),
    )


def building_mesh(length: float, depth: float, height: float, wall: tuple[float, float, float]) -> Mesh:
    """A flat-roofed building with a band of windows on the side that faces the camera."""
    parts = [
        box((length, depth, height), (0, 0, height / 2), wall),
        box((length + 0.3, depth + 0.3, 0.25), (0, 0, height), STONE),
    ]
    front = -depth / 2 - 0.02
    for level in np.arange(1.0, height - 1.4, 3.0):
        for x in np.arange(-length / 2 + 1.2, length / 2 - 1.6, 2.6):
            pane = [(x, front, level), (x + 1.6, front, level), (x + 1.6, front, level + 1.4), (x, front, level + 1.4)]
            parts.append(faces([pane], (74, 66, 58), 0.8, 0.5))
    return join(*parts)


def clutter_mesh(rng: np.random.Generator) -> Mesh:
    """Something that is no vehicle: a bin, a bench, a crate, a skip, a planter, a pallet, a ticket machine."""
    grey, any_colour = (40, 40, 44), rng.uniform(30, 190, 3)
    makers: list[Callable[[], list[Mesh]]] = [
        lambda: [box((0.6, 0.6, 1.05), (0, 0, 0.52), any_colour)],
        lambda: [box((1.7, 0.45, 0.08), (0, 0, 0.45), WOOD), box((1.7, 0.08, 0.4), (0, 0.2, 0.7), WOOD)],
        lambda: [box(tuple(rng.uniform(0.6, 1.6, 3)), (0, 0, 0.5), any_colour)],
        lambda: [box((2.6, 1.5, 1.1), (0, 0, 0.6), any_colour), box((2.4, 1.3, 0.1), (0, 0, 1.16), grey)],
        lambda: [box((1.6, 1.6, 0.5), (0, 0, 0.25), STONE), box((1.4, 1.4, 0.4), (0, 0, 0.6), (50, 110, 60))],
        lambda: [box((1.2, 1.0, 0.16), (0, 0, 0.08), WOOD)],
        lambda: [box((0.4, 0.4, 1.7), (0, 0, 0.85), any_colour), box((0.42, 0.3, 0.3), (0, 0, 1.4), STONE)],
        lambda: [box((0.35, 0.5, 1.2), (0, 0, 0.75), any_colour), box((0.24, 0.24, 0.28), (0, 0, 1.5), WOOD)],
    ]
    return join(*makers[int(rng.integers(len(makers)))]())


def soften(patch: Patch | None, radius: float = 0.6) -> Patch | None:
    """Blur a patch a little: foliage far away has no hard edges."""
    if patch is None:
        return None
    alpha = cv2.GaussianBlur(patch.alpha, (0, 0), radius)[..., None]
    colour = cv2.GaussianBlur(patch.colour, (0, 0), radius)
    return Patch(patch.left, patch.top, np.asarray(colour, np.float32), np.asarray(alpha, np.float32), patch.depth)


def draw_scenery(mesh: Mesh, camera: Camera, sun: Sun, x: float, y: float, heading: float = 0.0) -> Patch | None:
    """Draw something that stands at (x, y); it is sorted by where it stands, not by its middle."""
    patch = draw_mesh(mesh.placed(x, y, heading), camera, sun)
    if patch is None:
        return None
    depth = float(camera.project([(x, y, 0.3)])[1][0])
    return Patch(patch.left, patch.top, patch.colour, patch.alpha, depth)
