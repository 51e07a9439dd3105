"""`python -m bench.proposals`: proposed spaces against the true ones, on real pictures beside the project."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from bench.proposals.scoring import Score, score
from services.detector.engines.base import Engine
from services.detector.engines.loading import load_engine
from services.detector.evaluation import LabelledPicture, load_dataset, read_picture
from services.detector.proposals.camera_proposals import STANDS_AFTER_SAMPLES, Sample, take_sample
from services.detector.proposals.places import StandingVehicles
from services.detector.proposals.propose import propose
from services.detector.settings import DetectorSettings

SAMPLES = STANDS_AFTER_SAMPLES + 2
EVERY_MS = 5_000
EDGES_WIDTH = 640
"""About what the service's model gets."""
DAY = len("2013-02-22")
"""So many letters of a picture's name are its day."""


def sample_of(engine: Engine, file: Path, confidence: float) -> tuple[Sample, tuple[int, int]]:
    """The vehicles of a picture, as the service notes them, and its (width, height)."""
    picture = read_picture(file)
    size = picture.shape[1], picture.shape[0]
    small = cv2.resize(picture, (EDGES_WIDTH, round(EDGES_WIDTH * size[1] / size[0])), interpolation=cv2.INTER_AREA)
    found = engine.detect([picture], confidence)[0]
    return take_sample(found, np.asarray(small, np.uint8), size, 0), size


def lot_over_days(folder: Path, pictures: Sequence[LabelledPicture], engine: Engine, confidence: float) -> Score:
    """One lot: each picture lasts a minute, one after the other; between two days the lot is empty."""
    vehicles = StandingVehicles(STANDS_AFTER_SAMPLES, STANDS_AFTER_SAMPLES * EVERY_MS)
    size, at_ms, day = (0, 0), 0, pictures[0].image[:DAY]
    for picture in pictures:
        sample, size = sample_of(engine, folder / picture.image, confidence)
        if picture.image[:DAY] != day:
            day = picture.image[:DAY]
            for _ in range(2 * SAMPLES):
                at_ms += EVERY_MS
                vehicles.see(sample.boxes[:0], sample.edges[:0], at_ms)
        for _ in range(SAMPLES):
            at_ms += EVERY_MS
            vehicles.see(sample.boxes, sample.edges, at_ms)
    spaces = pictures[0].spaces
    ever = {one.space_id for picture in pictures for one in picture.spaces if one.is_occupied}
    found = propose(vehicles.places(), size[1] / size[0]).proposals
    shapes = [space.polygon for space in spaces]
    return score([one.polygon for one in found], shapes, [space.space_id in ever for space in spaces], size)


def lots_at_a_glance(folder: Path, pictures: Sequence[LabelledPicture], engine: Engine, confidence: float) -> Score:
    """Many lots, each from one picture."""
    scores = []
    for picture in pictures:
        sample, size = sample_of(engine, folder / picture.image, confidence)
        vehicles = StandingVehicles(1, 0)
        vehicles.see(sample.boxes, sample.edges, 1)
        found = propose(vehicles.places(), size[1] / size[0]).proposals
        shapes = [space.polygon for space in picture.spaces]
        scores.append(score([one.polygon for one in found], shapes, [one.is_occupied for one in picture.spaces], size))
    return Score(
        np.concatenate([one.overlaps for one in scores]),
        np.concatenate([one.occupied for one in scores]),
        sum(one.proposals for one in scores),
    )


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.proposals", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[3] / "shared/data")
    parser.add_argument("--model", default="models/yolo11n_int8_openvino_model", help="in the folder of the data")
    options = parser.parse_args()
    settings = DetectorSettings(model=str(options.data / options.model), workers=1)
    engine = load_engine(settings)
    lines = ["| lot | spaces | ever taken | recall, ever taken | recall, all | mean IoU | proposals a space | s |"]
    lines += ["|---" * 8 + "|"]
    for name, play in (("pklot", lot_over_days), ("acpds/valid", lots_at_a_glance), ("acpds/train", lots_at_a_glance)):
        folder = options.data / name
        started = time.perf_counter()
        one = play(folder, load_dataset(folder).images, engine, settings.track_confidence)
        took_s = time.perf_counter() - started
        spaces = len(one.overlaps)
        numbers = [one.recall(occupied_only=True), one.recall(), one.mean_overlap, one.proposals / spaces]
        cells = [name, spaces, int(one.occupied.sum()), *(f"{number:.3f}" for number in numbers), f"{took_s:.0f}"]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
