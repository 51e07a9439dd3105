"""How right the detector is about spaces: the service's own judge on pictures whose truth is known."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, Field, ValidationError

from libs.common.errors import ConfigurationError
from libs.common.spaces import ParkingSpace, Point
from services.detector.engines.base import Engine, empty_detections
from services.detector.judging import SpaceJudge
from services.detector.occupancy.belief import SURE
from services.detector.pictures import decode
from services.detector.settings import DetectorSettings

SIZES_PX: Final = (35, 60, 100)
"""Between the size classes of spaces: the square root of the area, in pixels of a picture 2000 wide at most."""
WIDTH_MAX: Final = 2000
CONFIDENCES: Final = (0.5, 0.81, 0.9, 0.97, 1.0)
"""Between the confidence classes: the probability of what was judged."""
CALIBRATION_BINS: Final = 10


class LabelledSpace(BaseModel):
    """One space of one picture, with its truth."""

    space_id: str
    polygon: Annotated[list[Point], Field(min_length=3, max_length=32)]
    is_occupied: bool

    def parking_space(self) -> ParkingSpace:
        """The space without its truth."""
        return ParkingSpace(space_id=self.space_id, space_name=self.space_id, polygon=self.polygon)


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
        false_occupied: ids of free spaces judged occupied (probability 0.5 or more).
        missed_occupied: ids of occupied spaces judged free.
        unknown: ids of spaces that no number of such looks would decide, so that they would stay as they were.
        probabilities: of being occupied, by space id.
    """

    image: str
    spaces: int
    false_occupied: list[str]
    missed_occupied: list[str]
    unknown: list[str]
    probabilities: dict[str, float]


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


def read_picture(file: Path) -> npt.NDArray[np.uint8]:
    """Decode a picture of a data set.

    Raises:
        ConfigurationError: it is missing.
        FrameError: it cannot be decoded.
    """
    try:
        return decode(file.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror}") from None


def evaluate_dataset(
    dataset: Dataset, folder: Path, engine: Engine, judge: SpaceJudge, settings: DetectorSettings
) -> Iterator[PictureResult]:
    """Judge every space of every picture, each picture by itself, and compare with the truth.

    Args:
        dataset: pictures and truth.
        folder: where the pictures are.
        engine: the detection model.
        judge: as the service uses it.
        settings: the detector's.

    Raises:
        ConfigurationError: a picture is missing.
        FrameError: a picture cannot be decoded.
        EngineError: the model failed.
    """
    for picture in dataset.images:
        pixels = read_picture(folder / picture.image)
        spaces = [space.parking_space() for space in picture.spaces]
        vehicles = engine.detect([pixels], settings.track_confidence)[0] if spaces else empty_detections()
        probabilities = judge.judge(pixels, spaces, range(len(spaces)), vehicles).probabilities
        judged = list(zip(picture.spaces, (float(one) for one in probabilities), strict=True))
        yield PictureResult(
            image=picture.image,
            spaces=len(spaces),
            false_occupied=[space.space_id for space, p in judged if p >= 0.5 and not space.is_occupied],
            missed_occupied=[space.space_id for space, p in judged if p < 0.5 and space.is_occupied],
            unknown=[space.space_id for space, p in judged if 1 - SURE < p < SURE],
            probabilities={space.space_id: round(p, 4) for space, p in judged},
        )


def summarise(dataset: Dataset, folder: Path, results: Sequence[PictureResult]) -> dict[str, Any]:
    """The totals.

    Returns:
        `accuracy` 0..1 (every space decided by 0.5), `spaces`, `occupied`, `false_occupied`, `missed_occupied`,
        `pictures`; `unknown`, how many spaces would stay undecided, and `accuracy_decided` without them;
        `calibration_error` 0..1; `by_size` and `by_confidence`, rows of `from`, `to`, `spaces`, `accuracy`.
    """
    pairs = [
        (space, result.probabilities[space.space_id])
        for picture, result in zip(dataset.images, results, strict=True)
        for space in picture.spaces
    ]
    occupied = np.array([space.is_occupied for space, _ in pairs], bool)
    probabilities = np.array([p for _, p in pairs], float)
    right = (probabilities >= 0.5) == occupied
    confidence = np.maximum(probabilities, 1 - probabilities)
    is_decided = confidence >= SURE
    sizes = np.concatenate([_sides(folder / picture.image, picture) for picture in dataset.images])
    false_occupied = sum(len(result.false_occupied) for result in results)
    missed_occupied = sum(len(result.missed_occupied) for result in results)
    return {
        "dataset": dataset.name,
        "pictures": len(results),
        "spaces": len(pairs),
        "occupied": int(occupied.sum()),
        "accuracy": _mean(right),
        "false_occupied": false_occupied,
        "missed_occupied": missed_occupied,
        "unknown": int((~is_decided).sum()),
        "accuracy_decided": _mean(right[is_decided]),
        "calibration_error": _calibration_error(probabilities, occupied),
        "by_size": _rows(sizes, right, (0, *SIZES_PX, np.inf)),
        "by_confidence": _rows(confidence, right, CONFIDENCES),
    }


def _sides(file: Path, picture: LabelledPicture) -> npt.NDArray[np.float64]:
    """Square root of the area of each space in pixels."""
    height, width = read_picture(file).shape[:2]
    scale = min(1.0, WIDTH_MAX / width)
    areas = [_area(np.asarray(space.polygon, float) * (width, height)) for space in picture.spaces]
    sides: npt.NDArray[np.float64] = np.sqrt(np.array(areas, float)) * scale
    return sides


def _area(points: npt.NDArray[np.float64]) -> float:
    after = np.roll(points, -1, axis=0)
    return float(abs((points[:, 0] * after[:, 1] - points[:, 1] * after[:, 0]).sum()) / 2)


def _mean(right: npt.NDArray[np.bool_]) -> float | None:
    return float(right.mean()) if len(right) else None


def _rows(
    values: npt.NDArray[np.float64], right: npt.NDArray[np.bool_], borders: Sequence[float]
) -> list[dict[str, Any]]:
    rows = []
    for low, high in itertools.pairwise(borders):
        inside = (values >= low) & ((values < high) | (high == borders[-1]))
        row = {"from": low, "to": None if np.isinf(high) else high, "spaces": int(inside.sum())}
        rows.append({**row, "accuracy": _mean(right[inside])})
    return rows


def _calibration_error(probabilities: npt.NDArray[np.float64], occupied: npt.NDArray[np.bool_]) -> float:
    """Mean distance between what was said and what is so, over ten classes of probability (Naeini et al., 2015)."""
    bins = np.clip((probabilities * CALIBRATION_BINS).astype(int), 0, CALIBRATION_BINS - 1)
    total = 0.0
    for number in range(CALIBRATION_BINS):
        inside = bins == number
        if inside.any():
            total += abs(float(probabilities[inside].mean() - occupied[inside].mean())) * float(inside.mean())
    return total
