"""Does something stand before a space that is called no vehicle: a container, a tarpaulin, a plain side? Pure.

A vehicle that leaves a space changes the picture where it stood, and leaves pavement. What stands before the space is
nearer to the camera: it covers the space and, lower in the picture, the ground before it, which belongs to no space. So
each picture is compared with what the camera showed until now. Where what has changed covers a space and the ground
before it, in one piece, the ground is not merely lit otherwise, and no vehicle was found there, nothing can be said of
the space.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import supervision as sv

from libs.common.spaces import ParkingSpace
from services.detector.engines.base import Picture
from services.detector.occupancy.hidden import CONFIDENCE_MIN

WIDTH: Final = 480
"""Pictures are compared at this width at most."""
CHANGED: Final = 12.0
"""Grey levels, in the channel that changed most, from which on a pixel shows something else."""
GROUND_HEIGHT: Final = 0.4
"""How far below a space the ground before it goes, as a share of the space's height."""
ROOF_HEIGHT: Final = 0.5
"""How far a vehicle in a space reaches above it in the picture, likewise; that is no ground of another space's."""
GROUND_PIXELS_MIN: Final = 10
"""Less ground than this, as at the picture's border or before another row of spaces, tells nothing."""
GROUND_SHARE: Final = 0.5
"""Least share of the ground before a space that is covered."""
SAME_GROUND: Final = 0.4
"""From this correlation on it is the same ground in another light. Between pictures of one lot that are minutes, hours
and days apart it was 0.5 to 0.99 where shadows moved; where a plain box was drawn, nearly always below 0.35."""
DETAIL_PIXELS: Final = 3.0
"""Light and shade are what changes over more pixels than this."""
SPACE_SHARE: Final = 0.5
"""Least share of the space itself."""
LIGHT_SHARE: Final = 0.2
"""Where more than this of what is no space has changed, the light is another one, and nothing stands anywhere."""
LEARNING_MS: Final = 60_000
"""How fast what the camera shows becomes what it showed until now: 63 % in this time."""
FORGOTTEN_MS: Final = 60_000
"""A picture so much later than the one before it is compared with nothing."""
LASTING_MS: Final = 3_600_000
"""What stands before a space for longer than this belongs to the lot."""

Floats32 = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]


class CoverCheck:
    """What one camera showed until now. Called with its clear pictures in order, by one thread at a time."""

    def __init__(self) -> None:
        """Start without a picture."""
        self._ground: _Ground | None = None
        self._until_now: Floats32 | None = None
        self._since_ms: npt.NDArray[np.int64] | None = None
        self._at_ms = 0

    def look(
        self, picture: Picture, spaces: Sequence[ParkingSpace], vehicles: sv.Detections, at_ms: int
    ) -> frozenset[int]:
        """Take in one picture; the numbers of the spaces that something stands before.

        Args:
            picture: (height, width, 3) BGR.
            spaces: where they are in it.
            vehicles: what was found in it, in its pixels; these are not what is looked for.
            at_ms: when it was captured.
        """
        now = _shrink(picture)
        ground = self._ground
        if ground is None or not ground.is_of(spaces, now.shape):
            ground = self._ground = _Ground(spaces, (now.shape[1], now.shape[0]))
            self._until_now = None
        passed_ms, self._at_ms = at_ms - self._at_ms, at_ms
        if self._until_now is None or not 0 <= passed_ms <= FORGOTTEN_MS:
            self._start(now)
            return frozenset()
        before = self._until_now * _gain(now, self._until_now, ground.is_outside)
        changed = np.abs(now - before).max(axis=2) > CHANGED
        _blank(changed, vehicles, picture.shape[1])
        if np.count_nonzero(changed & ground.is_outside) > LIGHT_SHARE * np.count_nonzero(ground.is_outside):
            self._start(now)
            return frozenset()
        covered, body = ground.covered(changed, before, now)
        self._learn(now, before, body, passed_ms, at_ms)
        return covered

    def forget(self) -> None:
        """Compare with nothing that was before."""
        self._ground = None

    def _start(self, now: Floats32) -> None:
        self._until_now, self._since_ms = now, np.full(now.shape[:2], -1, np.int64)

    def _learn(self, now: Floats32, before: Floats32, body: Mask, passed_ms: int, at_ms: int) -> None:
        """Take the picture into what was shown until now, but for what stands before a space."""
        assert self._since_ms is not None
        self._since_ms[~body] = -1
        self._since_ms[body & (self._since_ms < 0)] = at_ms
        share = np.full(body.shape, 1 - math.exp(-passed_ms / LEARNING_MS), np.float32)
        share[body & (at_ms - self._since_ms < LASTING_MS)] = 0
        self._until_now = before + share[..., None] * (now - before)


class _Ground:
    """The spaces of a camera and the ground before each, in pixels of shrunken pictures."""

    def __init__(self, spaces: Sequence[ParkingSpace], size: tuple[int, int]) -> None:
        self._spaces, self._size = list(spaces), size
        polygons = [np.asarray(space.polygon, float) * size for space in spaces]
        masks = [_fill([polygon], size) for polygon in polygons]
        self._inside = [np.flatnonzero(mask) for mask in masks]
        self.is_outside: Mask = ~np.logical_or.reduce(masks) if masks else np.ones((size[1], size[0]), bool)
        roofs = [_along(polygon, size, -ROOF_HEIGHT) for polygon in polygons]
        is_ground = ~np.logical_or.reduce(roofs) if roofs else self.is_outside
        self._ground = [np.flatnonzero(_along(polygon, size, GROUND_HEIGHT) & is_ground) for polygon in polygons]

    def is_of(self, spaces: Sequence[ParkingSpace], shape: tuple[int, ...]) -> bool:
        """Whether it was made for these spaces and pictures of this shape."""
        return shape[:2] == (self._size[1], self._size[0]) and self._spaces == list(spaces)

    def covered(self, changed: Mask, before: Floats32, now: Floats32) -> tuple[frozenset[int], Mask]:
        """The spaces that one piece of what has changed covers together with the ground before one of them.

        Args:
            changed: (height, width).
            before: (height, width, 3), what was shown until now.
            now: likewise, what is shown now.

        Returns:
            Their numbers; and where these pieces are, (height, width).
        """
        whole = cv2.morphologyEx(changed.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
        _, pieces = cv2.connectedComponents(whole, connectivity=8)
        flat, details = pieces.ravel(), (_detail(before), _detail(now))
        before_space = dict[int, int]()
        for number, ground in enumerate(self._ground):
            if len(ground) >= GROUND_PIXELS_MIN:
                piece, share = _largest(flat[ground])
                under = ground[flat[ground] == piece]
                is_hidden = share >= GROUND_SHARE and _likeness(details[0][under], details[1][under]) < SAME_GROUND
                before_space[number] = piece if is_hidden else 0
        standing = set(before_space.values()) - {0}
        covering = dict[int, int]()
        for number, inside in enumerate(self._inside):
            piece, share = _largest(flat[inside])
            if share >= SPACE_SHARE and piece in standing and before_space.get(number, piece) == piece:
                covering[number] = piece
        return frozenset(covering), np.isin(pieces, list(set(covering.values())))


def _detail(picture: Floats32) -> npt.NDArray[np.float64]:
    """What is left of a picture without its light and shade, flat."""
    grey = picture.mean(axis=2)
    return np.asarray(grey - cv2.GaussianBlur(grey, (0, 0), DETAIL_PIXELS), float).ravel()


def _likeness(before: npt.NDArray[np.float64], now: npt.NDArray[np.float64]) -> float:
    """The correlation of the same pixels then and now."""
    before, now = before - before.mean(), now - now.mean()
    return float(before @ now / max(math.sqrt((before @ before) * (now @ now)), 1e-9))


def _largest(pieces: npt.NDArray[np.int32]) -> tuple[int, float]:
    """The piece that most of these pixels belong to, and their share; 0 is none."""
    counts = np.bincount(pieces[pieces > 0]) if len(pieces) else np.empty(0, int)
    if not len(counts):
        return 0, 0.0
    piece = int(counts.argmax())
    return piece, float(counts[piece] / len(pieces))


def _along(polygon: npt.NDArray[np.float64], size: tuple[int, int], heights: float) -> Mask:
    """A polygon and where it would be if it were drawn lower and lower, by so many of its heights; negative: higher."""
    way = heights * float(np.ptp(polygon[:, 1]))
    steps = max(2, math.ceil(abs(way)) + 1)
    return _fill([polygon + np.array([0, down]) for down in np.linspace(0, way, steps)], size)


def _fill(polygons: Sequence[npt.NDArray[np.float64]], size: tuple[int, int]) -> Mask:
    mask = np.zeros((size[1], size[0]), np.uint8)
    for polygon in polygons:
        corners: Any = np.round(polygon - 0.5).astype(np.int32)
        cv2.fillPoly(mask, [corners], 1)
    return mask.astype(bool)


def _shrink(picture: Picture) -> Floats32:
    height, width = picture.shape[:2]
    if width > WIDTH:
        picture = np.asarray(
            cv2.resize(picture, (WIDTH, max(1, round(height * WIDTH / width))), interpolation=cv2.INTER_AREA), np.uint8
        )
    return np.asarray(cv2.blur(picture, (3, 3)), np.float32)


def _gain(now: Floats32, before: Floats32, is_outside: Mask) -> float:
    """How much brighter the camera shows what it showed before: its exposure follows the light."""
    if not is_outside.any():
        return 1.0
    ratios = (now[is_outside].sum(axis=1) + 1) / (before[is_outside].sum(axis=1) + 1)
    return float(np.clip(np.median(ratios), 0.5, 2.0))


def _blank(changed: Mask, vehicles: sv.Detections, width: int) -> None:
    """Take the vehicles out of what has changed."""
    scale, boxes = changed.shape[1] / width, np.asarray(vehicles.xyxy, float)
    if vehicles.confidence is not None:
        boxes = boxes[vehicles.confidence >= CONFIDENCE_MIN]
    for box in boxes * scale:
        left, top, right, bottom = (max(0, round(side)) for side in box)
        changed[top:bottom, left:right] = False
