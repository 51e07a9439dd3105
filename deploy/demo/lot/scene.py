"""Put a picture together: ground, shadows, scenery and vehicles, and say what can be seen of each vehicle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from deploy.demo.lot.drawing import Bytes, Patch, Sun, draw_mesh, draw_shadow, lay
from deploy.demo.lot.driving import Pose
from deploy.demo.lot.geometry import Camera
from deploy.demo.lot.vehicles import Vehicle

LEAST_VISIBLE: Final = 0.3
LEAST_PIXELS: Final = 12


@dataclass(frozen=True, slots=True)
class SeenVehicle:
    """What a picture shows of a vehicle.

    Attributes:
        number: which vehicle.
        vehicle_class: its class.
        box: (x, y, width, height) pixels of what is visible.
        visible: share of its silhouette that nothing hides and the picture does not cut, 0..1.
    """

    number: int
    vehicle_class: str
    box: tuple[int, int, int, int]
    visible: float

    @property
    def counts(self) -> bool:
        """Whether a detector should be expected to see it."""
        return self.visible >= LEAST_VISIBLE and min(self.box[2:]) >= LEAST_PIXELS


@dataclass(frozen=True, slots=True)
class Stage:
    """What does not move.

    Attributes:
        camera: that looks.
        ground: the picture without anything on it, (height, width, 3).
        scenery: what stands on it.
        shadows: of the scenery.
        sun: the light.
    """

    camera: Camera
    ground: Bytes
    scenery: Sequence[Patch]
    shadows: Sequence[Patch]
    sun: Sun


class SceneComposer:
    """Draws vehicles into a stage; what stands still is drawn once."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._bare = stage.ground.copy()
        for shadow in stage.shadows:
            lay(self._bare, shadow)
        self._cache: dict[tuple[int, Pose], tuple[Patch | None, Patch | None]] = {}
        self._vignette = _vignette(stage.camera.size)

    def compose(
        self, vehicles: Sequence[tuple[int, Vehicle, Pose]], gain: float = 1.0
    ) -> tuple[Bytes, list[SeenVehicle]]:
        """One picture.

        Args:
            vehicles: number, vehicle and pose of each.
            gain: brightness; 1 is the stage's own.

        Returns:
            The picture (height, width, 3) BGR, and what can be seen of each vehicle, in order of their numbers.
        """
        picture = self._bare.copy()
        drawn = [(number, vehicle, *self._draw(number, vehicle, pose)) for number, vehicle, pose in vehicles]
        for _, _, shadow, _ in drawn:
            if shadow is not None:
                lay(picture, shadow)
        layers: list[tuple[int, Patch]] = [(-1, patch) for patch in self._stage.scenery]
        layers += [(number, patch) for number, _, _, patch in drawn if patch is not None]
        owners = np.full(picture.shape[:2], -1, np.int32)
        for number, patch in sorted(layers, key=lambda layer: -layer[1].depth):
            lay(picture, patch)
            window = patch.window(self._stage.camera.size)
            if window is not None:
                rows, columns, own_rows, own_columns = window
                owners[rows, columns][patch.alpha[own_rows, own_columns, 0] > 0.5] = number
        seen = [_look(owners, number, vehicle, patch) for number, vehicle, _, patch in drawn if patch is not None]
        return self._expose(picture, gain), sorted((one for one in seen if one), key=lambda one: one.number)

    def _draw(self, number: int, vehicle: Vehicle, pose: Pose) -> tuple[Patch | None, Patch | None]:
        key = number, pose
        if key not in self._cache:
            if len(self._cache) > 200:
                self._cache.clear()
            mesh = vehicle.mesh.placed(pose.x, pose.y, pose.heading, pose.nod)
            camera, sun = self._stage.camera, self._stage.sun
            self._cache[key] = draw_shadow(mesh, camera, sun), draw_mesh(mesh, camera, sun)
        return self._cache[key]

    def _expose(self, picture: Bytes, gain: float) -> Bytes:
        lit = cv2.multiply(picture, self._vignette, scale=gain, dtype=cv2.CV_8U)
        return np.asarray(lit, np.uint8)


def _vignette(size: tuple[int, int]) -> Bytes:
    """Factor of brightness by pixel: a lens is darker towards its corners."""
    x = (np.arange(size[0]) - size[0] / 2) / (size[0] / 2)
    y = (np.arange(size[1]) - size[1] / 2) / (size[1] / 2)
    radius = np.sqrt(x[None, :] ** 2 + y[:, None] ** 2)
    factor = 1 - 0.16 * np.clip(radius - 0.45, 0, 1) ** 1.5
    return np.repeat(factor[..., None], 3, axis=2).astype(np.float32)


def _look(owners: np.ndarray, number: int, vehicle: Vehicle, patch: Patch) -> SeenVehicle | None:
    window = patch.window((owners.shape[1], owners.shape[0]))
    if window is None or not patch.area_pixels:
        return None
    rows, columns = window[:2]
    own = owners[rows, columns] == number
    ys, xs = np.flatnonzero(own.any(axis=1)), np.flatnonzero(own.any(axis=0))
    if not len(xs):
        return None
    box = int(columns.start + xs[0]), int(rows.start + ys[0]), int(xs[-1] - xs[0] + 1), int(ys[-1] - ys[0] + 1)
    return SeenVehicle(number, vehicle.vehicle_class, box, round(float(own.sum()) / patch.area_pixels, 3))
