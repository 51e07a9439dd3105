"""`python -m bench.detector`: the detector beside its bare engine, what the cores allow, and Ultralytics' way."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from statistics import median

import numpy as np

from bench.detector.neighbour import NeighbourOptions, measure_neighbour, neighbour_table
from bench.detector.peer import UltralyticsLoop, is_installed
from bench.detector.pipeline import detector_at_work
from bench.detector.stages import Stages, measure_engine
from deploy.demo.model.measuring import read_clip
from libs.common import keys
from libs.common.spaces import ParkingSpace
from services.detector.pictures import decode, encode
from services.detector.settings import DEMO_MODEL
from tests.support.real_data import YOLO11N

ASSETS = DEMO_MODEL.parent
FRAMES = slice(250, 290)  # a car drives in and turns
OFFERED = 1.2
"""Frames sent, as a share of what the cores allow: enough, and few are read in vain."""
EVERY_FRAME = {
    "DETECTOR_MOTION_THRESHOLD": "0",
    "DETECTOR_INSPECT_EVERY_S": "0",
    "DETECTOR_UNKNOWN_AFTER_S": "3600",  # cameras are silent between the rounds
}
NOISE = 2.0
"""Standard deviation of a camera's noise, in grey levels of 255."""
LOOKS_S = 21.0
"""Still lots are looked at every few seconds: that many are in the measurement."""
SETTLES_S = 8.0
"""At the start every space is unknown and looked at closely; a still lot must not pay for that."""
ROUND_SETTLES_S = 1.0


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
    parser = argparse.ArgumentParser(prog="python -m bench.detector", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each measurement (default: %(default)s)")
    parser.add_argument("--cameras", type=int, nargs="+", default=[1, 4, 8])
    parser.add_argument("--only", choices=["plain"], help="one part only: plain beside annotated")
    parser.add_argument("--rounds", type=int, default=9, help="of each row, which shows medians (default: %(default)s)")
    parser.add_argument(
        "--neighbour", action="store_true", help="only what a camera of 3840x2160 adds to the latency of one of 640x360"
    )
    parser.add_argument("--watched", action="store_true", help="of --neighbour: somebody watches the large one, too")
    options = parser.parse_args()
    if options.rounds < 1 or options.seconds <= 0:
        parser.error("--rounds and --seconds must be above 0")
    models = [str(YOLO11N)] if (YOLO11N / "yolo11n.xml").is_file() else []
    models.append(str(DEMO_MODEL))
    model = models[0]
    jpegs = [encode(one, 80) for one in islice(read_clip(ASSETS / "north.mp4"), FRAMES.start, FRAMES.stop)]
    jpegs += jpegs[-2:0:-1]  # there and back: nothing jumps where the frames begin again
    noisy = noisy_jpegs(jpegs[0])
    rows = json.loads((ASSETS / "north.spaces.json").read_text("utf-8"))["spaces"]
    spaces = [ParkingSpace.model_validate(row) for row in rows]
    if options.only == "plain":
        _say_plain_beside_annotated(models, jpegs, spaces, options.seconds, options.rounds)
        return 0
    cores = len(os.sched_getaffinity(0))
    if options.neighbour:
        how = NeighbourOptions(options.seconds, options.rounds, watched=options.watched)
        for line in neighbour_table(asyncio.run(measure_neighbour(model, jpegs, spaces, how))):
            say(line)
        return 0
    say(f"model {Path(model).name}, frames of 1280x720, {cores} cores, every frame looked at and drawn")
    stages = Stages(model, jpegs, spaces)
    say(f"bare engine in a loop: {measure_engine(model, jpegs, options.seconds):.1f} frames/s")
    say()
    say("| cameras | the cores allow, frames/s | ours | / allowed | Ultralytics | ours / it | MB |")
    say("|---|---|---|---|---|---|---|")
    costs: list[dict[str, float]] = []
    uses: list[str] = []
    for cameras in options.cameras:
        rounds = asyncio.run(_rounds(stages, model, jpegs, spaces, cameras, options.seconds, options.rounds, costs))
        row = _medians(rounds)
        beside = f"{row['peer']:.1f} | {row['of peer']:.2f}" if "peer" in row else "not installed | "
        ours = f"{row['allowed']:.1f} | {row['fps']:.1f} | {row['of allowed']:.2f}"
        say(f"| {cameras} | {ours} | {beside} | {row['MB']:.0f} |")
        shares = " ".join(f"{one['of allowed']:.2f}" for one in rounds)
        uses.append(f"| {cameras} | {row['cores']:.2f} | {row['feeding']:.2f} | {row['idle']:.2f} | {shares} |")
    say()
    say("| cameras | cores used by the detector | by Redis and the bench | by nobody | / allowed, each round |")
    say("|---|---|---|---|---|")
    for use in uses:
        say(use)
    say()
    alone = ", ".join(f"{name} {1000 * cost:.1f}" for name, cost in _medians(costs).items())
    say(f"stages alone, CPU ms a frame, medians: {alone}")
    say()
    say("| 2 cameras at 10 frames/s | busy, cores | still, cores | / busy | still but noisy, cores | / busy |")
    say("|---|---|---|---|---|---|")
    for watched in (True, False):
        busy, still, with_noise = (
            asyncio.run(_cores_at_ten_frames(model, frames, spaces, watched, max(options.seconds, LOOKS_S)))
            for frames in (jpegs, jpegs[:1], noisy)
        )
        name = "watched" if watched else "not watched"
        beside = f"{with_noise:.3f} | {with_noise / busy:.3f}"
        say(f"| {name} | {busy:.3f} | {still:.3f} | {still / busy:.3f} | {beside} |")
    say()
    _say_plain_beside_annotated(models, jpegs, spaces, options.seconds, options.rounds)
    return 0


def _say_plain_beside_annotated(
    models: Sequence[str], jpegs: Sequence[bytes], spaces: Sequence[ParkingSpace], seconds: float, rounds: int
) -> None:
    """What a busy camera costs that is watched with `plain`, beside one that is watched annotated."""
    say(
        "| 2 busy cameras at 10 frames/s | annotated, CPU ms a frame | plain | plain / annotated, median | each round |"
    )
    say("|---|---|---|---|---|")
    for model in models:
        pairs = asyncio.run(_plain_and_annotated(model, jpegs, spaces, seconds, rounds))
        shares = [plain / annotated for annotated, plain in pairs]
        annotated, plain = (median(column) for column in zip(*pairs, strict=True))
        each = " ".join(f"{share:.2f}" for share in shares)
        say(f"| {Path(model).name} | {annotated:.1f} | {plain:.1f} | {median(shares):.2f} | {each} |")


async def _plain_and_annotated(
    model: str, jpegs: Sequence[bytes], spaces: Sequence[ParkingSpace], seconds: float, rounds: int
) -> list[tuple[float, float]]:
    """CPU ms of a frame of two cameras, watched annotated and watched plain, right after each other in one process."""
    pairs: list[tuple[float, float]] = []
    async with detector_at_work(model, jpegs, spaces, cameras=2, watched=True, environment=EVERY_FRAME) as detector:
        await detector.measure(10, 1, SETTLES_S)
        for _ in range(rounds):
            costs = []
            for channel in (keys.live, keys.plain):
                await detector.watch(channel)
                run = await detector.measure(10, seconds, ROUND_SETTLES_S)
                costs.append(1000 * run.cores / run.fps)
            pairs.append((costs[0], costs[1]))
    return pairs


async def _rounds(
    stages: Stages,
    model: str,
    jpegs: Sequence[bytes],
    spaces: Sequence[ParkingSpace],
    cameras: int,
    seconds: float,
    rounds: int,
    costs: list[dict[str, float]],
) -> list[dict[str, float]]:
    """Stages alone, the detector, stages again, the peer: right beside each other, since machines change their speed.

    Args:
        costs: gets what the stages cost alone, each time.
    """
    cores = len(os.sched_getaffinity(0))
    rows: list[dict[str, float]] = []
    peer = UltralyticsLoop(model, jpegs, cameras) if is_installed() else None
    async with detector_at_work(
        model, jpegs, spaces, cameras=cameras, watched=True, environment=EVERY_FRAME
    ) as detector:
        await detector.measure(10 / cameras, 1, ROUND_SETTLES_S)  # starts, and compiles its model
        before = await stages.measure()
        for _ in range(rounds):
            offered = OFFERED * cores / sum(before.values()) / cameras
            run = await detector.measure(offered, seconds, ROUND_SETTLES_S)
            after = await stages.measure()
            allowed = 2 * cores / (sum(before.values()) + sum(after.values()))
            row = {"allowed": allowed, "fps": run.fps, "of allowed": run.fps / allowed, "MB": run.memory_mb}
            row |= {"cores": run.cores, "feeding": run.feeding_cores, "idle": run.idle_cores}
            if peer is not None:
                fps = peer.measure(seconds)
                row |= {"peer": fps, "of peer": run.fps / fps}
                before = await stages.measure()
            else:
                before = after
            rows.append(row)
            costs.append(after)
    return rows


async def _cores_at_ten_frames(
    model: str, jpegs: Sequence[bytes], spaces: Sequence[ParkingSpace], watched: bool, seconds: float
) -> float:
    """The cores that two cameras at 10 frames a second cost, with the settings that users have."""
    async with detector_at_work(model, jpegs, spaces, cameras=2, watched=watched, environment={}) as detector:
        return (await detector.measure(10, seconds, SETTLES_S)).cores


def _medians(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each column."""
    return {name: median(row[name] for row in rows) for name in rows[0]}


if __name__ == "__main__":
    sys.exit(main())
