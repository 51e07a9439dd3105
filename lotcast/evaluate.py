"""`lotcast evaluate`: how right the detector is about spaces on a labelled data set."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from libs.common.errors import ConfigurationError
from services.detector.engines.loading import load_engine
from services.detector.engines.model_file import check_model
from services.detector.evaluation import PictureResult, evaluate_dataset, load_dataset, summarise
from services.detector.settings import DetectorSettings


def evaluate(
    dataset: Annotated[Path, typer.Option(help="folder with annotations.json and its pictures")],
    model: Annotated[
        str | None, typer.Option(help="detection model: a path, or a name of `lotcast model list` [DETECTOR_MODEL]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one JSON object, for machines")] = False,
) -> None:
    """Judge every space of a labelled data set with the service's own code and compare with the truth."""
    settings = DetectorSettings.from_environment()
    if model is not None:
        check_model(model, "--model", settings.models_folder)
        settings = settings.model_copy(update={"model": model})
    else:
        check_model(settings.model, models_folder=settings.models_folder)
    labelled = load_dataset(dataset)
    if not labelled.images:
        raise ConfigurationError(f"{dataset}: the data set has no pictures")
    engine = load_engine(settings)
    started = time.perf_counter()
    judging = evaluate_dataset(labelled, dataset, engine, settings)
    progress = Console(stderr=True, quiet=as_json)
    results = list(track(judging, "judging", total=len(labelled.images), console=progress, transient=True))
    seconds = time.perf_counter() - started
    summary = summarise(labelled, results)
    if as_json:
        details = {
            "model": engine.description,
            "seconds": round(seconds, 3),
            "images": [asdict(one) for one in results],
        }
        sys.stdout.write(json.dumps({**summary, **details}) + "\n")
        return
    console = Console()
    console.print(_table(results))
    console.print(f"model: {engine.description}, {seconds / len(results) * 1000:.0f} ms a picture")
    console.print(
        f"accuracy {summary['accuracy']:.4f} of {summary['spaces']} spaces ({summary['occupied']} occupied): "
        f"{summary['missed_occupied']} missed, {summary['false_occupied']} false alarms"
    )


def _table(results: list[PictureResult]) -> Table:
    table = Table("picture", "spaces", "missed", "false alarms", box=None, pad_edge=False)
    for result in results:
        table.add_row(
            result.image, str(result.spaces), " ".join(result.missed_occupied), " ".join(result.false_occupied)
        )
    return table
