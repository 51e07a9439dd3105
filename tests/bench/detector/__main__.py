"""`python -m tests.bench.detector`: the detector beside its bare engine, what the cores allow, and Ultralytics' way."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from itertools import islice
from pathlib import Path

from deploy.demo.model.measuring import read_clip
from libs.common.spaces import ParkingSpace
from services.detector.pictures import encode
from services.detector.settings import DEMO_MODEL
from tests.bench.detector.peer import measure_ultralytics
from tests.bench.detector.pipeline import Run, run_detector
from tests.bench.detector.stages import measure_engine, measure_stages
from tests.support.real_data import YOLO11N

ASSETS = DEMO_MODEL.parent
FRAMES = slice(250, 290)  # a car drives in and turns
EVERY_FRAME = {"DETECTOR_MOTION_THRESHOLD": "0", "DETECTOR_INSPECT_EVERY_S": "0"}


def say(text: str = "") -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.detector", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement (default: %(default)s)")
    parser.add_argument("--cameras", type=int, nargs="+", default=[1, 4, 8])
    options = parser.parse_args()
    model = str(YOLO11N if (YOLO11N / "yolo11n.xml").is_file() else DEMO_MODEL)
    jpegs = [encode(one, 80) for one in islice(read_clip(ASSETS / "north.mp4"), FRAMES.start, FRAMES.stop)]
    rows = json.loads((ASSETS / "north.spaces.json").read_text("utf-8"))["spaces"]
    spaces = [ParkingSpace.model_validate(row) for row in rows]
    cores = len(os.sched_getaffinity(0))
    say(f"model {Path(model).name}, frames of 1280x720, {cores} cores, every frame looked at and drawn")
    stages = measure_stages(model, jpegs, spaces)
    allowed = cores / sum(stages.values())
    shown = ", ".join(f"{name} {cost * 1000:.1f}" for name, cost in stages.items())
    say(f"stages alone, CPU ms a frame: {shown}")
    bare = measure_engine(model, jpegs, options.seconds)
    say(f"what the cores allow: {allowed:.1f} frames/s; bare engine: {bare:.1f}")
    say()
    say("| cameras | ours, frames/s | of what the cores allow | Ultralytics | ours / Ultralytics | cores used | MB |")
    say("|---|---|---|---|---|---|---|")
    for cameras in options.cameras:
        run = _run(model, jpegs, spaces, cameras, 1.3 * allowed / cameras, options.seconds, True, EVERY_FRAME)
        peer = measure_ultralytics(model, jpegs, cameras, options.seconds)
        beside = f"{peer:.1f} | {run.fps / peer:.2f}" if peer else "not installed | "
        ours = f"{run.fps:.1f} | {run.fps / allowed:.2f}"
        say(f"| {cameras} | {ours} | {beside} | {run.cores:.2f} | {run.memory_mb:.0f} |")
    say()
    say("| 2 cameras at 10 frames/s | busy, cores | still, cores | still / busy |")
    say("|---|---|---|---|")
    for watched in (True, False):
        busy, still = (
            _run(model, frames, spaces, 2, 10, options.seconds, watched, {}) for frames in (jpegs, jpegs[:1])
        )
        name = "watched" if watched else "not watched"
        say(f"| {name} | {busy.cores:.3f} | {still.cores:.3f} | {still.cores / busy.cores:.3f} |")
    return 0


def _run(
    model: str,
    jpegs: list[bytes],
    spaces: list[ParkingSpace],
    cameras: int,
    fps: float,
    seconds: float,
    watched: bool,
    environment: dict[str, str],
) -> Run:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(
            run_detector(
                Path(folder), model, jpegs, spaces, cameras=cameras, camera_fps=fps, seconds=seconds, watched=watched,
                environment=environment,
            )
        )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
