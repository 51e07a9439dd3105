"""What a detection model finds round the spaces of a data set: the evidence on which the regressions are fitted."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from services.detector.engines.loading import load_engine
from services.detector.evaluation import load_dataset, read_picture
from services.detector.judge.evidence import detector_evidence
from services.detector.judge.fusion import Floats
from services.detector.occupancy.inspection import inspect_spaces, plan_tiles
from services.detector.occupancy.matching import SpaceMatcher
from services.detector.settings import DetectorSettings


def find_evidence(source: Path, file: Path, model: Path) -> dict[str, Floats]:
    """Evidence of every space of a data set, from whole pictures and from tiles; kept in a file.

    Returns:
        (n, 4) by `full_frame` and `tiles`.
    """
    if not file.exists():
        settings = DetectorSettings(model=str(model), workers=1)
        engine = load_engine(settings)
        found: dict[str, list[Floats]] = {"full_frame": [], "tiles": []}
        dataset = load_dataset(source)
        for number, picture in enumerate(dataset.images):
            pixels = read_picture(source / picture.image)
            size = pixels.shape[1], pixels.shape[0]
            spaces = [space.parking_space() for space in picture.spaces]
            matcher, tiles = SpaceMatcher(spaces, size), plan_tiles(engine, spaces, size)
            whole = engine.detect([pixels], settings.track_confidence)[0]
            found["full_frame"].append(detector_evidence(matcher, whole))
            found["tiles"].append(detector_evidence(matcher, inspect_spaces(engine, pixels, tiles, settings)))
            if number % 20 == 0:
                sys.stdout.write(f"{dataset.name}: vehicles in {number} of {len(dataset.images)} pictures\n")
                sys.stdout.flush()
        arrays = {name: np.concatenate(parts) for name, parts in found.items()}
        np.savez(file, full_frame=arrays["full_frame"], tiles=arrays["tiles"])
    with np.load(file) as kept:
        return {name: np.asarray(kept[name], float) for name in ("full_frame", "tiles")}
