"""Draw parking spaces; their state can be told without colour: free is filled, occupied crossed, unknown dashed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from libs.common.spaces import ParkingSpace, SpaceState
from services.detector.engines.base import Picture

# BGR, from the palette of Okabe and Ito (2008), which stays distinct for colour-blind eyes.
COLOURS: Final[Mapping[SpaceState, tuple[int, int, int]]] = {
    "free": (115, 158, 0),
    "occupied": (0, 94, 213),
    "unknown": (190, 190, 190),
}
LETTERS: Final[Mapping[SpaceState, str]] = {"free": "", "occupied": "", "unknown": "?"}
FILL_SHARE: Final = 0.28
DASH_PIXELS: Final = 10.0

Points = npt.NDArray[np.int32]


class SpacePainter:
    """Paints the spaces of one camera into its frames."""

    def __init__(self, spaces: Sequence[ParkingSpace], picture_size: tuple[int, int]) -> None:
        """Prepare the outlines.

        Args:
            spaces: polygons normalised 0..1.
            picture_size: (width, height) in pixels.
        """
        self._names = [space.space_name for space in spaces]
        self._outlines: list[Points] = [
            np.round(np.asarray(space.polygon, float) * picture_size).astype(np.int32) for space in spaces
        ]

    def paint(self, picture: Picture, states: Sequence[SpaceState]) -> None:
        """Draw every space into the picture.

        Args:
            picture: changed in place.
            states: one a space, in the order of the spaces.
        """
        for outline, state in zip(self._outlines, states, strict=True):
            if state == "free":
                _tint(picture, outline, COLOURS[state])
        for outline, name, state in zip(self._outlines, self._names, states, strict=True):
            colour = COLOURS[state]
            if state == "unknown":
                _draw_dashed(picture, outline, colour)
            else:
                thickness = 1 if state == "occupied" else 2  # a vehicle tells as much; its outline need not shout
                cv2.polylines(picture, [outline], True, colour, thickness, cv2.LINE_AA)
            if state == "occupied":
                _draw_cross(picture, outline, colour)
            else:
                _write(picture, outline, name + LETTERS[state], colour)


def _tint(picture: Picture, outline: Points, colour: tuple[int, int, int]) -> None:
    """Mix a colour into the inside of an outline, touching only its bounding box."""
    x, y, width, height = cv2.boundingRect(outline)
    part = picture[max(y, 0) : y + height, max(x, 0) : x + width]
    if not part.size:
        return
    painted = part.copy()
    cv2.fillPoly(painted, [outline - (max(x, 0), max(y, 0))], colour)
    cv2.addWeighted(painted, FILL_SHARE, part, 1 - FILL_SHARE, 0, dst=part)


def _draw_dashed(picture: Picture, outline: Points, colour: tuple[int, int, int]) -> None:
    for start, end in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        length = float(np.hypot(*(end - start)))
        dashes = max(1, int(length / DASH_PIXELS / 2))
        for dash in range(dashes):
            first = start + (end - start) * (dash / dashes)
            last = start + (end - start) * ((dash + 0.5) / dashes)
            cv2.line(picture, _pixel(first), _pixel(last), colour, 2, cv2.LINE_AA)


def _draw_cross(picture: Picture, outline: Points, colour: tuple[int, int, int]) -> None:
    """A small cross at each corner's quarter: visible beside the vehicle that hides the middle."""
    centre = outline.mean(axis=0)
    for corner in outline:
        inner = corner + (centre - corner) * 0.22
        cv2.line(picture, _pixel(corner), _pixel(inner), colour, 2, cv2.LINE_AA)


def _write(picture: Picture, outline: Points, text: str, colour: tuple[int, int, int]) -> None:
    (width, height), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.45, 1)
    centre = outline.mean(axis=0)
    x, y = centre[0] - width / 2, centre[1] + height / 2
    for thickness, ink in ((3, (20, 20, 20)), (1, (255, 255, 255))):
        cv2.putText(picture, text, _pixel((x, y)), cv2.FONT_HERSHEY_SIMPLEX, 0.45, ink, thickness, cv2.LINE_AA)


def _pixel(point: Any) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
