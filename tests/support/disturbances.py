"""What happens to a camera's picture: weather, light, dirt, bumps. Each takes and gives (height, width, 3) BGR."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import cv2
import numpy as np

from services.detector.engines.base import Picture

Disturbance = Callable[[Picture], Picture]


def fog(picture: Picture, share: float) -> Picture:
    """Fog that takes this share of the contrast."""
    table = np.asarray(np.arange(256) * (1 - share) + 205 * share, np.uint8)
    return np.asarray(cv2.LUT(picture, table), np.uint8)


def blur(picture: Picture, sigma_px: float) -> Picture:
    """A lens out of focus, or wet."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma_px), np.uint8)


def darken(picture: Picture, brightness: float) -> Picture:
    """Night: this mean grey, and a sensor's noise."""
    noise = _night_noise(*picture.shape[:2])
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
    layer = np.asarray(cv2.GaussianBlur(layer, (3, 3), 0))
    wet, rained = layer > 0, picture.copy()
    share = layer[wet][:, None] / 255.0
    rained[wet] = picture[wet] * (1 - share) + 225 * share
    return rained


def snowfall(picture: Picture, flakes: int, seed: int = 0) -> Picture:
    """Falling flakes, other ones for each seed, and the veil of those further away."""
    rng = np.random.default_rng(seed)
    height, width = picture.shape[:2]
    layer = np.zeros((height, width), np.uint8)
    for _ in range(flakes):
        centre = int(rng.integers(width)), int(rng.integers(height))
        cv2.circle(layer, centre, int(rng.choice((1, 2, 2, 3, 5))), int(rng.integers(120, 250)), -1)
    share = np.maximum(cv2.GaussianBlur(layer, (3, 3), 0)[..., None] / 255.0, 0.25)
    return np.asarray(picture * (1 - share) + 240 * share, np.uint8)


def cast_shadow(picture: Picture, middle: float, width_share: float = 0.3, left: float = 0.5) -> Picture:
    """A cloud's or a building's shadow across the picture.

    Args:
        picture: without it.
        middle: where it lies, as a share of the picture's width; it leans.
        width_share: how wide it is.
        left: what it leaves of the light.
    """
    height, width = picture.shape[:2]
    across = np.arange(width) / width + 0.15 * np.arange(height)[:, None] / height
    inside = 1 / (1 + np.exp((np.abs(across - middle) - width_share / 2) / 0.008))
    return np.asarray(picture * (1 - (1 - left) * inside)[..., None], np.uint8)


def headlights(picture: Picture, where: float, brightness: float = 35) -> Picture:
    """At night: two headlights and the light that they throw to their left.

    Args:
        picture: by day.
        where: the headlights' place, as a share of the picture's width.
        brightness: mean grey of the rest.
    """
    height, width = picture.shape[:2]
    x, y = int(where * width), int(0.62 * height)
    light = np.zeros((height, width), np.float32)
    cv2.ellipse(light, (x - width // 8, y + height // 40), (width // 8, height // 14), 0, 0, 360, 1.0, -1)
    light = cv2.GaussianBlur(light, (0, 0), width / 90)
    lit = darken(picture, brightness) + picture * light[..., None] * 0.8
    for offset in (-0.012, 0.012):
        cv2.circle(lit, (x, int(y + offset * height * 2)), max(2, width // 160), (235, 250, 255), -1)
    return np.asarray(np.clip(lit, 0, 255), np.uint8)


def put(picture: Picture, thing: Picture, where: tuple[int, int, int, int]) -> Picture:
    """The picture with a thing before it.

    Args:
        picture: without it.
        thing: (height, width, 3) BGR; it is resized.
        where: left, top, right, bottom, pixels.
    """
    left, top, right, bottom = where
    resized = cv2.resize(thing, (right - left, bottom - top))
    share = np.zeros((bottom - top, right - left, 1), np.float32)
    margin = (bottom - top) // 12
    share[margin:-margin, margin:-margin] = 1
    share = cv2.GaussianBlur(share, (0, 0), margin / 2)[..., None]
    result = picture.copy()
    result[top:bottom, left:right] = picture[top:bottom, left:right] * (1 - share) + resized * share
    return result


def container() -> Picture:
    """A plain box of sheet metal, which is no vehicle."""
    box = np.full((80, 150, 3), (96, 104, 60), np.uint8)
    box[:, ::10] = (70, 78, 44)
    box[:6] = (120, 128, 84)
    return box


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


def _night_noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(1).normal(0, 3, (height, width))[..., None]


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
