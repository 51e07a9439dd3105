"""`python -m tests.bench.detector`: the detector beside its bare engine, what the cores allow, and Ultralytics' way."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np

from deploy.demo.model.measuring import read_clip
from libs.common.spaces import ParkingSpace
from services.detector.pictures import decode, encode
from services.detector.settings import DEMO_MODEL
from tests.bench.detector.peer import measure_ultralytics
from tests.bench.detector.pipeline import Run, run_detector
from tests.bench.detector.stages import Stages, measure_engine
from tests.support.real_data import YOLO11N

ASSETS = DEMO_MODEL.parent
FRAMES = slice(250, 290)  # a car drives in and turns
OFFERED = 1.2
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
    parser.add_argument("--rounds", type=int, default=3, help="of each row, which shows medians (default: %(default)s)")
    options = parser.parse_args()
    model = str(YOLO11N if (YOLO11N / "yolo11n.xml").is_file() else DEMO_MODEL)
    jpegs = [encode(one, 80) for one in islice(read_clip(ASSETS / "north.mp4"), FRAMES.start, FRAMES.stop)]
    jpegs += jpegs[-2:0:-1]  # there and back: nothing jumps where the frames begin again
    noisy = noisy_jpegs(jpegs[0])
    rows = json.loads((ASSETS / "north.spaces.json").read_text("utf-8"))["spaces"]
    spaces = [ParkingSpace.model_validate(row) for row in rows]
    cores = len(os.sched_getaffinity(0))
    say(f"model {Path(model).name}, frames of 1280x720, {cores} cores, every frame looked at and drawn")
    stages = Stages(model, jpegs, spaces)
    say(f"bare engine in a loop: {measure_engine(model, jpegs, options.seconds):.1f} frames/s")
    say()
    say("| cameras | the cores allow, frames/s | ours | / allowed | Ultralytics | ours / it | cores used | MB |")
    say("|---|---|---|---|---|---|---|---|")
    costs: list[dict[str, float]] = []
    for cameras in options.cameras:
        rounds: list[dict[str, float]] = []
        for _ in range(options.rounds):
            # Shared machines are not always as fast: what is compared is measured right beside each other.
            before = asyncio.run(stages.measure())
            offered = OFFERED * cores / sum(before.values()) / cameras
            run = _run(model, jpegs, spaces, cameras, offered, options.seconds, True, EVERY_FRAME)
            after = asyncio.run(stages.measure())
            peer = measure_ultralytics(model, jpegs, cameras, options.seconds)
            costs += before, after
            allowed = 2 * cores / (sum(before.values()) + sum(after.values()))
            rounds.append({"allowed": allowed, "fps": run.fps, "of allowed": run.fps / allowed, "cores": run.cores})
            rounds[-1] |= {"MB": run.memory_mb} | ({"peer": peer, "of peer": run.fps / peer} if peer else {})
        row = _medians(rounds)
        beside = f"{row['peer']:.1f} | {row['of peer']:.2f}" if "peer" in row else "not installed | "
        ours = f"{row['allowed']:.1f} | {row['fps']:.1f} | {row['of allowed']:.2f}"
        say(f"| {cameras} | {ours} | {beside} | {row['cores']:.2f} | {row['MB']:.0f} |")
    say()
    alone = ", ".join(f"{name} {1000 * cost:.1f}" for name, cost in _medians(costs).items())
    say(f"stages alone, CPU ms a frame, medians: {alone}")
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


def _medians(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each column."""
    return {name: median(row[name] for row in rows) for name in rows[0]}


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
