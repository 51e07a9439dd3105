"""A rendered lot over a day: the picture at any second, what drives, and the truth of every space."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

from bench.day.plan import APART_S, Bump, Lorry, Plan, Span
from bench.day.weather import WeatherPainter
from deploy.demo.lot.__main__ import describe_spaces
from deploy.demo.lot.clips import FPS, Clip, Script, build_stage, contains
from deploy.demo.lot.drawing import Bytes, Sun
from deploy.demo.lot.driving import AISLE_SPEED, Pose
from deploy.demo.lot.ground import noise
from deploy.demo.lot.scene import SceneComposer
from deploy.demo.lot.vehicles import Shape, Vehicle, build_vehicle
from libs.common.spaces import ParkingSpace

SIZE: Final = (640, 360)
"""Of the camera's picture, pixels: half of the clips', for the model scales either to 512x288."""
SLOW_EVERY_S: Final = 5.0
BEFORE_S, AFTER_S = 1.0, 10.0
"""For how long frames come quickly before and after a vehicle drives."""
BUMP_S: Final = 10.0
LORRY: Final = Shape(
    "truck", 8.4, 2.5, 3.3, ((0, 0.36), (0.9, 0.36), (0.97, 0.34), (1, 0.3)),
    ((0, 0.97), (0.01, 1.0), (0.74, 1.0), (0.76, 0.9), (0.93, 0.86), (0.98, 0.5), (1, 0.34)),
    5.0, tuple(0.04 * step for step in range(19)), 0.48,
)  # fmt: skip
"""A box body behind a cab."""
LORRY_NUMBER: Final = 100_000
COMPOSERS_MAX: Final = 3
SNOW: Final = np.array((244.0, 240.0, 238.0))


@dataclass(frozen=True, slots=True)
class Change:
    """A vehicle's middle comes into a space, or leaves it.

    Attributes:
        at_s: seconds since the beginning.
    """

    at_s: float
    space: str
    is_occupied: bool


@dataclass(frozen=True, slots=True)
class StageKey:
    """What the ground and the sun look like; equal keys look alike."""

    sun_hour: float
    strength: float
    snow_cover: float


class LotDay:
    """One lot and its day.

    Attributes:
        plan: of the day.
        spaces: of the lot, as the detector knows them.
        at_first: which spaces are occupied at the beginning.
        changes: all of the day, in order.
    """

    def __init__(self, script: Script, plan: Plan) -> None:
        """Put the plan's vehicles into the lot of a clip's script."""
        self.plan = plan
        self._clip = Clip(_script(script, plan))
        self._painter = WeatherPainter(self._clip.script.camera, script.layout, script.seed)
        self._grain = noise(np.random.default_rng(script.seed), (SIZE[1], SIZE[0]), 6)[..., None]
        self._lorry = build_vehicle(LORRY, (214, 216, 216))
        self._composers: dict[StageKey, SceneComposer] = {}
        self._composed: dict[StageKey, tuple[list[tuple[int, Pose]], Bytes]] = {}
        self.spaces = [ParkingSpace.model_validate(one) for one in describe_spaces(self._clip)["spaces"]]
        self.at_first = {stay.space for stay in plan.stays if stay.from_s is None}
        self.changes = sorted(self._changes(), key=lambda change: change.at_s)
        self._quick = _merged(list(self._quick_spans()))

    def times(self) -> Iterator[float]:
        """When the camera sends a frame, seconds: seldom, and often round a change."""
        at_s, spans = 0.0, iter([*self._quick, (self.plan.seconds, self.plan.seconds)])
        start, end = next(spans)
        while at_s < self.plan.seconds:
            yield at_s
            while at_s >= end and end < self.plan.seconds:
                start, end = next(spans)
            at_s = at_s + self.plan.quick_every_s if at_s >= start else min(at_s + SLOW_EVERY_S, start)

    def picture(self, t_s: float) -> Bytes:
        """What the camera sends at that second, (360, 640, 3) BGR."""
        frame = round(t_s * FPS)
        vehicles = [
            (number, actor.vehicle, pose)
            for number, actor in enumerate(self._clip.actors)
            if (pose := self._clip.pose(number, frame)) is not None
        ]
        driving = [pose for number, _, pose in vehicles if self._clip.pose(number, frame - 2) not in (None, pose)]
        for number, lorry in enumerate(self.plan.lorries):
            pose = self._lorry_pose(lorry, t_s)
            if pose is not None:
                vehicles.append((LORRY_NUMBER + number, self._lorry, pose))
                driving.append(pose)
        sunny = self._sunny(t_s, vehicles)
        weather = self.plan.weather
        painted = self._painter.paint(sunny, weather, t_s, driving)
        return self._painter.expose(painted, weather.daylight.at(t_s), self._bump(t_s))

    def occupied(self, t_s: float) -> set[str]:
        """The spaces that are occupied at that second, in truth."""
        spaces = set(self.at_first)
        for change in self.changes:
            if change.at_s <= t_s:
                (spaces.add if change.is_occupied else spaces.discard)(change.space)
        return spaces

    def what_happens(self, t_s: float) -> str:
        """In a word or two, for tables."""
        weather = self.plan.weather
        if self._bump(t_s) is not None:
            return "bump"
        if any(lorry.at_s <= t_s <= lorry.at_s + self._lorry_s(lorry) for lorry in self.plan.lorries):
            return "lorry"
        for name, track, level in (
            ("thick fog", weather.fog, 0.6),
            ("fog", weather.fog, 0.05),
            ("rain", weather.rain, 0.05),
            ("snowfall", weather.snowfall, 0.05),
        ):
            if track.at(t_s) > level:
                return name
        day = weather.daylight.at(t_s)
        if 0 < day < 0.9:
            return "dusk and dawn"
        if day == 0:
            return "night"
        return "snow on the ground" if weather.snow_cover.at(t_s) > 0.1 else "clear day"

    def _sunny(self, t_s: float, vehicles: list[tuple[int, Vehicle, Pose]]) -> Bytes:
        """The lot without weather; shadows and snow pass from one stage into the next."""
        every_s = self.plan.stage_every_s
        share = t_s / every_s % 1
        first, second = (self._key(every_s * (t_s // every_s + step)) for step in (0, 1))
        picture = self._compose(first, vehicles)
        if first == second or share < 0.01:
            return picture
        return np.asarray(cv2.addWeighted(picture, 1 - share, self._compose(second, vehicles), share, 0), np.uint8)

    def _key(self, t_s: float) -> StageKey:
        weather = self.plan.weather
        day = weather.daylight.at(t_s)
        hour = weather.sun_hour.at(t_s) if day > 0.05 else 24.0
        return StageKey(round(hour, 2), round(0.5 * day, 2), round(weather.snow_cover.at(t_s), 2))

    def _compose(self, key: StageKey, vehicles: list[tuple[int, Vehicle, Pose]]) -> Bytes:
        where = [(number, pose) for number, _, pose in vehicles]
        before = self._composed.get(key)
        if before is not None and before[0] == where:
            return before[1]
        if key not in self._composers:
            while len(self._composers) >= COMPOSERS_MAX:
                oldest = next(iter(self._composers))
                del self._composers[oldest]
                self._composed.pop(oldest, None)
            self._composers[key] = self._composer(key)
        picture, _ = self._composers[key].compose(vehicles, 1.06)
        self._composed[key] = where, picture
        return picture

    def _composer(self, key: StageKey) -> SceneComposer:
        script = replace(self._clip.script, sun=_sun(key))
        cover = np.clip(key.snow_cover * (0.84 + 0.05 * self._grain), 0, 0.92)
        ground = self._clip.ground * (1 - cover) + SNOW * cover
        return SceneComposer(build_stage(script, np.asarray(np.clip(ground, 0, 255), np.uint8)))

    def _bump(self, t_s: float) -> Bump | None:
        return next((how for at_s, how in self.plan.bumps if at_s <= t_s < at_s + BUMP_S), None)

    def _lorry_s(self, lorry: Lorry) -> float:
        left, _, right, _ = self._clip.script.layout.asphalt
        return (right - left + 30) / AISLE_SPEED + lorry.stands_s

    def _lorry_pose(self, lorry: Lorry, t_s: float) -> Pose | None:
        layout = self._clip.script.layout
        left, _, right, _ = layout.asphalt
        rolled_s = t_s - lorry.at_s
        stop_x = left + lorry.share * (right - left)
        to_stop_s = (stop_x - left + 15) / AISLE_SPEED
        if rolled_s > to_stop_s:
            rolled_s = max(to_stop_s, rolled_s - lorry.stands_s)
        x = left - 15 + rolled_s * AISLE_SPEED
        return Pose(x, layout.aisles[0].y, 0.0) if rolled_s >= 0 and x <= right + 15 else None

    def _changes(self) -> Iterator[Change]:
        for number, move, path in self._clip.drives():
            space = self._clip.actors[number].space
            if space is None or move.start_frame >= self.plan.seconds * FPS:
                continue
            inside = [contains(space, pose.x, pose.y) for pose in path]
            crossed = inside.index(move.kind == "enter")
            yield Change((move.start_frame + crossed) / FPS, space.name, move.kind == "enter")

    def _quick_spans(self) -> Iterator[Span]:
        for _, move, path in self._clip.drives():
            start_s = move.start_frame / FPS
            if start_s < self.plan.seconds:
                yield start_s - BEFORE_S, start_s + len(path) / FPS + AFTER_S
        for lorry in self.plan.lorries:
            yield lorry.at_s - BEFORE_S, lorry.at_s + self._lorry_s(lorry) + AFTER_S
        for at_s, _ in self.plan.bumps:
            yield at_s - BEFORE_S, at_s + BUMP_S + AFTER_S


def _merged(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(end, merged[-1][1])
        else:
            merged.append((max(0.0, start), end))
    return merged


def _script(script: Script, plan: Plan) -> Script:
    """The clip's script with the plan's vehicles. A loop is longer than the day: what returns does so after its end."""
    later = int((plan.seconds + APART_S) * FPS)

    def frame(at_s: float) -> int:
        return round(at_s * FPS)

    parked = [(stay.space, stay.shape, stay.paint) for stay in plan.stays if stay.from_s is None and stay.to_s is None]
    visits = [
        (stay.space, stay.shape, stay.paint, frame(stay.from_s), later if stay.to_s is None else frame(stay.to_s))
        for stay in plan.stays
        if stay.from_s is not None
    ]
    absences = [
        (stay.space, stay.shape, stay.paint, frame(stay.to_s), later)
        for stay in plan.stays
        if stay.from_s is None and stay.to_s is not None
    ]
    return replace(
        script,
        camera=replace(script.camera, size=SIZE),
        seconds=round(plan.seconds + 4 * APART_S),
        parked=parked,
        visits=visits,
        absences=absences,
        passing=(),
    )


def _sun(key: StageKey) -> Sun:
    """The sun at that hour; at night the sky's last light from above."""
    if key.strength <= 0.05:
        return Sun((0.1, -0.1, 0.99), 0.05)
    azimuth = np.radians(-90 - 15 * (key.sun_hour - 12))
    height = np.radians(max(14.0, 52 * np.cos(np.pi * (key.sun_hour - 12) / 13)))
    direction = np.cos(height) * np.cos(azimuth), np.cos(height) * np.sin(azimuth), np.sin(height)
    return Sun((float(direction[0]), float(direction[1]), float(direction[2])), key.strength)
