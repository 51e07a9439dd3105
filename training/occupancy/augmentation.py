"""Augmented views of a space: another pose of the camera, another light, a worse camera."""

from __future__ import annotations

from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from services.detector.judge.views import (
    POOLED_GROWTH,
    VIEW_PIXELS,
    Floats,
    Pyramid,
    grow,
    to_rectified,
    to_upright,
    transform,
)

CORNER_JITTER: Final = 0.08
"""Of the shorter side: nobody draws a space exactly."""
ROTATION_MAX: Final = 0.22
SCALES: Final = (0.85, 1.2)
SHIFT_MAX: Final = 5.0

View = npt.NDArray[np.uint8]


def augmented_views(
    pyramid: Pyramid, quad: Floats, rng: np.random.Generator | None
) -> tuple[View, View, Floats, Floats]:
    """Upright view, rectified view and the corners in each; as they are without a generator."""
    if rng is None:
        matrices = [to_upright(quad), to_rectified(quad)]
        views = [pyramid.cut(matrix) for matrix in matrices]
        corners = [transform(matrix, grow(quad, POOLED_GROWTH)) for matrix in matrices]
        return views[0], views[1], corners[0], corners[1]
    shorter = np.linalg.norm(np.roll(quad, -1, axis=0) - quad, axis=1).min()
    quad = quad + rng.uniform(-CORNER_JITTER, CORNER_JITTER, (4, 2)) * shorter
    mirrored = rng.random() < 0.5
    look = _camera(rng)
    views, corners = [], []
    for matrix, turn in ((to_upright(quad), 1.0), (to_rectified(quad), 0.5)):
        jittered = _pose(rng, turn, mirrored) @ matrix
        inside = transform(jittered, grow(quad, POOLED_GROWTH))
        corners.append(inside[[1, 0, 3, 2]] if mirrored else inside)
        views.append(_erase(look(pyramid.cut(jittered)), rng))
    return views[0], views[1], corners[0], corners[1]


def _pose(rng: np.random.Generator, turn: float, mirrored: bool) -> Floats:
    angle, scale = rng.uniform(-ROTATION_MAX, ROTATION_MAX) * turn, rng.uniform(*SCALES)
    cosine, sine = np.cos(angle) * scale, np.sin(angle) * scale
    middle = (VIEW_PIXELS - 1) / 2
    back = np.array([[1, 0, middle], [0, 1, middle], [0, 0, 1]])
    back[:2, 2] += rng.uniform(-SHIFT_MAX, SHIFT_MAX, 2)
    there = np.array([[1, 0, -middle], [0, 1, -middle], [0, 0, 1]])
    flip = np.diag([-1.0 if mirrored else 1.0, 1, 1])
    result: Floats = back @ np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]]) @ flip @ there
    return result


def _camera(rng: np.random.Generator) -> Any:
    """A way in which one camera shows things: the same for both views of a space."""
    gain, offset = rng.uniform(0.6, 1.4), rng.uniform(-30, 30)
    gamma = np.exp(rng.uniform(-0.5, 0.5))
    colour = rng.uniform(0.9, 1.1, 3)
    saturation = rng.uniform(0.0, 1.5)
    shrink = rng.uniform(1.5, 4.5) if rng.random() < 0.35 else 1.0
    blur = rng.uniform(0.5, 2.0) if rng.random() < 0.2 else 0.0
    noise = rng.uniform(2, 14) if rng.random() < 0.35 else 0.0
    quality = int(rng.integers(25, 90)) if rng.random() < 0.4 else 0
    fog = rng.uniform(0.2, 0.65) if rng.random() < 0.12 else 0.0
    levels = 255 * (np.clip((np.arange(256.0) * gain + offset) / 255, 0, 1) ** gamma)
    curve = np.clip(levels, 0, 255).astype(np.uint8)

    def show(view: View) -> View:
        picture = cv2.LUT(view, curve)
        if shrink > 1:
            small = max(8, round(VIEW_PIXELS / shrink))
            picture = cv2.resize(picture, (small, small), interpolation=cv2.INTER_AREA)
            picture = cv2.resize(picture, (VIEW_PIXELS, VIEW_PIXELS), interpolation=cv2.INTER_LINEAR)
        if blur:
            picture = cv2.GaussianBlur(picture, (0, 0), blur)
        floats = picture.astype(np.float32)
        grey = floats.mean(axis=2, keepdims=True)
        floats = (grey + (floats - grey) * saturation) * colour
        if fog:
            floats = floats * (1 - fog) + 200 * fog
        if noise:
            floats = floats + rng.normal(0, noise, floats.shape[:2])[..., None]
        picture = np.clip(floats, 0, 255).astype(np.uint8)
        if quality:
            picture = cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)
        return np.asarray(picture, np.uint8)

    return show


def _erase(view: View, rng: np.random.Generator) -> View:
    """Hide a part, as a post or a branch does."""
    if rng.random() < 0.25:
        width, height = rng.integers(10, 40, 2)
        left, top = rng.integers(0, VIEW_PIXELS - width), rng.integers(0, VIEW_PIXELS - height)
        view = view.copy()
        view[top : top + height, left : left + width] = rng.integers(0, 256, 3)
    return view
