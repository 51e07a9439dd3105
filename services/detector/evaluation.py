"""How right the detector is about spaces: the service's own engine and matching on pictures whose truth is known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, Field, ValidationError

from libs.common.errors import ConfigurationError
from libs.common.spaces import ParkingSpace, Point
from services.detector.engines.base import Engine
from services.detector.occupancy.inspection import inspect_spaces, plan_tiles
from services.detector.occupancy.matching import SpaceMatcher
from services.detector.pictures import decode
from services.detector.settings import DetectorSettings


class LabelledSpace(BaseModel):
    """One space of one picture, with its truth."""

    space_id: str
    polygon: Annotated[list[Point], Field(min_length=3, max_length=32)]
    is_occupied: bool


class LabelledPicture(BaseModel):
    """One picture of a data set: its file beside `annotations.json`, and its spaces."""

    image: str
    spaces: list[LabelledSpace]


class Dataset(BaseModel):
    """The form of `annotations.json`."""

    name: str
    images: list[LabelledPicture]


@dataclass(frozen=True, slots=True)
class PictureResult:
    """What was judged of one picture.

    Attributes:
        image: its file name.
        spaces: how many were judged.
        false_occupied: ids of free spaces judged occupied.
        missed_occupied: ids of occupied spaces judged free.
    """

    image: str
    spaces: int
    false_occupied: list[str]
    missed_occupied: list[str]


def load_dataset(folder: Path) -> Dataset:
    """Read `annotations.json`.

    Raises:
        ConfigurationError: it is not there or not of that form; the text names the field.
    """
    file = folder / "annotations.json"
    try:
        return Dataset.model_validate_json(file.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigurationError(f"{file}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None


def evaluate_dataset(
    dataset: Dataset, folder: Path, engine: Engine, settings: DetectorSettings
) -> Iterator[PictureResult]:
    """Judge every space of every picture, each picture by itself, and compare with the truth.

    Args:
        dataset: pictures and truth.
        folder: where the pictures are.
        engine: the detection model.
        settings: the detector's.

    Raises:
        ConfigurationError: a picture is missing.
        FrameError: a picture cannot be decoded.
        EngineError: the model failed.
    """
    for picture in dataset.images:
        try:
            pixels = decode((folder / picture.image).read_bytes())
        except OSError as error:
            raise ConfigurationError(f"{folder / picture.image}: {error.strerror}") from None
        spaces = [
            ParkingSpace(space_id=space.space_id, space_name=space.space_id, polygon=space.polygon)
            for space in picture.spaces
        ]
        size = pixels.shape[1], pixels.shape[0]
        vehicles = (
            inspect_spaces(engine, pixels, plan_tiles(engine, spaces, size), settings)
            if settings.inspect_every_s
            else engine.detect([pixels], settings.confidence)[0]
        )
        matcher = SpaceMatcher(spaces, size)
        taken = {match.space for match in matcher.match(vehicles.xyxy)}
        yield PictureResult(
            image=picture.image,
            spaces=len(spaces),
            false_occupied=[
                space.space_id
                for number, space in enumerate(picture.spaces)
                if number in taken and not space.is_occupied
            ],
            missed_occupied=[
                space.space_id
                for number, space in enumerate(picture.spaces)
                if number not in taken and space.is_occupied
            ],
        )


def summarise(dataset: Dataset, results: list[PictureResult]) -> dict[str, Any]:
    """The totals: `accuracy` 0..1, `spaces`, `occupied`, `false_occupied`, `missed_occupied`, `pictures`."""
    spaces = sum(result.spaces for result in results)
    false_occupied = sum(len(result.false_occupied) for result in results)
    missed_occupied = sum(len(result.missed_occupied) for result in results)
    return {
        "dataset": dataset.name,
        "pictures": len(results),
        "spaces": spaces,
        "occupied": sum(space.is_occupied for picture in dataset.images for space in picture.spaces),
        "accuracy": (spaces - false_occupied - missed_occupied) / spaces if spaces else None,
        "false_occupied": false_occupied,
        "missed_occupied": missed_occupied,
    }
