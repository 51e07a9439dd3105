"""Where the spaces of a lot are, and what else is painted and built on its ground."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deploy.demo.lot.geometry import Floats


@dataclass(frozen=True, slots=True)
class Space:
    """A marked space.

    Attributes:
        name: painted nowhere, used everywhere.
        corners: (4, 2) metres on the ground: front left, front right (at the aisle), back right, back left.
        centre: (x, y) metres.
        heading: of a vehicle that drove in nose first, radians.
    """

    name: str
    corners: Floats
    centre: tuple[float, float]
    heading: float


@dataclass(frozen=True, slots=True)
class Row:
    """A row of spaces along an aisle that runs along x.

    Attributes:
        letter: first letter of its spaces' names.
        aisle_y: the aisle's edge on which the spaces open, metres.
        side: +1 if the spaces lie beyond the edge (greater y), -1 if before it.
        first_x: where the row begins, metres.
        count: how many spaces.
        width: of a space, measured across it, metres.
        depth: of a space, along it, metres.
        angle_degrees: between the aisle and a space; 90 is square to it.
    """

    letter: str
    aisle_y: float
    side: int
    first_x: float
    count: int
    width: float = 2.5
    depth: float = 5.0
    angle_degrees: float = 90.0

    def spaces(self) -> list[Space]:
        """The row's spaces, from left to right."""
        angle = np.radians(self.angle_degrees)
        along = np.array([np.cos(angle), self.side * np.sin(angle)])
        pitch = self.width / np.sin(angle)
        made = []
        for number in range(self.count):
            left = np.array([self.first_x + number * pitch, self.aisle_y])
            right = left + np.array([pitch, 0.0])
            corners = np.array([left, right, right + along * self.depth, left + along * self.depth])
            middle = corners.mean(axis=0)
            heading = float(np.arctan2(along[1], along[0]))
            made.append(Space(f"{self.letter}{number + 1}", corners, (float(middle[0]), float(middle[1])), heading))
        return made


@dataclass(frozen=True, slots=True)
class Aisle:
    """A one-way lane along x: vehicles come from the left and leave to the right.

    Attributes:
        y: of its middle, metres.
        width: metres.
    """

    y: float
    width: float


@dataclass(frozen=True, slots=True)
class Layout:
    """A lot's ground plan.

    Attributes:
        rows: of spaces.
        aisles: between them.
        asphalt: (left, near, right, far) metres; beyond it is grass.
    """

    rows: Sequence[Row]
    aisles: Sequence[Aisle]
    asphalt: tuple[float, float, float, float]

    def spaces(self) -> list[Space]:
        """All spaces, row by row."""
        return [space for row in self.rows for space in row.spaces()]

    def aisle_of(self, space: Space) -> Aisle:
        """The aisle from which a space is entered."""
        front = float(space.corners[:2, 1].mean())
        return min(self.aisles, key=lambda aisle: abs(aisle.y - front))
