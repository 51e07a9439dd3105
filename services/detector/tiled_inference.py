"""Tiled inference: a judge that runs the model on enlarged parts of the picture, to find small and distant vehicles."""

from __future__ import annotations

import supervision as sv

from services.detector.engines.base import Engine, Picture
from services.detector.occupancy.inspection import inspect_spaces, plan_tiles
from services.detector.occupancy.lot import Lot
from services.detector.settings import DetectorSettings


class TiledInference:
    """A `SpaceJudge` that runs the detection model on the whole picture and on tiles around the spaces."""

    def __init__(self, engine: Engine, settings: DetectorSettings) -> None:
        self._engine = engine
        self._settings = settings

    def judge(self, picture: Picture, lot: Lot, detections: sv.Detections) -> sv.Detections:
        """Find the vehicles in and around the spaces; see `SpaceJudge.judge`."""
        tiles = plan_tiles(self._engine, lot.spaces, (picture.shape[1], picture.shape[0]))
        return inspect_spaces(self._engine, picture, tiles, self._settings)
