"""How vehicles move: along an aisle, round a bend into a space, and out again backwards. Kinematic, without physics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np

from deploy.demo.lot.geometry import Floats
from deploy.demo.lot.layout import Aisle, Layout, Space
from deploy.demo.lot.vehicles import Vehicle

STEP_M: Final = 0.05
AISLE_SPEED: Final = 5.2
BEND_SPEED: Final = 2.6
SPACE_SPEED: Final = 1.7
REVERSE_SPEED: Final = 1.9
ACCELERATION: Final = 2.2
LARGEST_RADIUS_M: Final = 5.5

MoveKind = Literal["enter", "leave", "pass"]


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a vehicle's middle is (metres), where it heads (radians), and how much it nods (radians, nose down > 0)."""

    x: float
    y: float
    heading: float
    nod: float = 0.0


@dataclass(frozen=True, slots=True)
class Move:
    """One drive.

    Attributes:
        kind: into a space, out of it, or along the aisle without stopping.
        start_frame: when it begins.
    """

    kind: MoveKind
    start_frame: int


@dataclass(frozen=True, slots=True)
class _Leg:
    """A stretch driven at one speed: rear axle points (n, 2), headings (n,), metres a second, backwards or not."""

    points: Floats
    headings: Floats
    speed: float
    backwards: bool = False


def drive(
    kind: MoveKind, vehicle: Vehicle, layout: Layout, space: Space | None, aisle: Aisle, fps: float
) -> list[Pose]:
    """The poses of a drive, one a frame.

    Args:
        kind: what kind of drive.
        vehicle: its wheelbase decides the bend.
        layout: vehicles appear and vanish beyond its asphalt.
        space: for `enter` and `leave`.
        aisle: on which it drives.
        fps: frames a second.
    """
    left, _, right, _ = layout.asphalt
    begin, end = left - 12.0, right + 12.0
    if kind == "pass" or space is None:
        return _timed([_straight((begin, aisle.y), (end, aisle.y), 0.0, AISLE_SPEED)], vehicle, fps)
    bend, tail = _into_space(vehicle, space, aisle)
    corner = bend.points[0]
    if kind == "enter":
        return _timed([_straight((begin, aisle.y), corner, 0.0, AISLE_SPEED), bend, tail], vehicle, fps)
    legs = [_reversed(tail), _reversed(bend), _straight(corner, (end, aisle.y), 0.0, AISLE_SPEED)]
    return _timed(legs, vehicle, fps)


def parked_pose(space: Space, offset: tuple[float, float] = (0.0, 0.0), turn: float = 0.0) -> Pose:
    """A vehicle that stands in a space, off its middle by metres along and across, and turned by radians."""
    cos, sin = np.cos(space.heading), np.sin(space.heading)
    along, across = offset
    x = space.centre[0] + along * cos - across * sin
    y = space.centre[1] + along * sin + across * cos
    return Pose(float(x), float(y), space.heading + turn)


def _straight(start: Sequence[float] | Floats, end: Sequence[float] | Floats, heading: float, speed: float) -> _Leg:
    first, last = np.asarray(start, float), np.asarray(end, float)
    count = max(2, int(np.linalg.norm(last - first) / STEP_M))
    points = first + (last - first) * np.linspace(0, 1, count)[:, None]
    return _Leg(points, np.full(count, heading), speed)


def _into_space(vehicle: Vehicle, space: Space, aisle: Aisle) -> tuple[_Leg, _Leg]:
    """The bend from the aisle and the straight tail into the space, for the rear axle."""
    side = 1.0 if space.heading > 0 else -1.0
    angle = abs(space.heading)
    along = np.array([np.cos(space.heading), np.sin(space.heading)])
    end = np.array(space.centre) - along * vehicle.wheelbase / 2
    rise = abs(end[1] - aisle.y)
    radius = min(LARGEST_RADIUS_M, max(1.5, (rise - 0.4 * np.sin(angle)) / (1 - np.cos(angle))))
    tail_length = (rise - radius * (1 - np.cos(angle))) / np.sin(angle)
    bend_end = end - along * max(tail_length, 0.05)
    start_x = bend_end[0] - radius * np.sin(angle)
    turned = np.linspace(0, angle, max(8, int(radius * angle / STEP_M)))
    points = np.stack([start_x + radius * np.sin(turned), aisle.y + side * radius * (1 - np.cos(turned))], axis=1)
    points[:, 1] += (bend_end[1] - points[-1, 1]) * turned / angle
    bend = _Leg(points, side * turned, BEND_SPEED)
    return bend, _straight(bend_end, end, space.heading, SPACE_SPEED)


def _reversed(leg: _Leg) -> _Leg:
    return _Leg(leg.points[::-1], leg.headings[::-1], REVERSE_SPEED, backwards=True)


def _timed(legs: list[_Leg], vehicle: Vehicle, fps: float) -> list[Pose]:
    """Drive the legs with bounded acceleration, standing still where the direction changes, and take a pose a frame."""
    points = np.concatenate([leg.points for leg in legs])
    headings = np.concatenate([leg.headings for leg in legs])
    limit = np.concatenate([np.full(len(leg.points), leg.speed) for leg in legs])
    ends = np.cumsum([len(leg.points) for leg in legs])
    for index, (leg, following) in enumerate(pairwise(legs)):
        if leg.backwards != following.backwards:
            limit[ends[index] - 1 : ends[index] + 1] = 0.05
    if legs[0].backwards:
        limit[0] = 0.05
    if legs[-1].speed == SPACE_SPEED:
        limit[-1] = 0.05
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    speed = limit.copy()
    for i in range(1, len(speed)):
        speed[i] = min(speed[i], np.sqrt(speed[i - 1] ** 2 + 2 * ACCELERATION * steps[i - 1]))
    for i in range(len(speed) - 2, -1, -1):
        speed[i] = min(speed[i], np.sqrt(speed[i + 1] ** 2 + 2 * ACCELERATION * steps[i]))
    times = np.concatenate([[0.0], np.cumsum(2 * steps / (speed[1:] + speed[:-1]))])
    frames = np.arange(0, times[-1], 1 / fps)
    x, y, heading, pace = (np.interp(frames, times, values) for values in (points[:, 0], points[:, 1], headings, speed))
    half = vehicle.wheelbase / 2
    braking = -np.gradient(pace) * fps if len(pace) > 1 else np.zeros(1)
    nod = np.clip(braking * 0.006, -0.02, 0.02)
    return [
        Pose(float(px + half * np.cos(angle)), float(py + half * np.sin(angle)), float(angle), float(lean))
        for px, py, angle, lean in zip(x, y, heading, nod, strict=True)
    ]
