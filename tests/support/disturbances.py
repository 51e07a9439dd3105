"""What happens to a camera's picture: weather, light, dirt, bumps. Each takes and gives (height, width, 3) BGR."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import cv2
import numpy as np

from services.detector.engines.base import Picture

Disturbance = Callable[[Picture], Picture]


def fog(picture: Picture, share: float) -> Picture:
    """Fog that takes this share of the contrast."""
    return np.asarray(picture * (1 - share) + 205 * share, np.uint8)


def blur(picture: Picture, sigma_px: float) -> Picture:
    """A lens out of focus, or wet."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma_px), np.uint8)


def darken(picture: Picture, brightness: float) -> Picture:
    """Night: this mean grey, and a sensor's noise."""
    noise = np.random.default_rng(1).normal(0, 3, picture.shape[:2])[..., None]
    return np.asarray(np.clip(picture * (brightness / picture.mean()) + noise, 0, 255), np.uint8)


def rain(picture: Picture, streaks: int, seed: int = 0) -> Picture:
    """Streaks of rain, other ones for each seed."""
    rng = np.random.default_rng(seed)
    height, width = picture.shape[:2]
    layer = np.zeros((height, width), np.uint8)
    for _ in range(streaks):
        x, y, length = int(rng.integers(width)), int(rng.integers(height)), int(rng.integers(15, 50))
        end = int(x + length * 0.15), y + length
        cv2.line(layer, (x, y), end, int(rng.integers(90, 200)), int(rng.integers(1, 3)))
    share = cv2.GaussianBlur(layer, (3, 3), 0)[..., None] / 255.0
    return np.asarray(picture * (1 - share) + 225 * share, np.uint8)


def shift(picture: Picture, right: float, down: float = 0.0) -> Picture:
    """Things go to the right and down by shares of the picture's sides."""
    height, width = picture.shape[:2]
    matrix = np.array([[1, 0, right * width], [0, 1, down * height]], np.float32)
    return np.asarray(cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8)


def turn(picture: Picture, degrees: float) -> Picture:
    """The camera is turned round its axis."""
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return np.asarray(cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8)


def crop(picture: Picture, share: float) -> Picture:
    """The middle of the picture, as large as the whole."""
    height, width = picture.shape[:2]
    top, left = int(height * (1 - share) / 2), int(width * (1 - share) / 2)
    return np.asarray(cv2.resize(picture[top : height - top, left : width - left], (width, height)), np.uint8)


def noise(picture: Picture, seed: int, level: float = 2.0) -> Picture:
    """A sensor's noise, another for each seed."""
    added = np.roll(_noise_field(*picture.shape[:2], level), seed * 7919, axis=(0, 1))
    return np.asarray(cv2.add(picture, added, dtype=cv2.CV_8U), np.uint8)


@lru_cache(maxsize=4)
def _noise_field(height: int, width: int, level: float) -> np.ndarray:
    field = np.random.default_rng(1).normal(0, level, (height, width)).round().astype(np.int16)
    return np.repeat(field[..., None], 3, axis=2)


UNJUDGEABLE: Final[dict[str, Disturbance]] = {
    "fog of 75 %": lambda picture: fog(picture, 0.75),
    "fog of 89 %": lambda picture: fog(picture, 0.89),
    "blur of 8 pixels": lambda picture: blur(picture, 8),
    "blur of 15 pixels": lambda picture: blur(picture, 15),
    "night": lambda picture: darken(picture, 12),
}
"""In these nothing can be said of the spaces."""

DISPLACED: Final[dict[str, Disturbance]] = {
    "moved by 15 %": lambda picture: shift(picture, 0.15),
    "turned by 8 degrees": lambda picture: turn(picture, 8),
    "cropped": lambda picture: crop(picture, 0.8),
}
"""In these the spaces are elsewhere."""
