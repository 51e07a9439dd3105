"""`python -m bench.truth`: how right Lotcast is about spaces, beside the rules that others use, on the same pictures.

Three tables: single pictures; pictures played in time, with the changes that nothing in truth brought; and scenes in
which nothing comes or leaves. All with one detection model.
"""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import structlog
from rich.console import Console
from rich.progress import track

from bench.truth.clips import play_small_lot, view_rates
from bench.truth.rules import FRIGATE_INERTIA, Rule, RuleCamera, bottom_centre, box_centre, occupied
from libs.common.errors import ConfigurationError
from libs.common.spaces import ParkingSpace
from services.detector.engines.base import Engine
from services.detector.engines.loading import load_engine
from services.detector.evaluation import Dataset, evaluate_dataset, load_dataset, read_picture
from services.detector.judge.loading import load_judge
from services.detector.replay import CameraReplay
from services.detector.sequence import ShownCamera, dataset_spaces, show_dataset
from services.detector.settings import DetectorSettings
from tests.support.real_data import FOLDER
from tests.support.scenes import PKLOT_PICTURES, SCENES, pklot_picture, pklot_scenes, play_scene

MODEL: Final = "models/yolo11n_int8_openvino_model"
SINGLE: Final = ("acpds/valid", "acpds/test", "pklot")
IN_TIME: Final = "pklot"
SHOWN_S: Final = 15.0
console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Errors:
    """Of single pictures: spaces, free ones taken for occupied, and occupied ones taken for free."""

    spaces: int
    false: int
    missed: int

    def __str__(self) -> str:
        right = 1 - (self.false + self.missed) / max(1, self.spaces)
        return f"{right:.4f} ({self.false}, {self.missed})"


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to decide.

    Attributes:
        name: in the tables.
        judge_pictures: errors on a data set's single pictures.
        camera: one that is shown pictures.
    """

    name: str
    judge_pictures: Callable[[Dataset, Path], Errors]
    camera: Callable[[Sequence[ParkingSpace]], ShownCamera]


def by_rule(name: str, engine: Engine, rule: Rule, confidence: float, inertia: int = 1) -> Contender:
    """A rule of somebody else's."""

    def judge_pictures(dataset: Dataset, folder: Path) -> Errors:
        false = missed = spaces = 0
        for picture in track(dataset.images, f"{name}, {folder.name}", console=console, transient=True):
            pixels = read_picture(folder / picture.image)
            vehicles = engine.detect([pixels], confidence)[0]
            outlines = [space.parking_space() for space in picture.spaces]
            found = np.array(occupied(outlines, vehicles, (pixels.shape[1], pixels.shape[0]), rule), bool)
            truth = np.array([space.is_occupied for space in picture.spaces], bool)
            spaces, false, missed = spaces + len(truth), false + (found & ~truth).sum(), missed + (truth & ~found).sum()
        return Errors(spaces, int(false), int(missed))

    return Contender(name, judge_pictures, lambda spaces: RuleCamera(spaces, engine, rule, confidence, inertia))


def by_judge(name: str, engine: Engine, settings: DetectorSettings) -> Contender:
    """Lotcast, with a judge."""
    judge = load_judge(settings, engine)

    def judge_pictures(dataset: Dataset, folder: Path) -> Errors:
        judged = evaluate_dataset(dataset, folder, engine, judge, settings)
        title = f"{name}, {folder.name}"
        results = list(track(judged, title, len(dataset.images), console=console, transient=True))
        return Errors(
            sum(result.spaces for result in results),
            sum(len(result.false_occupied) for result in results),
            sum(len(result.missed_occupied) for result in results),
        )

    return Contender(name, judge_pictures, lambda spaces: CameraReplay(spaces, engine, judge, settings))


def contenders(model: str) -> Iterator[Contender]:
    """All that are compared."""
    settings = DetectorSettings(model=model, workers=1)
    engine = load_engine(settings)
    alone = DetectorSettings(model="demo", judge="network", workers=1)
    yield by_rule("box's centre in the space, as Ultralytics' ParkingManagement", engine, box_centre, 0.25)
    yield by_rule("lower edge's middle in the space, as Frigate's zones", engine, bottom_centre, 0.25, FRIGATE_INERTIA)
    yield by_rule("the same from a score of 0.5, Frigate's default", engine, bottom_centre, 0.5, FRIGATE_INERTIA)
    yield by_judge("Lotcast, heads", engine, settings.model_copy(update={"judge": "heads"}))
    yield by_judge("Lotcast, own network", engine, settings.model_copy(update={"judge": "network"}))
    yield by_judge("Lotcast, own network, without YOLO11n", load_engine(alone), alone)


def single_pictures(ways: Sequence[Contender], data: Path) -> None:
    """Each picture by itself."""
    folders = [data / one for one in SINGLE if (data / one / "annotations.json").is_file()]
    datasets = [load_dataset(folder) for folder in folders]
    counts = [sum(len(picture.spaces) for picture in dataset.images) for dataset in datasets]
    say("Right of all spaces, single pictures (free ones taken for occupied, occupied ones for free)\n")
    titles = [f"{folder.relative_to(data)}, {n:,} spaces" for folder, n in zip(folders, counts, strict=True)]
    say(f"| decides by | {' | '.join(titles)} |")
    say("|---" * (len(folders) + 1) + "|")
    for way in ways:
        cells = [str(way.judge_pictures(one, folder)) for one, folder in zip(datasets, folders, strict=True)]
        say(f"| {way.name} | {' | '.join(cells)} |")


def in_time(ways: Sequence[Contender], data: Path, seconds: float) -> None:
    """The pictures of one lot one after the other."""
    folder = data / IN_TIME
    dataset = load_dataset(folder)
    spaces = dataset_spaces(dataset, folder)
    say(f"\nFour days of {folder.name}, {len(dataset.images)} pictures, each {seconds:g} s at 2 frames/s with noise; ")
    say("and `small_lot.mp4`, 20 s, in which one car leaves: its 5 frames/s\n")
    say(f"| decides by | changes of {folder.name} | seen | late | invented | small lot: right | invented |")
    say("|---|---|---|---|---|---|---|")
    for way in track(ways, "in time", console=console, transient=True):
        one = show_dataset(dataset, folder, way.camera(spaces), seconds)
        clip = play_small_lot(data / "videos/small_lot.mp4", way.camera)
        small = f"{clip.right} of 1 | {clip.invented}" if clip is not None else "- | -"
        say(f"| {way.name} | {one.changes} | {one.right} | {one.late} | {len(one.invented)} | {small} |")


def in_scenes(ways: Sequence[Contender], data: Path, names: Sequence[str]) -> None:
    """Nothing comes, nothing leaves."""
    folder = data / IN_TIME
    scenes = {**SCENES, **pklot_scenes(folder)}
    if names:
        scenes = {name: scenes[name] for name in names}
    say(f"\nChanges invented, and spaces left unknown or not as they should, on {len(PKLOT_PICTURES)} days of PKLot\n")
    say(f"| scene | {' | '.join(way.name for way in ways)} |")
    say("|---" * (len(ways) + 1) + "|")
    for name, scene in scenes.items():
        cells = []
        for way in ways:
            invented, other = 0, 0
            for picture in track(PKLOT_PICTURES, f"{name}: {way.name}", console=console, transient=True):
                labelled, pixels = pklot_picture(picture, folder)
                played = play_scene(way.camera([one.parking_space() for one in labelled.spaces]), pixels, scene)
                faults = played.faults(scene)
                invented += len(played.invented())
                other += len(faults) - len(played.invented())
                if faults and way.name.startswith("Lotcast"):
                    console.print(f"{name}, {picture}, {way.name}: {'; '.join(faults)}")
            cells.append(f"{invented}, {other}" if way.name.startswith("Lotcast") else str(invented))
        say(f"| {name} | {' | '.join(cells)} |")


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.truth", description=__doc__)
    parser.add_argument("--data", type=Path, default=FOLDER, help="folder with acpds, pklot, videos and models")
    parser.add_argument("--model", help=f"a YOLO11n as .xml or .onnx, or its folder (default: {MODEL} of the data)")
    parser.add_argument("--tables", nargs="+", choices=("single", "time", "scenes", "view"), help="(default: all)")
    parser.add_argument("--scenes", nargs="+", default=(), help="only these")
    parser.add_argument("--ways", nargs="+", type=int, help="only these contenders, from 0")
    parser.add_argument("--seconds", type=float, default=SHOWN_S, help="how long each picture is shown")
    options = parser.parse_args(argv)
    data, model = options.data, options.model or str(options.data / MODEL)
    missing = [one for one in (data / IN_TIME / "annotations.json", Path(model)) if not one.exists()]
    if missing:
        parser.error(
            f"{missing[0]} is missing. DATA= (or --data) names a folder with acpds/valid, pklot, videos and models; "
            "each data set has its annotations.json, as `lotcast evaluate` reads it; MODEL= (or --model) is a YOLO11n"
        )
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    tables = options.tables or ("single", "time", "scenes", "view")
    try:
        ways = list(contenders(model))
        ways = [ways[number] for number in options.ways] if options.ways else ways
        if "single" in tables:
            single_pictures(ways, data)
        if "time" in tables:
            in_time(ways, data, options.seconds)
        if "scenes" in tables:
            in_scenes(ways, data, options.scenes)
        if "view" in tables:
            for line in view_rates(data):
                say(line)
    except ConfigurationError as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
