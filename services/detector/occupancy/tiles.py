"""Look closely at the spaces: cut the picture into tiles at its own resolution, and put what is found together. Pure.

A model that sees a 1280-pixel lot scaled to 640 misses distant cars; in tiles of its input's size it does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import supervision as sv

from libs.common.spaces import ParkingSpace
from services.detector.engines.base import Picture

OVERLAP_SHARE: Final = 0.25
"""Least overlap of neighbouring tiles: what is cut by one's border is whole in the other."""

BORDER_PIXELS: Final = 3.0
"""A box that ends this close to a tile's inner border is taken to be cut."""


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a picture, in pixels."""

    left: int
    top: int
    width: int
    height: int

    def cut(self, picture: Picture) -> Picture:
        """The part itself; shares the picture's memory."""
        return picture[self.top : self.top + self.height, self.left : self.left + self.width]


def cover_spaces(
    spaces: Sequence[ParkingSpace], picture_size: tuple[int, int], tile_size: tuple[int, int]
) -> list[Tile]:
    """Tiles that together show every space with its surroundings.

    Args:
        spaces: polygons normalised 0..1.
        picture_size: (width, height) pixels.
        tile_size: (width, height) of the model's input.

    Returns:
        The tiles that show a part of a space; none if the picture is no larger than one tile, or there are no spaces.
    """
    width, height = (min(tile, side) for tile, side in zip(tile_size, picture_size, strict=True))
    if (width, height) == picture_size:
        return []
    boxes = np.array([space.bounds for space in spaces], float).reshape(-1, 4) * (*picture_size, *picture_size)
    tiles = []
    for top in _starts(picture_size[1], height):
        for left in _starts(picture_size[0], width):
            across = (boxes[:, 0] < left + width) & (boxes[:, 0] + boxes[:, 2] > left)
            down = (boxes[:, 1] < top + height) & (boxes[:, 1] + boxes[:, 3] > top)
            if (across & down).any():
                tiles.append(Tile(left, top, width, height))
    return tiles


def _starts(side: int, tile: int) -> list[int]:
    """Evenly spread beginnings of tiles along a side."""
    if tile >= side:
        return [0]
    count = int(np.ceil((side - tile) / (tile * (1 - OVERLAP_SHARE)))) + 1
    return [round(index * (side - tile) / (count - 1)) for index in range(count)]


def merge_tiles(
    whole: sv.Detections,
    tiles: Sequence[Tile],
    found: Sequence[sv.Detections],
    picture_size: tuple[int, int],
    nms_iou: float,
) -> sv.Detections:
    """What was found in the whole picture and in its tiles, each vehicle once.

    Args:
        whole: found in the whole picture, in its pixels.
        tiles: where the tiles lie.
        found: per tile, in the tile's pixels.
        picture_size: (width, height) pixels.
        nms_iou: overlap above which two boxes are one vehicle.
    """
    parts = [whole]
    for tile, detections in zip(tiles, found, strict=True):
        kept: sv.Detections = detections[~_is_cut(detections.xyxy, tile, picture_size)]
        kept.xyxy = kept.xyxy + np.array([tile.left, tile.top] * 2, np.float32)
        parts.append(kept)
    merged: sv.Detections = sv.Detections.merge([part for part in parts if len(part)] or [whole])
    return merged.with_nms(nms_iou, class_agnostic=True) if len(merged) else merged


def _is_cut(xyxy: npt.NDArray[np.floating[Any]], tile: Tile, picture_size: tuple[int, int]) -> npt.NDArray[np.bool_]:
    """Which boxes end at a border of the tile that is not also the picture's."""
    cut = np.zeros(len(xyxy), bool)
    if tile.left > 0:
        cut |= xyxy[:, 0] < BORDER_PIXELS
    if tile.top > 0:
        cut |= xyxy[:, 1] < BORDER_PIXELS
    if tile.left + tile.width < picture_size[0]:
        cut |= xyxy[:, 2] > tile.width - BORDER_PIXELS
    if tile.top + tile.height < picture_size[1]:
        cut |= xyxy[:, 3] > tile.height - BORDER_PIXELS
    return cut
