"""A clip from its script: who is where in each frame, and the frame itself.

Nothing is left to chance: the wear of the ground and how exactly vehicles stand follow from the script's seed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np

from deploy.demo.lot.drawing import Bytes, Sun, draw_shadow
from deploy.demo.lot.driving import Move, Pose, drive, parked_pose
from deploy.demo.lot.geometry import Camera, Mesh
from deploy.demo.lot.ground import GroundPainter, Palette
from deploy.demo.lot.layout import Layout, Space
from deploy.demo.lot.scene import SceneComposer, SeenVehicle, Stage
from deploy.demo.lot.scenery import draw_scenery, soften
from deploy.demo.lot.vehicles import SHAPES, Vehicle, build_motorcycle, build_vehicle

FPS: Final = 10
PAINTS: Final[Mapping[str, tuple[float, float, float]]] = {
    "white": (218, 220, 220), "silver": (168, 168, 164), "grey": (96, 96, 94), "black": (38, 37, 36),
    "red": (42, 40, 168), "blue": (150, 88, 38), "navy": (92, 58, 34), "green": (66, 96, 58),
    "sand": (138, 176, 196), "orange": (38, 112, 214), "teal": (128, 126, 44), "wine": (52, 34, 108),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Actor:
    """A vehicle and what it does in a loop.

    Attributes:
        vehicle: its form and colour.
        space: where it parks; None if it only passes.
        moves: in order of their start; without any it stands all the time.
        offset: how it stands off the space's middle, metres along and across.
        turn: and off its direction, radians.
    """

    vehicle: Vehicle
    space: Space | None
    moves: Sequence[Move] = ()
    offset: tuple[float, float] = (0.0, 0.0)
    turn: float = 0.0


@dataclass(frozen=True, slots=True)
class Thing:
    """A piece of scenery at (x, y) with a heading."""

    mesh: Mesh
    x: float
    y: float
    heading: float = 0.0
    softness: float = 0.0


@dataclass(frozen=True, slots=True)
class Script:
    """All that makes a clip.

    Attributes:
        name: of the clip.
        camera_id, camera_name: under which it is registered.
        seconds: of one loop.
        seed: of the ground's wear and of how exactly vehicles stand.
        parked: (space, shape, paint) of those that stand all the time.
        visits: (space, shape, paint, enters at frame, leaves at frame).
        absences: (space, shape, paint, leaves at frame, comes back at frame).
        passing: (aisle number, shape, paint, frame) of those that drive through.
        things: scenery.
        light: strength of the change of light over the loop.
    """

    name: str
    camera_id: str
    camera_name: str
    seconds: int
    seed: int
    camera: Camera
    layout: Layout
    palette: Palette
    sun: Sun
    parked: Sequence[tuple[str, str, str]]
    visits: Sequence[tuple[str, str, str, int, int]]
    absences: Sequence[tuple[str, str, str, int, int]]
    passing: Sequence[tuple[int, str, str, int]] = ()
    things: Sequence[Thing] = field(default_factory=tuple)
    light: float = 0.06

    @property
    def frames(self) -> int:
        """Frames in one loop."""
        return self.seconds * FPS


class Clip:
    """A script, ready to be rendered.

    Attributes:
        ground: what the camera sees where nothing stands, (height, width, 3) BGR.
    """

    def __init__(self, script: Script) -> None:
        self.script = script
        self.spaces = script.layout.spaces()
        self.actors = _cast(script, {space.name: space for space in self.spaces})
        self._paths = [[self._path(actor, move) for move in actor.moves] for actor in self.actors]
        self.ground = paint_ground(script)

    @cached_property
    def _composer(self) -> SceneComposer:
        return SceneComposer(build_stage(self.script, self.ground))

    def pose(self, number: int, frame: int) -> Pose | None:
        """Where an actor is in a frame; None while it is away."""
        actor = self.actors[number]
        standing = None if actor.space is None else parked_pose(actor.space, actor.offset, actor.turn)
        if not actor.moves:
            return standing
        ages = [(frame - move.start_frame) % self.script.frames for move in actor.moves]
        latest = int(np.argmin(ages))
        path, age = self._paths[number][latest], ages[latest]
        if age < len(path):
            return path[age]
        return standing if actor.moves[latest].kind == "enter" else None

    def drives(self) -> Iterator[tuple[int, Move, list[Pose]]]:
        """Every drive of a loop: the actor's number, the move, and its poses, one a frame."""
        for number, (actor, paths) in enumerate(zip(self.actors, self._paths, strict=True)):
            for move, path in zip(actor.moves, paths, strict=True):
                yield number, move, path

    def render(self, frame: int) -> tuple[Bytes, list[SeenVehicle]]:
        """One frame (height, width, 3) BGR, and what can be seen of each vehicle."""
        there = [(number, actor.vehicle, self.pose(number, frame)) for number, actor in enumerate(self.actors)]
        phase = 2 * np.pi * frame / self.script.frames
        gain = 1.06 + self.script.light * (0.7 * np.sin(phase) + 0.3 * np.sin(2 * phase + 1.0))
        return self._composer.compose([(number, vehicle, pose) for number, vehicle, pose in there if pose], float(gain))

    def occupied(self, frame: int) -> set[str]:
        """Names of the spaces in which a vehicle's middle stands."""
        names = set()
        for number, actor in enumerate(self.actors):
            pose = self.pose(number, frame)
            if actor.space is not None and pose is not None and contains(actor.space, pose.x, pose.y):
                names.add(actor.space.name)
        return names

    def _path(self, actor: Actor, move: Move) -> list[Pose]:
        layout = self.script.layout
        aisle = (
            layout.aisle_of(actor.space)
            if actor.space
            else min(layout.aisles, key=lambda lane: abs(lane.y - actor.offset[1]))
        )
        path = drive(move.kind, actor.vehicle, layout, actor.space, aisle, FPS)
        if actor.space is None or move.kind == "pass":
            return path
        return list(_settle(path, parked_pose(actor.space, actor.offset, actor.turn), move.kind == "enter"))


def _settle(path: list[Pose], standing: Pose, entering: bool) -> Iterator[Pose]:
    """Bend a drive's end (or beginning) so that it meets the place where the vehicle stands."""
    last = path[-1] if entering else path[0]
    for index, pose in enumerate(path):
        left = len(path) - 1 - index if entering else index
        share = max(0.0, 1 - left / (2.2 * FPS)) ** 2
        yield Pose(
            pose.x + (standing.x - last.x) * share,
            pose.y + (standing.y - last.y) * share,
            pose.heading + (standing.heading - last.heading) * share,
            pose.nod,
        )


def contains(space: Space, x: float, y: float) -> bool:
    """Whether a point on the ground, metres, lies within a space."""
    edges = np.roll(space.corners, -1, axis=0) - space.corners
    to_point = np.array([x, y]) - space.corners
    side = edges[:, 0] * to_point[:, 1] - edges[:, 1] * to_point[:, 0]
    return bool((side > 0).all() or (side < 0).all())


def _make(shape: str, paint: str) -> Vehicle:
    if shape.startswith("motorcycle"):
        return build_motorcycle(PAINTS[paint], with_rider=shape == "motorcycle-ridden")
    return build_vehicle(SHAPES[shape], PAINTS[paint])


def _cast(script: Script, spaces: Mapping[str, Space]) -> list[Actor]:
    rng = np.random.default_rng(script.seed)
    actors = []

    def add(space: str, shape: str, paint: str, moves: Sequence[Move]) -> None:
        offset = float(rng.normal(0, 0.14)), float(rng.normal(0, 0.1))
        actors.append(Actor(_make(shape, paint), spaces[space], moves, offset, float(rng.normal(0, 0.018))))

    for space, shape, paint in script.parked:
        add(space, shape, paint, ())
    for space, shape, paint, enter, leave in script.visits:
        add(space, shape, paint, (Move("enter", enter), Move("leave", leave)))
    for space, shape, paint, leave, enter in script.absences:
        add(space, shape, paint, (Move("leave", leave), Move("enter", enter)))
    for aisle, shape, paint, frame in script.passing:
        actors.append(Actor(_make(shape, paint), None, (Move("pass", frame),), (0, script.layout.aisles[aisle].y)))
    return actors


def paint_ground(script: Script) -> Bytes:
    """The ground as the script's camera sees it, (height, width, 3) BGR."""
    painter = GroundPainter(script.layout, script.palette, np.random.default_rng(script.seed + 1))
    return painter.view(painter.paint(), script.camera)


def build_stage(script: Script, ground: Bytes) -> Stage:
    """What does not move, under the script's sun, on a ground of the picture's size."""
    drawn = [
        (thing, draw_scenery(thing.mesh, script.camera, script.sun, thing.x, thing.y, thing.heading))
        for thing in script.things
    ]
    scenery = [soften(patch, thing.softness) if thing.softness else patch for thing, patch in drawn]
    shadows = [
        draw_shadow(thing.mesh.placed(thing.x, thing.y, thing.heading), script.camera, script.sun, 3.0)
        for thing in script.things
    ]
    return Stage(
        script.camera,
        ground,
        [patch for patch in scenery if patch is not None],
        [shadow for shadow in shadows if shadow is not None],
        script.sun,
    )
