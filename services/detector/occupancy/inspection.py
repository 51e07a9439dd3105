"""A close look at a camera's spaces: the whole picture and tiles of it, at a low floor of confidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import supervision as sv

from libs.common.spaces import ParkingSpace
from services.detector.engines.base import Engine, Picture
from services.detector.occupancy.tiles import cover_spaces, merge_tiles
from services.detector.settings import DetectorSettings

MAGNIFICATION: Final = 4 / 3
"""How much larger than in the picture a tile is shown to the model: distant cars are found as surely as near ones."""


def inspect_spaces(
    engine: Engine, picture: Picture, spaces: Sequence[ParkingSpace], settings: DetectorSettings
) -> sv.Detections:
    """Find the vehicles in and round the spaces, small and distant ones too.

    Args:
        engine: the detection model.
        picture: the whole picture, (height, width, 3).
        spaces: where to look closely.
        settings: floor of confidence and overlap.

    Returns:
        Each vehicle once, in pixels of the picture.

    Raises:
        EngineError: the model failed.
    """
    size = picture.shape[1], picture.shape[0]
    width, height = engine.input_size
    tiles = cover_spaces(spaces, size, (round(width / MAGNIFICATION), round(height / MAGNIFICATION)))
    whole, *found = engine.detect([picture, *(tile.cut(picture) for tile in tiles)], settings.inspect_confidence)
    return merge_tiles(whole, tiles, found, size, settings.nms_iou)
