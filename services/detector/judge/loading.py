"""Choose and load the judge that the settings name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import supervision as sv

from libs.common.errors import EngineError
from libs.common.logging import get_logger
from libs.common.spaces import ParkingSpace
from services.detector.engines.base import Engine, Picture
from services.detector.engines.loading import model_path
from services.detector.judge.judge import MODEL_FILE, HeadsOnTrunk, OccupancyJudge, OwnNetwork, ViewJudge
from services.detector.judge.judgement import Judgement
from services.detector.judge.tiled import NOT_TAKEN, TiledInference
from services.detector.occupancy.hidden import COVERED_MIN
from services.detector.occupancy.inspection import inspect_spaces, plan_tiles
from services.detector.occupancy.matching import SpaceMatcher
from services.detector.settings import DetectorSettings

_log = get_logger("judge")


TILES_MAX: Final = 24
"""Tiles of one look; where the spaces need more, as in a first look at a very large picture, the vehicles that were
found in the whole picture are the evidence."""


class LiveJudge:
    """Judges by both views of a space and, where the detection model knows such pictures, by its vehicles."""

    def __init__(self, judge: OccupancyJudge, engine: Engine | None, settings: DetectorSettings) -> None:
        """Prepare.

        Args:
            judge: the judge of views.
            engine: finds vehicles in tiles; None if what it finds is no evidence.
            settings: of this service.
        """
        self._judge = judge
        self._engine = engine
        self._settings = settings
        self.description = judge.description

    def judge(
        self, picture: Picture, spaces: Sequence[ParkingSpace], due: Sequence[int], vehicles: sv.Detections
    ) -> Judgement:
        """See `services.detector.judging.SpaceJudge.judge`."""
        if self._engine is None:
            return self._judge.judge(picture, spaces, due=due)
        tiles = plan_tiles(self._engine, [spaces[number] for number in due], (picture.shape[1], picture.shape[0]))
        if len(tiles) > TILES_MAX:
            found, source = vehicles, "full_frame"
        else:
            found, source = inspect_spaces(self._engine, picture, tiles, self._settings), "tiles"
        judgement = self._judge.judge(picture, spaces, found, source, due)
        if self._settings.one_space_each:
            size = picture.shape[1], picture.shape[0]
            judgement.probabilities[np.isin(due, taken_by_neighbours(spaces, size, found))] = NOT_TAKEN
        return judgement


def taken_by_neighbours(
    spaces: Sequence[ParkingSpace], picture_size: tuple[int, int], vehicles: sv.Detections
) -> list[int]:
    """The numbers of the spaces that only a vehicle covers which stands in another one.

    Args:
        spaces: of the camera.
        picture_size: (width, height) pixels.
        vehicles: found in the picture.
    """
    matcher = SpaceMatcher(spaces, picture_size)
    matches = matcher.match(vehicles.xyxy, vehicles.confidence)
    if not matches:
        return []
    covered = matcher.covered(vehicles.xyxy)[:, [match.vehicle for match in matches]].max(axis=1)
    own = {match.space for match in matches}
    return [number for number in np.flatnonzero(covered >= COVERED_MIN).tolist() if number not in own]


def load_judge(settings: DetectorSettings, engine: Engine) -> LiveJudge | TiledInference:
    """Load the judge.

    Args:
        settings: of this service.
        engine: the detection model, for a judge that runs it on tiles.

    Raises:
        EngineError: it cannot be loaded; the text says what to do.
    """
    view_judge = load_view_judge(settings)
    if view_judge is None:
        return TiledInference(engine, settings)
    # The demo's model knows nothing but the rendered demo: what it finds elsewhere is no evidence.
    evidence = None if settings.model == "demo" else engine
    return LiveJudge(OccupancyJudge(view_judge), evidence, settings)


def load_view_judge(settings: DetectorSettings) -> ViewJudge | None:
    """The first of the two rungs that fits the settings and the detection model; None if only vehicles count.

    Raises:
        EngineError: the heads are asked for by name and do not fit, or our own files are damaged.
    """
    if settings.judge == "vehicles":
        return None
    if settings.judge == "network":
        return OwnNetwork()
    file = _model_file(settings)
    if file is None:
        if settings.judge == "heads":
            raise EngineError("DETECTOR_JUDGE=heads needs a YOLO11n model as .xml or .onnx in DETECTOR_MODEL")
        return _own_network()
    try:
        return HeadsOnTrunk(file)
    except EngineError as error:
        if settings.judge == "heads":
            raise EngineError(f"DETECTOR_JUDGE=heads does not fit DETECTOR_MODEL: {error}") from error
        _log.info("the heads do not fit this detection model", because=str(error))
        return _own_network()


def _own_network() -> OwnNetwork | None:
    """Our own network, where its weights are there."""
    return OwnNetwork() if MODEL_FILE.exists() else None


def _model_file(settings: DetectorSettings) -> Path | None:
    """The OpenVINO or ONNX file of the detection model, if it is one that may have YOLO11n's trunk."""
    if settings.model == "demo":
        return None
    path = model_path(settings)
    if path.is_dir():
        files = sorted(path.glob("*.xml"))
        return files[0] if len(files) == 1 else None
    return path if path.suffix in (".xml", ".onnx") and path.is_file() else None
