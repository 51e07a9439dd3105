"""Vehicles as lofted meshes: a side profile drawn across the width, with glass, wheels and lights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from deploy.demo.lot.geometry import Floats, Mesh, box, disc, faces, join

VehicleClass = Literal["car", "motorcycle", "bus", "truck"]

GLASS: Final = (52, 44, 38)
TYRE: Final = (30, 30, 30)
RIM: Final = (165, 165, 165)
PLASTIC: Final = (42, 42, 44)


@dataclass(frozen=True, slots=True)
class Shape:
    """A vehicle's form.

    Attributes:
        vehicle_class: what a detector should call it.
        length, width, height: metres.
        belt: height of the windows' lower edge as (position, share of height) pairs; position is 0 rear to 1 front.
        roof: the upper outline in the same form; where it rises over the belt there is a cabin.
        wheelbase: metres between the axles.
        pillars: positions along the length where the side windows are divided.
    """

    vehicle_class: VehicleClass
    length: float
    width: float
    height: float
    belt: Sequence[tuple[float, float]]
    roof: Sequence[tuple[float, float]]
    wheelbase: float
    pillars: Sequence[float]
    wheel_radius: float = 0.33

    def scaled(self, length: float, width: float, height: float) -> Shape:
        """The same form in other proportions (factors)."""
        return replace(
            self,
            length=self.length * length,
            width=self.width * width,
            height=self.height * height,
            wheelbase=self.wheelbase * length,
        )


_CAR_BELT = ((0, 0.56), (0.1, 0.62), (0.5, 0.6), (0.75, 0.58), (0.93, 0.5), (1, 0.42))

SHAPES: Final[dict[str, Shape]] = {
    "hatchback": Shape(
        "car", 3.9, 1.74, 1.46, _CAR_BELT,
        ((0, 0.58), (0.03, 0.74), (0.14, 0.97), (0.3, 1.0), (0.52, 0.98), (0.7, 0.66), (0.94, 0.53), (1, 0.44)),
        2.5, (0.2, 0.44),
    ),
    "sedan": Shape(
        "car", 4.6, 1.82, 1.43, _CAR_BELT,
        ((0, 0.58), (0.13, 0.68), (0.3, 0.96), (0.42, 1.0), (0.55, 0.98), (0.7, 0.66), (0.94, 0.53), (1, 0.44)),
        2.7, (0.28, 0.47),
    ),
    "estate": Shape(
        "car", 4.6, 1.82, 1.48, _CAR_BELT,
        ((0, 0.58), (0.03, 0.8), (0.1, 0.96), (0.3, 1.0), (0.56, 0.98), (0.7, 0.66), (0.94, 0.53), (1, 0.44)),
        2.7, (0.16, 0.32, 0.48),
    ),
    "suv": Shape(
        "car", 4.5, 1.9, 1.72, ((0, 0.6), (0.1, 0.64), (0.75, 0.62), (0.94, 0.57), (1, 0.48)),
        ((0, 0.6), (0.03, 0.82), (0.09, 0.97), (0.3, 1.0), (0.58, 0.98), (0.7, 0.67), (0.95, 0.6), (1, 0.5)),
        2.7, (0.16, 0.33, 0.48), 0.37,
    ),
    "pickup": Shape(
        "truck", 5.2, 1.92, 1.78, ((0, 0.56), (0.75, 0.58), (0.94, 0.54), (1, 0.46)),
        ((0, 0.57), (0.4, 0.58), (0.42, 0.66), (0.45, 0.98), (0.6, 1.0), (0.72, 0.64), (0.95, 0.57), (1, 0.48)),
        3.1, (0.56,), 0.38,
    ),
    "van": Shape(
        "truck", 5.4, 2.02, 2.4, ((0, 0.52), (0.8, 0.52), (0.95, 0.44), (1, 0.36)),
        ((0, 0.94), (0.02, 1.0), (0.72, 1.0), (0.8, 0.96), (0.9, 0.58), (0.97, 0.46), (1, 0.38)),
        3.3, tuple(0.04 * step for step in range(18)), 0.36,  # a panel van: no windows behind the doors
    ),
    "minibus": Shape(
        "bus", 7.2, 2.25, 2.75, ((0, 0.46), (0.9, 0.46), (0.97, 0.4), (1, 0.34)),
        ((0, 0.93), (0.02, 1.0), (0.84, 1.0), (0.92, 0.95), (0.97, 0.5), (1, 0.36)),
        4.4, (0.04, 0.2, 0.36, 0.52, 0.68, 0.84), 0.42,
    ),
}  # fmt: skip
MOTORCYCLE_LENGTH: Final = 2.15


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One vehicle: its class, its size on the ground and its mesh, heading along x."""

    vehicle_class: VehicleClass
    length: float
    width: float
    wheelbase: float
    mesh: Mesh


def build_vehicle(shape: Shape, paint: tuple[float, float, float]) -> Vehicle:
    """A vehicle with four wheels in one colour (BGR 0..255)."""
    mesh = join(_body(shape, paint), *_wheels(shape), *_lights(shape))
    return Vehicle(shape.vehicle_class, shape.length, shape.width, shape.wheelbase, mesh)


def _body(shape: Shape, paint: tuple[float, float, float]) -> Mesh:
    share = np.unique(np.concatenate([np.linspace(0, 1, 27), [at for at, _ in shape.roof]]))
    belt = _outline(shape.belt, share) * shape.height
    roof = np.maximum(_outline(shape.roof, share) * shape.height, belt + 0.02)
    ends = np.minimum(share, 1 - share) * shape.length
    width = shape.width * (1 - 0.16 * np.exp(-ends / 0.22))
    cabin = np.clip((roof - belt) / (0.4 * shape.height), 0, 1)
    top_width = width * (0.93 - (0.12 if shape.height > 2 else 0.19) * cabin)
    rings = np.stack(
        [
            _ring(width * 0.47, np.full_like(share, 0.26)),
            _ring(width * 0.5, np.full_like(share, 0.48)),
            _ring(width * 0.495, belt * 0.92),
            _ring(width * 0.475, belt),
            _ring(top_width * 0.5, roof - 0.06),
            _ring(top_width * 0.44, roof),
            _ring(top_width * 0.0, roof + 0.03 * width),
        ],
        axis=1,
    )
    x = (share - 0.5) * shape.length
    right = np.concatenate([np.broadcast_to(x[:, None, None], (*rings.shape[:2], 1)), rings], axis=2)
    left = right[:, ::-1] * (1, -1, 1)
    whole = np.concatenate([right, left[:, 1:]], axis=1)  # from one sill over the roof to the other
    quads, colours, gloss = [], [], []
    for station in range(len(share) - 1):
        at = (share[station] + share[station + 1]) / 2
        tall = (roof - belt)[station : station + 2].min() > 0.16 * shape.height
        slope = abs(roof[station + 1] - roof[station]) / max(x[station + 1] - x[station], 1e-6)
        divided = any(abs(at - pillar) < 0.022 for pillar in shape.pillars)
        for segment in range(whole.shape[1] - 1):
            across = min(segment, whole.shape[1] - 2 - segment)
            a, b = whole[station, segment], whole[station + 1, segment]
            c, d = whole[station + 1, segment + 1], whole[station, segment + 1]
            quads.append([a, d, c, b])
            is_glass = (across == 3 and tall and not divided) or (
                across in (4, 5) and slope > 0.45 and (roof - belt)[station : station + 2].max() > 0.1 * shape.height
            )
            colours.append(GLASS if is_glass else PLASTIC if across == 0 else paint)
            gloss.append(1.0 if is_glass else 0.08 if across == 0 else 0.35)
    body = faces(quads, np.array(colours), np.array(gloss))
    return join(body, _cap(whole[0], paint), _cap(whole[-1], paint))


def _outline(points: Sequence[tuple[float, float]], share: Floats) -> Floats:
    at, height = np.array(points).T
    return np.asarray(np.interp(share, at, height), float)


def _ring(half_width: Floats, z: Floats) -> Floats:
    return np.stack([half_width, z], axis=1)


def _cap(ring: Floats, paint: tuple[float, float, float]) -> Mesh:
    """Close the body's end: the upper half in paint, the lower in plastic."""
    last = len(ring) - 1
    quads, colours = [], []
    for level in range(last // 2):
        quads.append([ring[level], ring[level + 1], ring[last - level - 1], ring[last - level]])
        colours.append(PLASTIC if level == 0 else paint)
    return faces(quads, np.array(colours), 0.2)


def _wheels(shape: Shape) -> list[Mesh]:
    parts = []
    radius = shape.wheel_radius
    for x in (-shape.wheelbase / 2, shape.wheelbase / 2):
        for side in (-1, 1):
            y = side * (shape.width / 2 + 0.005)
            parts.append(disc((x, y * 0.995, radius + 0.04), radius * 1.2, (22, 22, 22), 0.1))
            parts.append(disc((x, y, radius), radius, TYRE, 0.2))
            parts.append(disc((x, y * 1.005, radius), radius * 0.62, RIM, 0.3))
    return parts


def _lights(shape: Shape) -> list[Mesh]:
    half, width = shape.length / 2 + 0.01, shape.width * 0.42
    tall = shape.height > 2
    front_z, rear_z = (0.3 if tall else 0.42) * shape.height, (0.32 if tall else 0.52) * shape.height
    parts = []
    for side in (-1, 1):
        inner, outer = side * width * 0.55, side * width
        low, high = min(inner, outer), max(inner, outer)
        front = [
            [half, low, front_z - 0.08], [half, high, front_z - 0.08],
            [half - 0.06, high, front_z + 0.08], [half - 0.06, low, front_z + 0.08],
        ]  # fmt: skip
        rear = [
            [-half, high, rear_z - 0.1], [-half, low, rear_z - 0.1],
            [-half + 0.03, low, rear_z + 0.06], [-half + 0.03, high, rear_z + 0.06],
        ]  # fmt: skip
        parts += [faces([front], (235, 240, 240), 0.5, 0.15), faces([rear], (40, 30, 190), 0.3, 0.15)]
    return parts


def build_motorcycle(paint: tuple[float, float, float], with_rider: bool) -> Vehicle:
    """A motorcycle, parked or ridden."""
    dark = (45, 45, 48)
    parts = [
        box((1.0, 0.3, 0.32), (0.05, 0, 0.62), paint),
        box((0.7, 0.26, 0.14), (-0.5, 0, 0.82), dark),
        box((0.5, 0.28, 0.34), (0.05, 0, 0.38), (70, 70, 72)),
        box((0.16, 0.72, 0.1), (0.55, 0, 1.02), dark),
        box((0.2, 0.26, 0.24), (0.72, 0, 0.86), paint),
    ]
    for x in (-0.74, 0.74):
        parts.append(box((0.5, 0.14, 0.5), (x, 0, 0.3), TYRE))
        for side in (-1, 1):
            parts.append(disc((x, side * 0.08, 0.31), 0.32, TYRE, 0.05))
            parts.append(disc((x, side * 0.085, 0.31), 0.18, RIM, 0.1))
    if with_rider:
        parts += [
            box((0.34, 0.46, 0.62), (-0.32, 0, 1.2), (60, 52, 48)),
            box((0.5, 0.5, 0.2), (-0.15, 0, 0.86), (70, 60, 52)),
            box((0.5, 0.56, 0.14), (0.15, 0, 1.24), (60, 52, 48)),
            box((0.27, 0.27, 0.28), (-0.22, 0, 1.68), paint),
        ]
    return Vehicle("motorcycle", MOTORCYCLE_LENGTH, 0.75, 1.48, join(*parts))
