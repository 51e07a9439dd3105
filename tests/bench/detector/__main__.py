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

import numpy as np

from deploy.demo.model.measuring import read_clip
from libs.common.spaces import ParkingSpace
from services.detector.pictures import decode, encode
from services.detector.settings import DEMO_MODEL
from tests.bench.detector.peer import measure_ultralytics
from tests.bench.detector.pipeline import Run, run_detector
from tests.bench.detector.stages import measure_engine, measure_stages
from tests.support.real_data import YOLO11N

ASSETS = DEMO_MODEL.parent
FRAMES = slice(250, 290)  # a car drives in and turns
OFFERED = 1.1
"""Frames sent, as a share of what the cores allow: enough, and few are read in vain."""
EVERY_FRAME = {"DETECTOR_MOTION_THRESHOLD": "0", "DETECTOR_INSPECT_EVERY_S": "0"}


NOISE = 2.0
"""Standard deviation of a camera's noise, in grey levels of 255."""
LOOKS_S = 21.0
"""Still lots are looked at every few seconds: that many are in the measurement."""


def noisy_jpegs(jpeg: bytes) -> list[bytes]:
    """A lot where nothing moves, as a sensor sees it: no two pictures are the same."""
    picture, random = decode(jpeg), np.random.default_rng(seed=1)
    return [
        encode(np.clip(picture + random.normal(0, NOISE, picture.shape), 0, 255).astype(np.uint8), 80)
        for _ in range(FRAMES.stop - FRAMES.start)
    ]


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
    jpegs += jpegs[-2:0:-1]  # there and back: nothing jumps where the frames begin again
    noisy = noisy_jpegs(jpegs[0])
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
        run = _run(model, jpegs, spaces, cameras, OFFERED * allowed / cameras, options.seconds, True, EVERY_FRAME)
        peer = measure_ultralytics(model, jpegs, cameras, options.seconds)
        beside = f"{peer:.1f} | {run.fps / peer:.2f}" if peer else "not installed | "
        ours = f"{run.fps:.1f} | {run.fps / allowed:.2f}"
        say(f"| {cameras} | {ours} | {beside} | {run.cores:.2f} | {run.memory_mb:.0f} |")
    say()
    say("| 2 cameras at 10 frames/s | busy, cores | still, cores | / busy | still but noisy, cores | / busy |")
    say("|---|---|---|---|---|---|")
    for watched in (True, False):
        busy, still, with_noise = (
            _run(model, frames, spaces, 2, 10, max(options.seconds, LOOKS_S), watched, {}).cores
            for frames in (jpegs, jpegs[:1], noisy)
        )
        name = "watched" if watched else "not watched"
        beside = f"{with_noise:.3f} | {with_noise / busy:.3f}"
        say(f"| {name} | {busy:.3f} | {still:.3f} | {still / busy:.3f} | {beside} |")
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
