"""`python -m deploy.demo.model`: render pictures, train on them, export, and measure."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from deploy.demo.lot.truth import Truth
from deploy.demo.model.measuring import Score, score_clip, score_scenes
from deploy.demo.model.scenes import CLASSES, render_dataset
from deploy.demo.model.training import export, train
from services.detector.engines.loading import load_engine
from services.detector.settings import DEMO_MODEL, DetectorSettings

ASSETS = DEMO_MODEL.parent
WORK = Path("build/demo-model")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m deploy.demo.model", description=__doc__)
    parser.add_argument("--work", type=Path, default=WORK, help="folder for pictures and runs (default: %(default)s)")
    commands = parser.add_subparsers(dest="command", required=True)
    scenes = commands.add_parser("scenes", help="render pictures to train and to measure on")
    scenes.add_argument("--train", type=int, default=3600)
    scenes.add_argument("--val", type=int, default=360)
    scenes.add_argument("--processes", type=int, default=len(os.sched_getaffinity(0)))
    training = commands.add_parser("train", help="train from scratch")
    training.add_argument("--epochs", type=int, default=12)
    exporting = commands.add_parser("export", help="write the ONNX file")
    exporting.add_argument("--weights", type=Path, help="default: those of the last training")
    exporting.add_argument("--onnx", type=Path, default=DEMO_MODEL)
    measure = commands.add_parser("measure", help="precision and recall on unseen pictures and on the clips")
    measure.add_argument("--onnx", type=Path, default=DEMO_MODEL)
    measure.add_argument("--every", type=int, default=1, help="take every n-th frame of the clips")
    options = parser.parse_args(argv)
    dataset, runs = options.work / "scenes", options.work / "runs"
    started = time.monotonic()
    if options.command == "scenes":
        render_dataset(dataset, options.train, options.val, options.processes)
    elif options.command == "train":
        train(dataset / "dataset.yaml", runs, options.epochs)
    elif options.command == "export":
        export(options.weights or runs / "train/weights/last.pt", options.onnx)
    else:
        _measure(options.onnx, dataset, options.every)
    sys.stdout.write(f"{options.command}: {time.monotonic() - started:.0f} s\n")
    return 0


def _measure(onnx: Path, dataset: Path, every: int) -> None:
    engine = load_engine(DetectorSettings(model=str(onnx)))
    rows = [("unseen scenes", score_scenes(engine, dataset, CLASSES))]
    for name in ("north", "south"):
        truth = Truth.load(ASSETS / f"{name}.truth.json")
        rows.append((f"clip {name}", score_clip(engine, ASSETS / f"{name}.mp4", truth, every)))
    sys.stdout.write(
        "| pictures | n | precision | recall | class right | count within 1 |\n|---|---|---|---|---|---|\n"
    )
    for name, score in rows:
        if score.pictures:
            sys.stdout.write(_row(name, score))


def _row(name: str, score: Score) -> str:
    right = score.right_class / max(1, score.found)
    within = score.within_one / score.pictures
    return f"| {name} | {score.pictures} | {score.precision:.4f} | {score.recall:.4f} | {right:.4f} | {within:.4f} |\n"


if __name__ == "__main__":
    sys.exit(main())
