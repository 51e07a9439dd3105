"""`lotcast evaluate`: how right the detector is about spaces on a labelled data set."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from libs.common.errors import ConfigurationError
from services.detector.engines.loading import load_engine
from services.detector.engines.model_file import check_model
from services.detector.evaluation import PictureResult, evaluate_dataset, load_dataset, summarise
from services.detector.judge.loading import load_judge
from services.detector.sequence import SequenceResult, play_dataset
from services.detector.settings import DetectorSettings

JUDGES: Final = ("auto", "heads", "network", "vehicles")


def evaluate(
    dataset: Annotated[Path, typer.Option(help="folder with annotations.json and its pictures")],
    model: Annotated[
        str | None, typer.Option(help="detection model: a path, or a name of `lotcast model list` [DETECTOR_MODEL]")
    ] = None,
    judge: Annotated[
        str | None, typer.Option(help="auto, heads, network or vehicles: what decides [DETECTOR_JUDGE]")
    ] = None,
    sequence: Annotated[
        bool, typer.Option("--sequence", help="play the pictures in time, and count missed, invented and late changes")
    ] = False,
    seconds: Annotated[float, typer.Option(min=1, max=3600, help="how long --sequence shows each picture")] = 15.0,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object, for machines")] = False,
) -> None:
    """Judge every space of a labelled data set with the service's own code and compare with the truth."""
    settings = DetectorSettings.from_environment()
    if model is not None:
        check_model(model, "--model", settings.models_folder)
    else:
        check_model(settings.model, models_folder=settings.models_folder)
    if judge is not None and judge not in JUDGES:
        raise ConfigurationError(f"--judge: one of {', '.join(JUDGES)}; it is {judge!r}")
    changes = {"model": model, "judge": judge}
    settings = settings.model_copy(update={name: value for name, value in changes.items() if value is not None})
    labelled = load_dataset(dataset)
    if not labelled.images:
        raise ConfigurationError(f"{dataset}: the data set has no pictures")
    engine = load_engine(settings)
    judging = load_judge(settings, engine)
    described = {"model": engine.description, "judge": judging.description}
    started = time.perf_counter()
    if sequence:
        played = play_dataset(labelled, dataset, engine, judging, settings, seconds)
        _print_sequence(played, described, as_json=as_json)
        return
    judged = evaluate_dataset(labelled, dataset, engine, judging, settings)
    progress = Console(stderr=True, quiet=as_json)
    results = list(track(judged, "judging", total=len(labelled.images), console=progress, transient=True))
    seconds_taken = time.perf_counter() - started
    summary = summarise(labelled, dataset, results)
    if as_json:
        details = {**described, "seconds": round(seconds_taken, 3), "images": [asdict(one) for one in results]}
        sys.stdout.write(json.dumps({**summary, **details}) + "\n")
        return
    console = Console()
    console.print(_pictures(results))
    for title, rows in (("size, pixels", summary["by_size"]), ("confidence", summary["by_confidence"])):
        console.print(_classes(title, rows))
    console.print(f"model: {engine.description}; judge: {judging.description}")
    console.print(f"{seconds_taken / len(results) * 1000:.0f} ms a picture")
    console.print(
        f"accuracy {summary['accuracy']:.4f} of {summary['spaces']} spaces ({summary['occupied']} occupied): "
        f"{summary['missed_occupied']} missed, {summary['false_occupied']} false alarms"
    )
    console.print(
        f"{summary['unknown']} spaces would stay undecided, {_percent(summary['accuracy_decided'])} of the others are "
        f"right; calibration error {summary['calibration_error']:.3f}"
    )


def _print_sequence(played: SequenceResult, described: dict[str, str], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps({**asdict(played), **described}) + "\n")
        return
    console = Console()
    for title, names in (("missed", played.missed), ("invented", played.invented)):
        for name in names:
            console.print(f"{title}: {name}")
    console.print(f"model: {described['model']}; judge: {described['judge']}")
    console.print(
        f"{played.right} of {played.changes} changes seen, {played.late} of them after ten seconds; "
        f"{len(played.missed)} missed, {len(played.invented)} invented; {played.unknown} times unknown"
    )


def _pictures(results: Iterable[PictureResult]) -> Table:
    table = Table("picture", "spaces", "missed", "false alarms", "undecided", box=None, pad_edge=False)
    for result in results:
        table.add_row(
            result.image,
            str(result.spaces),
            " ".join(result.missed_occupied),
            " ".join(result.false_occupied),
            " ".join(result.unknown),
        )
    return table


def _classes(title: str, rows: Iterable[dict[str, Any]]) -> Table:
    table = Table(title, "spaces", "right", box=None, pad_edge=False)
    for row in rows:
        name = f"{row['from']:g} to {row['to']:g}" if row["to"] is not None else f"{row['from']:g} and more"
        table.add_row(name, str(row["spaces"]), _percent(row["accuracy"]))
    return table


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.2%}"
