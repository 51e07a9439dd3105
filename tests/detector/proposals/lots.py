"""Lots that are computed: cars in rows, seen by a camera of known height and direction."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from services.detector.proposals.edges import DIRECTIONS
from services.detector.proposals.ground_camera import GroundCamera, rectangles

ASPECT = 9 / 16


@dataclass(frozen=True)
class Row:
    """Spaces side by side.

    Attributes:
        first: middle of the first space on the ground, metres.
        step: from one space to the next, metres.
        heading: of the cars, degrees.
        count: how many spaces.
    """

    first: tuple[float, float]
    step: tuple[float, float]
    heading: float
    count: int

    def centres(self) -> npt.NDArray[np.float64]:
        return np.array(
            [(self.first[0] + k * self.step[0], self.first[1] + k * self.step[1]) for k in range(self.count)]
        )


def box_of(
    camera: GroundCamera, centre: npt.NDArray[np.float64], heading: float, rng: np.random.Generator
) -> list[float]:
    """The box, in shares of the picture, of a car whose size and place differ a little from the usual."""
    length, width, height = np.array([4.3, 1.75, 1.48]) * (1 + rng.normal(0, 0.05, 3))
    middle = centre + rng.normal(0, 0.12, 2)
    turn = np.array([math.radians(heading) + rng.normal(0, 0.03)])
    layers = []
    for z, share in ((0.1, 1.0), (0.85, 1.0), (height, 0.55)):
        corners = rectangles(middle[None], turn, length * share, width * (0.75 if share < 1 else 1))[0]
        layers.append(np.column_stack([corners, np.full(4, z)]))
    shown = camera.to_picture(np.concatenate(layers)) / (1, ASPECT) + 0.5
    return [*shown.min(axis=0), *shown.max(axis=0)]


def quad_of(camera: GroundCamera, centre: npt.NDArray[np.float64], heading: float) -> npt.NDArray[np.float64]:
    """The corners, in shares of the picture, of a space of 5.0 by 2.5 m."""
    corners = rectangles(centre[None], np.array([math.radians(heading)]), 5.0, 2.5)[0]
    return camera.to_picture(np.column_stack([corners, np.zeros(4)])) / (1, ASPECT) + 0.5


def edges_of(camera: GroundCamera, centre: npt.NDArray[np.float64], heading: float) -> npt.NDArray[np.float64]:
    """The edges of a car: most run along it and across it, a few anywhere."""
    edges = np.full(DIRECTIONS, 0.4 / DIRECTIONS)
    for turn in (heading, heading + 90):
        step = np.array([math.cos(math.radians(turn)), math.sin(math.radians(turn)), 0.0])
        waist = np.array([*centre, 0.8])
        ends = camera.to_picture(np.array([waist - step, waist + step]))
        direction = math.atan2(*(ends[1] - ends[0])[::-1]) % math.pi
        edges[int(direction / math.pi * DIRECTIONS) % DIRECTIONS] += 0.3
    return edges
