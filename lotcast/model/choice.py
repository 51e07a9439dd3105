"""Which model `lotcast up` runs: the one that is named, one that was fetched, one that it may fetch, or the demo's."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import typer

from lotcast.model.catalogue import CATALOGUE, DEFAULT
from lotcast.model.store import store_in
from services.detector.engines.model_file import check_model
from services.detector.settings import DetectorSettings


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """What the detector is told.

    Attributes:
        environment: its settings.
        notice: a sentence for the user; None if there is nothing to say.
    """

    environment: dict[str, str]
    notice: str | None = None


def choose_model(named: str | None, data: Path) -> ChosenModel:
    """Choose the model for real cameras.

    Args:
        named: `--model`; None without.
        data: folder in which fetched models lie, in `models`.

    Raises:
        EngineError: the one that is named cannot be a model.
        ConfigurationError: the user wanted one to be fetched, and that failed.
    """
    settings = DetectorSettings.from_environment()
    store = store_in(data)
    folder = store.folder
    environment = {"DETECTOR_MODELS_FOLDER": str(folder.resolve())}
    if named is not None:
        check_model(named, "--model", folder)
        path = Path(named).expanduser()
        return ChosenModel({**environment, "DETECTOR_MODEL": str(path.resolve()) if path.exists() else named})
    if "model" in settings.model_fields_set:
        check_model(settings.model, models_folder=folder)
        return ChosenModel(environment)
    here = store.names()
    if not here and _wants_one():
        store.get(CATALOGUE[DEFAULT], None, _say)
        here = [DEFAULT]
    if here:
        notice = f"the model is {here[0]}; `lotcast model list` shows others, --model takes one"
        return ChosenModel({**environment, "DETECTOR_MODEL": here[0]}, notice)
    return ChosenModel(
        environment,
        "the demo's model knows the rendered demo only and finds nothing in real pictures; "
        f"`lotcast model get {DEFAULT}{'' if folder == Path('lotcast-data/models') else f' --data {data}'}` "
        "fetches one that does, and the next `lotcast up` takes it",
    )


def _wants_one() -> bool:
    """Ask on a terminal whether to fetch a model; False where nobody can answer."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    model = CATALOGUE[DEFAULT]
    about = f"{model.size_bytes / 1e6:.1f} MB, {model.licence}"
    return typer.confirm(
        f"There is no model for real cameras yet. Fetch {model.name} ({about})?",
        default=True,
        err=True,
    )


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
