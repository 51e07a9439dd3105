"""Light, fog, rain, snow and knocks over a picture of a rendered lot. Each frame's rain and noise are drawn anew."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from bench.day.plan import Bump, Weather
from deploy.demo.lot.drawing import Bytes, Singles
from deploy.demo.lot.driving import Pose
from deploy.demo.lot.geometry import Camera
from deploy.demo.lot.layout import Layout

LAYERS: Final = 12
"""So many different layers of rain, snow and noise; each frame takes one from another place."""
FOG_GREY: Final = 205.0
NIGHT_GROUND: Final = 0.17
"""What is left of a sunny picture at night away from the lamps, as the camera's exposure shows it."""
LAMP_GAIN: Final = 0.5
LAMP_REACH_M: Final = 5.5
HEADLIGHT_GAIN: Final = 0.55
HEADLIGHT_REACH_M: Final = 11.0
CLOUD_SHARE: Final = 0.18
DEPTH_MAX_M: Final = 90.0
Pixel = TypeVar("Pixel", np.float32, np.int16)


class WeatherPainter:
    """Paints weather over the pictures of one camera."""

    def __init__(self, camera: Camera, layout: Layout, seed: int) -> None:
        """Prepare what repeats.

        Args:
            camera: whose pictures they are.
            layout: where the lamps stand: in two rows over the lot.
            seed: of rain, snow and noise.
        """
        self._camera = camera
        self._rng = np.random.default_rng(seed)
        ground = _ground(camera)
        depth = np.linalg.norm(ground - np.asarray(camera.position[:2]), axis=2)
        far = np.hypot(depth, camera.position[2])
        middle = float(np.linalg.norm(np.subtract(camera.target, camera.position)))
        self._depths = (np.minimum(np.nan_to_num(far, nan=DEPTH_MAX_M), DEPTH_MAX_M) / middle).astype(np.float32)
        self._night = _night(ground, layout)
        self._rain = [self._streaks() for _ in range(LAYERS)]
        self._snow = [self._flakes() for _ in range(LAYERS)]
        noise = self._rng.normal(0, 2.0, (LAYERS, camera.size[1], camera.size[0], 1)).round().astype(np.int16)
        self._noise = [_twice(np.repeat(layer, 3, axis=2)) for layer in noise]

    def paint(self, picture: Bytes, weather: Weather, t_s: float, headlights: Sequence[Pose]) -> Bytes:
        """A sunny picture, (height, width, 3) BGR, as it looks in the weather of that second.

        Args:
            picture: the lot by day, with its shadows.
            weather: over the day.
            t_s: seconds since its beginning.
            headlights: the vehicles that drive.
        """
        day = weather.daylight.at(t_s)
        clouds = 1 + CLOUD_SHARE * np.sin(t_s / 97.0) * np.sin(t_s / 611.0)
        if day >= 1:
            lit: Any = cv2.convertScaleAbs(picture, alpha=float(clouds))
        else:
            light = self._night * np.float32(1 - day) + np.float32(day * clouds)
            if headlights:
                light += self._headlights(headlights)[..., None] * np.float32((1 - day) * HEADLIGHT_GAIN)
            lit = cv2.multiply(picture, light, dtype=cv2.CV_8U)
        ambient = NIGHT_GROUND + (1 - NIGHT_GROUND) * day
        fog, rain, snow = weather.fog.at(t_s), weather.rain.at(t_s), weather.snowfall.at(t_s)
        if fog > 0:
            lit = _veil(lit, 1 - np.exp(np.log(1 - fog) * self._depths), FOG_GREY * ambient)
        if rain > 0:
            lit = cv2.convertScaleAbs(lit, alpha=1 - 0.3 * rain, beta=35 * rain * ambient)
            lit = _veil(lit, self._layer(self._rain) * np.float32(rain), 225 * ambient)
        if snow > 0:
            lit = cv2.convertScaleAbs(lit, alpha=1 - 0.25 * snow, beta=50 * snow * ambient)
            lit = _veil(lit, self._layer(self._snow) * np.float32(snow), 245 * ambient)
        return np.asarray(lit, np.uint8)

    def expose(self, picture: Bytes, daylight: float, bump: Bump | None) -> Bytes:
        """What the camera sends of it: knocked aside or not, with the sensor's noise, more of it at night."""
        height, width = picture.shape[:2]
        if bump is not None:
            matrix = (
                np.array([[1, 0, 0.15 * width], [0, 1, 0.04 * height]], np.float32)
                if bump == "shifted"
                else cv2.getRotationMatrix2D((width / 2, height / 2), 8, 1.0)
            )
            picture = np.asarray(
                cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8
            )
        noise = self._layer(self._noise)
        if daylight < 0.5:
            noise = noise + self._layer(self._noise)
        return np.asarray(cv2.add(picture, noise, dtype=cv2.CV_8U), np.uint8)

    def _layer(self, layers: Sequence[Any]) -> Any:
        """A part of one of the layers, as large as the picture, from a random place."""
        layer = layers[int(self._rng.integers(len(layers)))]
        width, height = self._camera.size
        top, left = int(self._rng.integers(height)), int(self._rng.integers(width))
        return layer[top : top + height, left : left + width]

    def _streaks(self) -> Singles:
        width, height = self._camera.size
        layer = np.zeros((height, width), np.uint8)
        for _ in range(width * height // 600):
            x, y, length = (int(self._rng.integers(low, high)) for low, high in ((0, width), (0, height), (7, 24)))
            cv2.line(layer, (x, y), (int(x + length * 0.15), y + length), int(self._rng.integers(60, 170)), 1)
        return _twice(np.asarray(cv2.GaussianBlur(layer, (3, 3), 0), np.float32) / np.float32(255))

    def _flakes(self) -> Singles:
        width, height = self._camera.size
        layer = np.zeros((height, width), np.uint8)
        for _ in range(width * height // 700):
            centre = int(self._rng.integers(width)), int(self._rng.integers(height))
            radius = int(self._rng.choice((1, 1, 1, 2, 3)))
            cv2.circle(layer, centre, radius, int(self._rng.integers(90, 240)), -1)
        return _twice(np.asarray(cv2.GaussianBlur(layer, (3, 3), 0), np.float32) / np.float32(255))

    def _headlights(self, poses: Sequence[Pose]) -> Singles:
        """How much light falls before the vehicles, (height, width) 0..1."""
        mask = np.zeros((self._camera.size[1], self._camera.size[0]), np.uint8)
        for pose in poses:
            along = np.array([np.cos(pose.heading), np.sin(pose.heading)])
            across = np.array([-along[1], along[0]])
            front = np.array([pose.x, pose.y]) + 2.1 * along
            tip = front + HEADLIGHT_REACH_M * along
            corners = np.stack([front - 0.9 * across, front + 0.9 * across, tip + 3 * across, tip - 3 * across])
            pixels, depth = self._camera.project(np.column_stack([corners, np.zeros(4)]))
            if depth.min() > 0.5 and np.abs(pixels).max() < 10_000:
                cv2.fillConvexPoly(mask, np.round(pixels).astype(np.int32), 255)
        return np.asarray(cv2.GaussianBlur(mask, (0, 0), 5), np.float32) / np.float32(255)


def _twice(layer: npt.NDArray[Pixel]) -> npt.NDArray[Pixel]:
    """A layer that goes on to the right and below, so that a part from anywhere is as large as it."""
    return np.tile(layer, (2, 2, 1)[: layer.ndim])


def _veil(picture: Any, share: npt.NDArray[Any], grey: float) -> Any:
    """A grey veil that takes a share, (height, width) 0..1, of the picture."""
    kept = np.repeat((1 - share).astype(np.float32)[..., None], 3, axis=2)
    return cv2.add(cv2.multiply(picture, kept, dtype=cv2.CV_32F), (1 - kept) * np.float32(grey), dtype=cv2.CV_8U)


def _ground(camera: Camera) -> npt.NDArray[np.float64]:
    """Where on the ground each pixel looks, (height, width, 2) metres; NaN above the horizon."""
    width, height = camera.size
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    points = np.stack([x, y, np.ones_like(x)], axis=2) @ np.linalg.inv(camera.ground_homography()).T
    ground: npt.NDArray[np.float64] = points[..., :2] / points[..., 2:]
    beyond = camera.project(np.column_stack([np.nan_to_num(ground.reshape(-1, 2)), np.zeros(width * height)]))[1]
    ground[beyond.reshape(height, width) <= 0] = np.nan
    return ground


def _night(ground: npt.NDArray[np.float64], layout: Layout) -> Singles:
    """How bright the lamps make each pixel, (height, width, 3), a little yellow."""
    left, near, right, far = layout.asphalt
    light = np.full(ground.shape[:2], NIGHT_GROUND)
    for x in np.linspace(left + 4, right - 4, 4):
        for y in (near + 2.5, far - 2.5):
            distance = np.nan_to_num(np.hypot(ground[..., 0] - x, ground[..., 1] - y), nan=DEPTH_MAX_M)
            light += LAMP_GAIN * np.exp(-0.5 * (distance / LAMP_REACH_M) ** 2)
    yellow = np.array((0.78, 0.95, 1.0), np.float32)
    return np.asarray(np.minimum(light, 0.8)[..., None] * yellow, np.float32)
