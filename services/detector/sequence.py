"""Pictures of one lot played in time: which changes the detector saw, late or never, and which it invented."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from libs.common.errors import ConfigurationError
from libs.common.spaces import OccupancyEvent, ParkingSpace
from services.detector.engines.base import Engine, Picture
from services.detector.evaluation import Dataset, read_picture
from services.detector.judging import SpaceJudge
from services.detector.replay import CameraReplay
from services.detector.sensor_noise import with_noise
from services.detector.settings import DetectorSettings

FRAME_EVERY_MS: Final = 500
LATE_MS: Final = 10_000


class ShownCamera(Protocol):
    """Is shown pictures, and tells changes of state."""

    def show(self, picture: Picture, at_ms: int) -> Sequence[OccupancyEvent]:
        """Show one picture, (height, width, 3) BGR, captured at that time; the changes that it brought."""


@dataclass(slots=True)
class SequenceResult:
    """What became of the changes between the pictures.

    Attributes:
        changes: how many there were in truth.
        right: seen while the picture that brought them was shown.
        late: of those, how many later than ten seconds.
        missed: `picture space` of changes that were not seen.
        invented: `picture space` of events that nothing in truth brought.
        unknown: how often a space became unknown.
        delay_ms: of the changes seen.
    """

    changes: int = 0
    right: int = 0
    late: int = 0
    missed: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    unknown: int = 0
    delay_ms: list[int] = field(default_factory=list)


def play_dataset(
    dataset: Dataset, folder: Path, engine: Engine, judge: SpaceJudge, settings: DetectorSettings, seconds: float
) -> SequenceResult:
    """Show the pictures in their order, each for a while, with a sensor's noise, as a camera of two frames a second.

    Args:
        dataset: pictures of one lot with the same spaces.
        folder: where the pictures are.
        engine: the detection model.
        judge: as the service uses it.
        settings: the detector's.
        seconds: how long each picture is shown.

    Raises:
        ConfigurationError: the pictures do not have the same spaces, or one is missing.
        FrameError: a picture cannot be decoded.
        EngineError: the model failed.
    """
    return show_dataset(
        dataset, folder, CameraReplay(dataset_spaces(dataset, folder), engine, judge, settings), seconds
    )


def dataset_spaces(dataset: Dataset, folder: Path) -> list[ParkingSpace]:
    """The spaces that every picture of a data set shows.

    Raises:
        ConfigurationError: the pictures do not have the same spaces.
    """
    ids = [[space.space_id for space in picture.spaces] for picture in dataset.images]
    if any(one != ids[0] for one in ids):
        raise ConfigurationError(f"{folder}: --sequence wants pictures of one lot, with the same spaces in each")
    return [space.parking_space() for space in dataset.images[0].spaces]


def show_dataset(dataset: Dataset, folder: Path, camera: ShownCamera, seconds: float) -> SequenceResult:
    """Show the pictures to whatever tells changes of state; as `play_dataset`.

    Args:
        dataset: pictures of one lot with the same spaces.
        folder: where the pictures are.
        camera: is shown the pictures.
        seconds: how long each picture is shown.

    Raises:
        ConfigurationError: a picture is missing.
        FrameError: a picture cannot be decoded.
        EngineError: the model failed.
    """
    result, at_ms = SequenceResult(), 0
    before: dict[str, bool] = {}
    for number, picture in enumerate(dataset.images):
        pixels = read_picture(folder / picture.image)
        truth = {space.space_id: space.is_occupied for space in picture.spaces}
        began_ms = at_ms
        seen: dict[str, list[tuple[bool, int]]] = {}
        while at_ms < began_ms + seconds * 1000:
            for event in camera.show(with_noise(pixels, at_ms // FRAME_EVERY_MS), at_ms):
                if event.state == "unknown":
                    result.unknown += 1
                else:
                    seen.setdefault(event.space_id, []).append((event.state == "occupied", at_ms - began_ms))
            at_ms += FRAME_EVERY_MS
        if number:
            _compare(result, picture.image, before, truth, seen)
        else:
            wrong = [one for one, states in seen.items() if states[-1][0] != truth[one]]
            result.invented += [f"{picture.image} {one}" for one in wrong]
        before = truth
    return result


def _compare(
    result: SequenceResult,
    image: str,
    before: dict[str, bool],
    truth: dict[str, bool],
    seen: dict[str, list[tuple[bool, int]]],
) -> None:
    for space, is_occupied in truth.items():
        told = seen.get(space, [])
        if before[space] != is_occupied:
            result.changes += 1
            when = next((ms for state, ms in told if state == is_occupied), None)
            if when is None:
                result.missed.append(f"{image} {space}")
            else:
                result.right += 1
                result.late += when > LATE_MS
                result.delay_ms.append(when)
        result.invented += [f"{image} {space}"] * sum(state != is_occupied for state, _ in told)
