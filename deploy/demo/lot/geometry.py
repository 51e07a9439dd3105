"""The camera that looks at the rendered lot, and meshes in its world.

World coordinates are metres: x to the right, y away from the camera, z up; the ground is z = 0. Headings are radians,
counted from x towards y.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera without roll.

    Attributes:
        position: (x, y, z) metres.
        target: the point in the middle of the picture.
        fov_degrees: horizontal field of view.
        size: (width, height) of the picture in pixels.
    """

    position: tuple[float, float, float]
    target: tuple[float, float, float]
    fov_degrees: float
    size: tuple[int, int] = (1280, 720)

    def _axes(self) -> Floats:
        forward = np.subtract(self.target, self.position)
        forward = forward / np.linalg.norm(forward)
        right = np.cross(forward, (0.0, 0.0, 1.0))
        right = right / np.linalg.norm(right)
        return np.stack([right, np.cross(forward, right), forward])

    @property
    def focal_pixels(self) -> float:
        """Focal length in pixels."""
        return self.size[0] / 2 / float(np.tan(np.radians(self.fov_degrees) / 2))

    def project(self, points: npt.ArrayLike) -> tuple[Floats, Floats]:
        """World points (n, 3) to picture pixels (n, 2), and their depth in metres along the view (n,).

        Points behind the camera get the depth's sign only; their pixels mean nothing.
        """
        seen = (np.asarray(points, float).reshape(-1, 3) - self.position) @ self._axes().T
        depth = seen[:, 2]
        safe = np.where(np.abs(depth) < 1e-6, 1e-6, depth)
        pixels = seen[:, :2] / safe[:, None] * self.focal_pixels + np.array(self.size) / 2
        return pixels, depth

    def ground_homography(self) -> Floats:
        """3x3 matrix that takes ground metres (x, y, 1) to picture pixels."""
        axes = self._axes()
        offset = -axes @ np.array(self.position)
        intrinsic = np.array(
            [[self.focal_pixels, 0, self.size[0] / 2], [0, self.focal_pixels, self.size[1] / 2], [0, 0, 1]]
        )
        matrix: Floats = intrinsic @ np.column_stack([axes[:, 0], axes[:, 1], offset])
        return matrix


@dataclass(frozen=True, slots=True)
class Mesh:
    """Flat polygons.

    Attributes:
        corners: (faces, 4, 3) metres; a triangle repeats its last corner.
        colours: (faces, 3) BGR 0..255 in full light.
        gloss: (faces,) 0 is matt, 1 reflects like glass.
        bias: (faces,) metres by which a face is drawn nearer than it is, for details that lie on a surface.
    """

    corners: Floats
    colours: Floats
    gloss: Floats
    bias: Floats

    def placed(self, x: float, y: float, heading: float, pitch: float = 0.0) -> Mesh:
        """Turned to a heading, nodding by `pitch` radians, and moved to (x, y)."""
        cos, sin = np.cos(heading), np.sin(heading)
        turn = np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]])
        nod = np.array([[1, 0, -pitch], [0, 1, 0], [pitch, 0, 1]])
        return Mesh(self.corners @ (turn @ nod).T + (x, y, 0.0), self.colours, self.gloss, self.bias)


def join(*meshes: Mesh) -> Mesh:
    """Several meshes as one."""
    parts: Any = [(mesh.corners, mesh.colours, mesh.gloss, mesh.bias) for mesh in meshes]
    corners, colours, gloss, bias = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Mesh(corners, colours, gloss, bias)


def faces(
    corners: npt.ArrayLike, colour: npt.ArrayLike, gloss: float | Floats = 0.0, bias: float | Floats = 0.0
) -> Mesh:
    """A mesh from corners (n, 4, 3), with one colour for all or one each."""
    shape = np.asarray(corners, float).reshape(-1, 4, 3)
    count = len(shape)
    return Mesh(
        shape,
        np.broadcast_to(np.asarray(colour, float), (count, 3)).copy(),
        np.broadcast_to(np.asarray(gloss, float), (count,)).copy(),
        np.broadcast_to(np.asarray(bias, float), (count,)).copy(),
    )


def disc(centre: tuple[float, float, float], radius: float, colour: npt.ArrayLike, bias: float) -> Mesh:
    """An upright disc across the y direction: a wheel seen from the side."""
    angles = np.linspace(0, 2 * np.pi, 15)
    rim = np.stack(
        [centre[0] + radius * np.cos(angles), np.full(15, centre[1]), centre[2] + radius * np.sin(angles)], 1
    )
    middle = np.asarray(centre, float)
    return faces([[middle, rim[i], rim[i + 1], rim[i + 1]] for i in range(14)], colour, bias=bias)


def box(size: tuple[float, float, float], centre: tuple[float, float, float], colour: npt.ArrayLike) -> Mesh:
    """A box of (length, width, height) metres round `centre`."""
    x, y, z = (np.array([-side / 2, side / 2]) + middle for side, middle in zip(size, centre, strict=True))
    quads = []
    for axis in range(3):
        for end in (0, 1):
            a, b = [other for other in range(3) if other != axis]
            quad = []
            for i, j in ((0, 0), (1, 0), (1, 1), (0, 1)):
                corner = [0.0, 0.0, 0.0]
                corner[axis] = (x, y, z)[axis][end]
                corner[a], corner[b] = (x, y, z)[a][i], (x, y, z)[b][j]
                quad.append(corner)
            quads.append(quad)
    return faces(quads, colour)
