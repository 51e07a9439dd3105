"""Things that stand before spaces (containers, lorries, stalls, other vehicles), drawn or cut out, put into pictures.

What they look like does not matter much, only that they come in all sizes, colours and textures: the heads are to learn
that something is there which hides the ground or the vehicle behind it, not what it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from services.detector.judge.views import Floats

Pixels = npt.NDArray[np.float32]
"""(height, width, 3) BGR, 0..255."""
Mask = npt.NDArray[np.float32]
"""(height, width) 0..1: how much of a pixel a thing covers."""

SIDE_MIN_PX: Final = 8
CUTOUT_SHARE: Final = 0.25
PIECE_SHARE: Final = 0.2
WHEELS_AT: Final = (0.15, 0.3, 0.8)
"""From a lorry's one end to the other."""


def put_thing(
    picture: npt.NDArray[np.uint8],
    quads: Sequence[Floats],
    cutouts: Sequence[tuple[Pixels, Mask]],
    rng: np.random.Generator,
) -> Mask:
    """Put a thing before one of the spaces: it covers the space, most of the time, and ends below it in the picture.

    Args:
        picture: (height, width, 3) BGR; it is changed.
        quads: (4, 2) corners of the spaces, pixels.
        cutouts: vehicles cut out of pictures of the data set, with what of each cutout is the vehicle.
        rng: chooses.

    Returns:
        How much of each pixel of the picture it covers.
    """
    corners = quads[int(rng.integers(len(quads)))]
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    width, height = right - left, bottom - top
    rise = rng.uniform(-0.3, 0.2) if rng.random() < 0.3 else rng.uniform(-0.25, 1.6)
    box_top, box_bottom = top - rise * height, bottom + rng.uniform(0.1, 1.3) * height
    box_width = width * np.exp(rng.uniform(np.log(0.8), np.log(4.5)))
    middle = (left + right) / 2 + rng.uniform(-0.5, 0.5) * max(box_width - width * 0.8, 0.1 * width)
    at = int(middle - box_width / 2), int(box_top)
    size = max(SIDE_MIN_PX, round(box_width)), max(SIDE_MIN_PX, round(box_bottom - box_top))
    if cutouts and rng.random() < CUTOUT_SHARE:
        pixels, mask = (cv2.resize(part, size) for part in cutouts[int(rng.integers(len(cutouts)))])
    else:
        pixels, mask = _surface(size, cutouts, rng), _outline(size, rng)
    mask = np.asarray(cv2.GaussianBlur(np.asarray(mask, np.float32), (0, 0), rng.uniform(0.5, 1.5)), np.float32)
    if rng.random() < 0.4:
        _cast_shadow(picture, at, size, rng)
    return _blend(picture, np.asarray(pixels, np.float32) * np.float32(rng.uniform(0.9, 1.1)), mask, at)


def shade_somewhere(picture: npt.NDArray[np.uint8], quads: Sequence[Floats], rng: np.random.Generator) -> None:
    """A shadow or a patch of sun over some spaces, which hides nothing; the picture is changed."""
    corners = quads[int(rng.integers(len(quads)))]
    points = corners.mean(axis=0) + rng.uniform(-2.5, 2.5, (5, 2)) * np.ptp(corners, axis=0).max()
    gain = rng.uniform(0.3, 0.75) if rng.random() < 0.75 else rng.uniform(1.2, 1.6)
    _shade(picture, np.asarray(cv2.convexHull(points.astype(np.int32))), gain, rng.uniform(0.5, 4))


def cut_out(picture: npt.NDArray[np.uint8], corners: Floats) -> tuple[Pixels, Mask] | None:
    """The vehicle in a space, roughly: what lies in the space and a little round it; None if that is too small."""
    height, width = picture.shape[:2]
    middle = corners.mean(axis=0)
    grown = middle + (corners - middle) * 1.15
    (left, top), (right, bottom) = (
        np.maximum(grown.min(axis=0), 0).astype(int),
        np.minimum(grown.max(axis=0), (width, height)).astype(int),
    )
    if min(right - left, bottom - top) < 12:
        return None
    mask = np.zeros((height, width), np.float32)
    cv2.fillConvexPoly(mask, cv2.convexHull(grown.astype(np.int32)), (1.0,))
    return picture[top:bottom, left:right].astype(np.float32), mask[top:bottom, left:right]


def _surface(size: tuple[int, int], cutouts: Sequence[tuple[Pixels, Mask]], rng: np.random.Generator) -> Pixels:
    """What a thing looks like: (height, width, 3)."""
    width, height = size
    if cutouts and rng.random() < PIECE_SHARE:
        return np.asarray(cv2.resize(cutouts[int(rng.integers(len(cutouts)))][0], size), np.float32)
    made = np.full((height, width, 3), _colour(rng), np.float32)
    if rng.random() < 0.6:  # the light falls on it from one side
        upper, lower = rng.uniform(0.6, 1.1, 2)
        one_side, other_side = rng.uniform(0.75, 1.1, 2)
        made *= np.linspace(upper, lower, height, dtype=np.float32)[:, None, None]
        made *= np.linspace(one_side, other_side, width, dtype=np.float32)[None, :, None]
    if rng.random() < 0.4:
        _add_ribs(made, rng)
    if rng.random() < 0.5:
        lid = made[: int(height * rng.uniform(0.05, 0.4))]
        lid[:] = np.clip(lid * rng.uniform(0.8, 1.5) + rng.uniform(-10, 40), 0, 255)
    if rng.random() < 0.3:
        _either_end(made, int(width * rng.uniform(0.1, 0.5)), rng)[:] *= rng.uniform(0.5, 0.9)
    if rng.random() < 0.3:
        for _ in range(rng.integers(1, 8)):  # letters, doors, windows
            down, across = rng.integers(0, max(1, height - 4)), rng.integers(0, max(1, width - 4))
            tall, wide = rng.integers(2, max(3, height // 4)), rng.integers(2, max(3, width // 4))
            made[down : down + tall, across : across + wide] = _colour(rng)
    if rng.random() < 0.35:
        _make_lorry(made, rng)
    if rng.random() < 0.5:
        made += rng.normal(0, rng.uniform(1, 10), (height, width, 1)).astype(np.float32)
    return np.clip(made, 0, 255)


def _add_ribs(made: Pixels, rng: np.random.Generator) -> None:
    height, width = made.shape[:2]
    gain = rng.uniform(0.7, 1.25)
    if rng.random() < 0.7:
        step = max(3, int(width * rng.uniform(0.02, 0.15)))
        made[:, ::step] *= gain
        made[:, 1::step] *= gain
    else:
        made[:: max(3, int(height * rng.uniform(0.05, 0.3)))] *= gain


def _make_lorry(made: Pixels, rng: np.random.Generator) -> None:
    """Give a box a cab with windows at one end, and wheels."""
    height, width = made.shape[:2]
    long = int(width * rng.uniform(0.15, 0.35))
    cab = _either_end(made, long, rng)
    cab[int(height * rng.uniform(0, 0.35)) :] = _colour(rng)
    cab[int(height * 0.2) : int(height * 0.45), long // 6 : long - long // 6] = rng.uniform(10, 70)
    radius = max(2, int(height * rng.uniform(0.06, 0.12)))
    for at in WHEELS_AT:
        cv2.circle(made, (int(width * at), height - radius), radius, (20, 20, 20), -1)


def _either_end(made: Pixels, long: int, rng: np.random.Generator) -> Pixels:
    return made[:, :long] if rng.random() < 0.5 else made[:, made.shape[1] - long :]


def _outline(size: tuple[int, int], rng: np.random.Generator) -> Mask:
    """A rectangle, one in perspective, or one with round corners."""
    width, height = size
    mask = np.zeros((height, width), np.float32)
    kind = rng.random()
    if kind < 0.45:
        mask[:] = 1
    elif kind < 0.9:
        (a, b), (c, d), (e, f), (g, h) = rng.uniform(0, 0.15, (4, 2)) * (width, height)
        far, near = width - 1, height - 1
        corners = [(a, b), (far - c, d), (far - 0.6 * e, near - f), (0.6 * g, near - h)]
        cv2.fillConvexPoly(mask, np.array(corners, np.int32), (1.0,))
    else:
        radius = int(min(size) * rng.uniform(0.1, 0.4))
        inner = (radius, radius), (width - 1 - radius, height - 1 - radius)
        cv2.rectangle(mask, *inner, (1.0,), 2 * radius + 1)  # OpenCV rounds the corners of a thick line
        cv2.rectangle(mask, *inner, (1.0,), -1)
    return mask


def _cast_shadow(
    picture: npt.NDArray[np.uint8], at: tuple[int, int], size: tuple[int, int], rng: np.random.Generator
) -> None:
    (left, top), (width, height) = at, size
    bottom, right = top + height, left + width
    aside, down = rng.uniform(-0.6, 0.6) * width, rng.uniform(0, 0.25) * height
    foot = [(left, bottom), (right, bottom), (right + aside, bottom + down), (left + aside, bottom + down)]
    _shade(picture, np.array(foot, np.int32), 1 - rng.uniform(0.2, 0.6), 2)


def _shade(picture: npt.NDArray[np.uint8], outline: npt.NDArray[Any], gain: float, softness_px: float) -> None:
    mask = np.zeros(picture.shape[:2], np.float32)
    cv2.fillConvexPoly(mask, outline, (1.0,))
    mask = np.asarray(cv2.GaussianBlur(mask, (0, 0), softness_px), np.float32)
    picture[:] = np.clip(picture * (1 + (gain - 1) * mask[..., None]), 0, 255).astype(np.uint8)


def _blend(picture: npt.NDArray[np.uint8], pixels: Pixels, mask: Mask, at: tuple[int, int]) -> Mask:
    """Lay a thing over a picture; the part of it that is inside."""
    left, top = at
    height, width = mask.shape
    covered = np.zeros(picture.shape[:2], np.float32)
    rows = slice(max(0, top), max(0, top + height))
    columns = slice(max(0, left), max(0, left + width))
    place = picture[rows, columns]
    tall, wide = place.shape[:2]
    down, across = rows.start - top, columns.start - left
    share = mask[down : down + tall, across : across + wide]
    inside = pixels[down : down + tall, across : across + wide]
    place[:] = np.clip(place * (1 - share[..., None]) + inside * share[..., None], 0, 255).astype(np.uint8)
    covered[rows, columns] = share
    return covered


def _colour(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    if rng.random() < 0.5:  # most things are grey, white or dull
        return np.clip(np.full(3, rng.uniform(20, 245)) + rng.normal(0, 8, 3), 0, 255)
    return rng.uniform(10, 245, 3)
