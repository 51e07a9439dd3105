"""What may happen before a camera without a vehicle coming or leaving, as a table, and how to play it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

import numpy as np

from libs.common.spaces import OccupancyEvent, SpaceState
from services.detector.engines.base import Picture
from services.detector.evaluation import LabelledPicture, load_dataset, read_picture
from services.detector.sensor_noise import with_noise
from tests.support.disturbances import (
    DISPLACED,
    Disturbance,
    blur,
    cast_shadow,
    container,
    darken,
    fog,
    headlights,
    put,
    rain,
    snowfall,
)
from tests.support.real_data import PKLOT

Change = Callable[[Picture, int], Picture]
"""A picture and the seconds since the scene began to what the camera shows."""
EVERY_S: Final = 2
BEFORE_S: Final = 12
AFTER_S: Final = 14
PKLOT_PICTURES: Final = (
    "2013-02-22_07_15_01.jpg",
    "2013-03-09_11_20_06.jpg",
    "2013-03-19_07_25_01.jpg",
    "2013-04-15_07_15_01.jpg",
)
"""One picture of each of the four days, with free and occupied spaces."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A disturbance.

    Attributes:
        change: what it does to the picture.
        seconds: how long it lasts.
        right: `nothing`: no event at all; `unknown`: every space becomes unknown, and afterwards is what it was.
        every_s: between two frames.
        is_noisy: whether the sensor's noise goes on.
    """

    change: Change
    seconds: int = 30
    right: Literal["nothing", "unknown"] = "nothing"
    every_s: int = EVERY_S
    is_noisy: bool = True


def _always(change: Disturbance) -> Change:
    return lambda picture, _: change(picture)


SCENES: Final[dict[str, Scene]] = {
    "fog of 50 %": Scene(_always(lambda picture: fog(picture, 0.5))),
    "fog of 70 %": Scene(_always(lambda picture: fog(picture, 0.7))),
    "fog of 85 %": Scene(_always(lambda picture: fog(picture, 0.85))),
    "fog of 89 %": Scene(_always(lambda picture: fog(picture, 0.89))),
    "fog that thickens to 89 %": Scene(lambda picture, second: fog(picture, min(0.89, second * 0.03))),
    "rain": Scene(lambda picture, second: rain(picture, 1500, second)),
    "blur of 3 pixels": Scene(_always(lambda picture: blur(picture, 3))),
    "blur of 8 pixels": Scene(_always(lambda picture: blur(picture, 8))),
    "blur of 15 pixels": Scene(_always(lambda picture: blur(picture, 15))),
    "night at a mean of 12": Scene(_always(lambda picture: darken(picture, 12))),
    "a shadow that passes": Scene(lambda picture, second: cast_shadow(picture, -0.2 + second * 0.05)),
    "snow": Scene(lambda picture, second: snowfall(picture, 700, second)),
    "dusk": Scene(lambda picture, second: darken(picture, max(40.0, picture.mean() * (1 - second / 30)))),
    "headlights at night": Scene(lambda picture, second: headlights(picture, 1.1 - second * 0.05)),
    "a bump of 10 s": Scene(
        lambda picture, second: DISPLACED["moved by 15 %"](picture) if second < 10 else picture, seconds=20
    ),
    **{
        name: Scene(lambda picture, _, change=change: change(picture), 60, "unknown", 3)  # type: ignore[misc]
        for name, change in DISPLACED.items()
    },
    "fog of 89 % for six minutes": Scene(_always(lambda picture: fog(picture, 0.89)), 360, "unknown", 10),
    "the same JPEG for five minutes": Scene(lambda picture, _: picture, 300, "unknown", 10, is_noisy=False),
}
"""On any lot."""


LORRIES: Final = ("a lorry before two spaces", "a lorry before one space", "a van over 75 % of a space")
CONTAINERS: Final = ("a container before two spaces", "a white box before a space", "a dark box before a space")
"""No vehicles: the detection model does not find them."""


def pklot_scenes(folder: Path = PKLOT) -> dict[str, Scene]:
    """Things at places of the PKLot camera.

    Args:
        folder: with its pictures; one of them lends the lorry, a large white vehicle.
    """
    lorry = read_picture(folder / PKLOT_PICTURES[0])[398:478, 655:808]

    def scene(thing: Picture, *where: int) -> Scene:
        left, top, right, bottom = where
        return Scene(lambda picture, _: put(picture, thing, (left, top, right, bottom)), 40)

    return {
        LORRIES[0]: scene(lorry, 425, 100, 600, 232),
        LORRIES[1]: scene(lorry, 615, 385, 830, 530),
        LORRIES[2]: scene(lorry, 1062, 360, 1215, 460),
        CONTAINERS[0]: scene(container(), 425, 100, 600, 232),
        CONTAINERS[1]: scene(np.full((60, 100, 3), 235, np.uint8), 615, 385, 830, 530),
        CONTAINERS[2]: scene(np.full((60, 100, 3), (30, 35, 40), np.uint8), 900, 250, 1080, 390),
    }


def pklot_picture(name: str, folder: Path = PKLOT) -> tuple[LabelledPicture, Picture]:
    """A picture of PKLot with its truth."""
    labelled = next(one for one in load_dataset(folder).images if one.image == name)
    return labelled, read_picture(folder / name)


class ScenePlayer(Protocol):
    """Is shown the pictures of a scene, and tells changes of state."""

    def show(self, picture: Picture, at_ms: int) -> Sequence[OccupancyEvent]:
        """Show one picture, (height, width, 3) BGR, captured at that time; the changes that it brought."""


@dataclass(frozen=True, slots=True)
class PlayedScene:
    """What was told of a scene.

    Attributes:
        before: the states when it began.
        events: since then.
    """

    before: Mapping[str, SpaceState]
    events: Sequence[OccupancyEvent]

    def invented(self) -> list[str]:
        """The changes between free and occupied that were told, though nothing came or left."""
        known, found = dict(self.before), []
        for event in self.events:
            if event.state == "unknown":
                continue
            if known.get(event.space_id) != event.state:
                found.append(f"{event.space_id} {event.state} ({event.reason})")
            known[event.space_id] = event.state
        return found

    def became_unknown(self) -> set[str]:
        """The spaces that became unknown."""
        return {event.space_id for event in self.events if event.state == "unknown"}

    def faults(self, scene: Scene) -> list[str]:
        """What is not right; empty if everything is."""
        unknown = self.became_unknown()
        decided = {space for space, state in self.before.items() if state != "unknown"}
        if scene.right == "nothing":
            return self.invented() + [f"{space} unknown" for space in sorted(unknown)]
        return self.invented() + [f"{space} never unknown" for space in sorted(decided - unknown)]


def play_scene(camera: ScenePlayer, picture: Picture, scene: Scene) -> PlayedScene:
    """Show a lot as it is, disturbed, and as it is again.

    Args:
        camera: is shown the pictures, from time 0 on.
        picture: the lot, (height, width, 3) BGR.
        scene: the disturbance.
    """
    before: dict[str, SpaceState] = {}
    events: list[OccupancyEvent] = []
    for second in range(0, BEFORE_S, EVERY_S):
        for event in camera.show(with_noise(picture, second), second * 1000):
            before[event.space_id] = event.state
    ends = BEFORE_S + scene.seconds
    for second in [*range(BEFORE_S, ends, scene.every_s), *range(ends, ends + AFTER_S, EVERY_S)]:
        is_scene = second < ends
        shown = scene.change(picture, second - BEFORE_S) if is_scene else picture
        events += camera.show(with_noise(shown, second) if scene.is_noisy or not is_scene else shown, second * 1000)
    return PlayedScene(before, events)
