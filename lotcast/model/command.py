"""`lotcast model`: which detection models there are, fetch one, look at one."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from libs.common.errors import ConfigurationError
from lotcast.model.catalogue import CATALOGUE, catalogue_model
from lotcast.model.store import store_in
from services.detector.engines.model_file import check_model
from services.detector.settings import DetectorSettings

if TYPE_CHECKING:  # what runs models is loaded by the commands that run one
    from services.detector.engines.base import Engine, Picture

app = typer.Typer(
    help="Detection models: which there are, fetch one, look at one.", no_args_is_help=True, add_completion=False
)
Data = Annotated[Path, typer.Option(help="the folder of `lotcast up --data`; models lie in its folder `models`")]
DATA = Path("lotcast-data")
GREEN = (60, 200, 60)


def say(text: str) -> None:
    """Tell a person what happens."""
    sys.stderr.write(text + "\n")


@app.command("list")
def list_models(
    data: Data = DATA, as_json: Annotated[bool, typer.Option("--json", help="print JSON, for machines")] = False
) -> None:
    """List the models that are here and those that can be fetched."""
    store = store_in(data)
    here = store.names()
    rows: list[dict[str, Any]] = []
    for name in [*CATALOGUE, *(one for one in here if one not in CATALOGUE)]:
        model, about = CATALOGUE.get(name), store.about(name)
        rows.append(
            {
                "name": name,
                "is_here": name in here,
                "size_bytes": model.size_bytes if model else None,
                "licence": model.licence if model else None,
                "accuracy": dict(model.accuracy) if model else {},
                "frames_per_s": about.frames_per_s if about else None,
            }
        )
    if as_json:
        sys.stdout.write(json.dumps({"folder": str(store.folder), "models": rows}) + "\n")
        return
    table = Table("model", "here", "size", "licence", "spaces right", "frames/s here", box=None, pad_edge=False)
    for row in rows:
        table.add_row(
            row["name"],
            "yes" if row["is_here"] else "no",
            f"{row['size_bytes'] / 1e6:.1f} MB" if row["size_bytes"] else "-",
            row["licence"] or "-",
            ", ".join(f"{name} {share:.2%}" for name, share in row["accuracy"].items()) or "-",
            f"{row['frames_per_s']:g}" if row["frames_per_s"] else "-",
        )
    Console().print(table)
    say("`lotcast model get NAME` fetches one; `lotcast up --model NAME` uses it")


@app.command()
def get(
    name: Annotated[str, typer.Argument(help="of a model of `lotcast model list`")],
    data: Data = DATA,
    weights: Annotated[
        Path | None, typer.Option(help="of an Ultralytics model: a .pt file that is here, in place of a download")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="fetch it though it is here")] = False,
) -> None:
    """Fetch a model, so that it can be used by its name."""
    from lotcast.model.speed import CAMERAS, measure_speeds
    from services.detector.engines.loading import load_engine

    model = catalogue_model(name)
    store = store_in(data)
    if weights is not None and (model.sha256 is not None or not weights.is_file()):
        raise ConfigurationError(
            f"--weights {weights}: " + ("no such file" if model.sha256 is None else "not for this model")
        )
    if name in store.names() and not again:
        say(f"{name} is here already: {store.folder / name}")
        return
    say(f"{name}: {model.size_bytes / 1e6:.1f} MB, licence {model.licence}")
    folder = store.get(model, None if weights is None else str(weights.resolve()), say)
    settings = DetectorSettings.from_environment().model_copy(update={"model": str(folder)})
    store.remember_speed(name, measure_speeds(load_engine(settings), 0.5)[CAMERAS[0]])
    say(f"{name} is in {folder}; use it with --model {name} or DETECTOR_MODEL={name}")


@app.command()
def check(
    file: Annotated[str, typer.Argument(help="a model: file, folder, or name")],
    picture: Annotated[Path | None, typer.Option(help="a picture in which it should find vehicles")] = None,
    output: Annotated[Path, typer.Option(help="where the picture with what was found is written")] = Path("found.jpg"),
    confidence: Annotated[float, typer.Option(min=0.01, max=0.99, help="least confidence of a vehicle")] = 0.25,
    seconds: Annotated[float, typer.Option(min=0, max=60, help="of each measurement of speed; 0: none")] = 2.0,
    data: Data = DATA,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON, for machines")] = False,
) -> None:
    """Look at a model: what it is, what it counts, how fast it is here. Exit code 0: it can be used; 1: it cannot."""
    from lotcast.model.speed import measure_speeds
    from services.detector.engines.loading import load_engine

    settings = DetectorSettings.from_environment().model_copy(
        update={"model": file, "models_folder": store_in(data).folder}
    )
    shown = None if picture is None else _read_picture(picture)
    check_model(file, "model check", settings.models_folder)
    engine = load_engine(settings)
    told = _describe(engine)
    if seconds:
        told["frames_per_s"] = {str(cameras): round(speed, 1) for cameras, speed in
                                measure_speeds(engine, seconds, shown).items()}  # fmt: skip
    if shown is not None:
        told["found"] = _draw_found(engine, shown, confidence, output)
        told["picture"] = str(output)
    if as_json:
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        _print(told)


def _describe(engine: Engine) -> dict[str, Any]:
    from services.detector.engines.openvino import OpenVinoEngine

    width, height = engine.input_size
    told: dict[str, Any] = {"model": engine.description, "input": f"{width}x{height}", "batch": engine.batch_max}
    if isinstance(engine, OpenVinoEngine):
        told |= {"family": engine.family, "int8": engine.is_int8}
        told |= {"counted": engine.classes.counted, "not_counted": list(engine.classes.not_counted)}
    return told


def _read_picture(file: Path) -> Picture:
    from services.detector.pictures import decode

    try:
        return decode(file.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"--picture {file}: {error.strerror}") from None


def _draw_found(engine: Engine, picture: Picture, confidence: float, output: Path) -> list[dict[str, Any]]:
    import cv2

    found = engine.detect([picture], confidence)[0]
    drawn, vehicles = picture.copy(), []
    names = found.data["class_name"]
    for box, name, score in zip(found.xyxy.tolist(), names, found.confidence.tolist(), strict=True):
        left, top, right, bottom = (round(side) for side in box)
        cv2.rectangle(drawn, (left, top), (right, bottom), GREEN, 2)
        cv2.putText(drawn, f"{name} {score:.2f}", (left, max(12, top - 4)), cv2.FONT_HERSHEY_SIMPLEX, 0.5, GREEN, 1)
        vehicles.append({"class": str(name), "confidence": round(score, 3), "box": [left, top, right, bottom]})
    is_written, data = cv2.imencode(".jpg", drawn)
    try:
        if is_written:
            output.write_bytes(data.tobytes())
    except OSError as error:
        raise ConfigurationError(f"--output {output}: {error.strerror}") from None
    return vehicles


def _print(told: dict[str, Any]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    for key in ("model", "family", "input", "batch"):
        if key in told:
            table.add_row(key, str(told[key]))
    if "int8" in told:
        table.add_row("int8", "yes" if told["int8"] else "no")
        table.add_row("counts", "; ".join(f"{one}: {', '.join(names)}" for one, names in told["counted"].items()))
        table.add_row("counts not", ", ".join(told["not_counted"]) or "nothing else")
    for cameras, speed in told.get("frames_per_s", {}).items():
        table.add_row(f"{cameras} camera{'s' if cameras != '1' else ''}", f"{speed:g} frames/s")
    if "found" in told:
        table.add_row("found", f"{len(told['found'])} vehicles, drawn in {told['picture']}")
    Console().print(table)
