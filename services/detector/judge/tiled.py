"""Tiled inference: a judge that runs the detection model on enlarged parts of the picture, to find distant vehicles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import supervision as sv

from libs.common.spaces import ParkingSpace
from services.detector.engines.base import Engine, Picture
from services.detector.occupancy.inspection import inspect_spaces, plan_tiles
from services.detector.occupancy.matching import SpaceMatcher
from services.detector.settings import DetectorSettings

TAKEN: Final = 0.95
NOT_TAKEN: Final = 0.08
"""How often a space is occupied where a vehicle is found in it, and where none is: on lots never seen a model misses
more vehicles than it invents."""


class TiledInference:
    """A judge that only counts vehicles: what was found in a space, in the whole picture or in tiles, takes it."""

    def __init__(self, engine: Engine, settings: DetectorSettings) -> None:
        self._engine = engine
        self._settings = settings
        self.description = "vehicles found in tiles"

    def judge(
        self, picture: Picture, spaces: Sequence[ParkingSpace], due: Sequence[int], vehicles: sv.Detections
    ) -> npt.NDArray[np.float64]:
        """See `services.detector.judging.SpaceJudge.judge`."""
        size = picture.shape[1], picture.shape[0]
        found = inspect_spaces(
            self._engine, picture, plan_tiles(self._engine, [spaces[number] for number in due], size), self._settings
        )
        probabilities = np.full(len(spaces), NOT_TAKEN)
        for match in SpaceMatcher(spaces, size, self._settings.one_space_each).match(found.xyxy, found.confidence):
            probabilities[match.space] = TAKEN
        return probabilities[list(due)]
