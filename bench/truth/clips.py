"""Real videos: a car that leaves a small lot; and how often what passes sets the view check off."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from deploy.demo.model.measuring import read_clip
from libs.common.spaces import OccupancyEvent, ParkingSpace
from services.detector.engines.base import Picture
from services.detector.evaluation import load_dataset, read_picture
from services.detector.sensor_noise import with_noise
from services.detector.sequence import ShownCamera
from services.detector.settings import DetectorSettings
from services.detector.view.check import ViewCheck
from tests.support.scenes import BEFORE_S, LORRIES, PKLOT_PICTURES, SCENES, Scene, pklot_scenes

FRAMES_A_SECOND: Final = 24
EVERY: Final = 5
LEFT: Final = ("1", "free")
"""The one change of the clip."""
LOOK_EVERY_MS: Final = 5000
ORDINARY: Final = ("rain", "a shadow that passes", "snow", "dusk", "headlights at night")
"""What must not set the view check off."""


@dataclass(frozen=True, slots=True)
class ClipResult:
    """Whether the one change was told, and how many others were."""

    right: int
    invented: int


def play_small_lot(clip: Path, camera_of: Callable[[Sequence[ParkingSpace]], ShownCamera]) -> ClipResult | None:
    """Play the clip of a small lot, in which one car leaves; None where it is not there.

    Args:
        clip: the video; its truth lies beside it.
        camera_of: makes a camera of its spaces.
    """
    if not clip.is_file():
        return None
    truth = json.loads(clip.with_suffix(".truth.json").read_text("utf-8"))
    first = set(truth["frames"][0]["occupied"])
    camera = camera_of([ParkingSpace.model_validate(one) for one in truth["spaces"]])
    events: list[OccupancyEvent] = []
    for number, picture in enumerate(read_clip(clip)):
        if number % EVERY == 0:
            events += camera.show(picture, number * 1000 // FRAMES_A_SECOND)
    known = {one["space_id"]: "occupied" if one["space_id"] in first else "free" for one in truth["spaces"]}
    right = invented = 0
    for event in events:
        before, known[event.space_id] = known[event.space_id], event.state
        if event.previous == "unknown" or event.state == before:
            continue
        if (event.space_id, event.state) == LEFT and not right:
            right = 1
        elif event.state != "unknown":
            invented += 1
    return ClipResult(right, invented)


@dataclass(slots=True)
class ViewRate:
    """How often the view was not clear in material that shows the lot.

    Attributes:
        material: what was shown.
        looks: how many pictures were looked at.
        conditions: of those that were not clear.
        covered: looks at which a part of the picture was taken for covered.
    """

    material: str
    looks: int = 0
    conditions: dict[str, int] = field(default_factory=dict)
    covered: int = 0

    def add(self, condition: str, is_covered: bool) -> None:
        """One more look."""
        self.looks += 1
        self.covered += is_covered
        if condition != "clear":
            self.conditions[condition] = self.conditions.get(condition, 0) + 1

    def __str__(self) -> str:
        unclear = ", ".join(f"{name} {count}" for name, count in sorted(self.conditions.items())) or "0"
        return f"| {self.material} | {self.looks} | {unclear} | {self.covered} |"


def view_rate(material: str, shows: Iterable[Iterable[tuple[Picture, int]]]) -> ViewRate:
    """Show pictures to view checks.

    Args:
        material: what they show.
        shows: for each camera its pictures with their times, ms.
    """
    settings, rate = DetectorSettings(), ViewRate(material)
    for pictures in shows:
        check = ViewCheck(round(settings.frozen_after_s * 1000), settings.carry_shift)
        for picture, at_ms in pictures:
            view = check.look(picture, at_ms)
            rate.add(view.condition, bool(view.covered is not None and view.covered.any()))
    return rate


def view_rates(data: Path) -> Iterator[str]:
    """A table of the view check on all real material there is, line by line."""
    yield "\nThe view check on real material in which the lot can be seen: looks that were not clear\n"
    yield "| material | looks | not clear | a part covered |"
    yield "|---|---|---|---|"
    for name, what in (("small_lot", "a car leaves"), ("road", "traffic passes, lorries among it")):
        clip = data / f"videos/{name}.mp4"
        if clip.is_file():
            yield str(view_rate(f"{clip.name}, every frame: {what}", [_clip(clip)]))
    dataset = load_dataset(data / "pklot")
    days = sorted({picture.image[:10] for picture in dataset.images})
    for day in days:
        names = [picture.image for picture in dataset.images if picture.image.startswith(day)]
        yield str(view_rate(f"PKLot {day}, {len(names)} pictures, 15 s each", [_stills(data / "pklot", names)]))
    names = [picture.image for picture in dataset.images]
    scenes = {**SCENES, **pklot_scenes(data / "pklot")}
    for name in (*ORDINARY, *LORRIES):
        played = [_scene(data / "pklot" / picture, scenes[name]) for picture in PKLOT_PICTURES]
        yield str(view_rate(f"{name}, painted into {len(PKLOT_PICTURES)} of these pictures", played))
    yield str(view_rate("PKLot, the four days one after the other", [_stills(data / "pklot", names)]))


def _clip(clip: Path) -> Iterator[tuple[Picture, int]]:
    for number, picture in enumerate(read_clip(clip)):
        yield picture, number * 1000 // FRAMES_A_SECOND


def _scene(file: Path, scene: Scene) -> Iterator[tuple[Picture, int]]:
    picture = read_picture(file)
    for second in range(0, BEFORE_S + scene.seconds, 2):
        shown = picture if second < BEFORE_S else scene.change(picture, second - BEFORE_S)
        yield with_noise(shown, second), second * 1000


def _stills(folder: Path, names: Sequence[str]) -> Iterator[tuple[Picture, int]]:
    at_ms = 0
    for name in names:
        picture = read_picture(folder / name)
        for _ in range(3):
            yield with_noise(picture, at_ms), at_ms
            at_ms += LOOK_EVERY_MS
