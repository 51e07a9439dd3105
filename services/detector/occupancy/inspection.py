"""A close look at a camera's spaces: tiles of the picture beside the whole of it, at a low floor of confidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import supervision as sv

from libs.common.spaces import ParkingSpace
from services.detector.engines.base import Engine, Picture
from services.detector.occupancy.tiles import Tile, cover_spaces, merge_tiles
from services.detector.settings import DetectorSettings

MAGNIFICATION: Final = 4 / 3
"""How much larger than in the picture a tile is shown to the model: distant cars are found as surely as near ones."""


def plan_tiles(engine: Engine, spaces: Sequence[ParkingSpace], picture_size: tuple[int, int]) -> list[Tile]:
    """Where to look closely.

    Args:
        engine: the detection model; its input decides the tiles' size.
        spaces: to be covered.
        picture_size: (width, height) in pixels.
    """
    width, height = engine.input_size
    return cover_spaces(spaces, picture_size, (round(width / MAGNIFICATION), round(height / MAGNIFICATION)))


def inspect_spaces(
    engine: Engine, picture: Picture, tiles: Sequence[Tile], settings: DetectorSettings
) -> sv.Detections:
    """Find the vehicles in and round the spaces, small and distant ones too.

    Args:
        engine: the detection model.
        picture: the whole picture, (height, width, 3).
        tiles: parts of it to be looked at closely.
        settings: floor of confidence and overlap.

    Returns:
        Each vehicle once, in pixels of the picture.

    Raises:
        EngineError: the model failed.
    """
    whole, *found = engine.detect([picture, *(tile.cut(picture) for tile in tiles)], settings.inspect_confidence)
    return merge_tiles(whole, tiles, found, (picture.shape[1], picture.shape[0]), settings.nms_iou)
