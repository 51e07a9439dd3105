"""How others decide that a space is occupied, re-implemented from their documentation: a point of a vehicle's box.

Neither rule remembers anything that is not said here, and neither knows `unknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import supervision as sv

from libs.common.spaces import OccupancyEvent, ParkingSpace, SpaceState
from services.detector.engines.base import Engine, Picture

Rule = Callable[[npt.NDArray[Any]], npt.NDArray[np.float64]]
"""Boxes (n, 4) to the points (n, 2) that are looked for in the spaces."""


def box_centre(boxes: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Ultralytics' ParkingManagement: a space is occupied while a box's centre lies in it."""
    centres: npt.NDArray[np.float64] = (boxes[:, :2] + boxes[:, 2:]) / 2
    return centres


def bottom_centre(boxes: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Frigate's zones: an object is in a zone while the middle of its box's lower edge lies in it."""
    return np.column_stack([(boxes[:, 0] + boxes[:, 2]) / 2, boxes[:, 3]]).astype(float)


FRIGATE_INERTIA: Final = 3
"""Frames in a row that an object must be in a zone before it counts, by default."""


def occupied(spaces: Sequence[ParkingSpace], vehicles: sv.Detections, size: tuple[int, int], rule: Rule) -> list[bool]:
    """Of each space whether a vehicle's point lies in it.

    Args:
        spaces: polygons normalised 0..1.
        vehicles: boxes in pixels.
        size: (width, height) of the picture.
        rule: which point.
    """
    points = rule(np.asarray(vehicles.xyxy, float)) if len(vehicles) else np.empty((0, 2))
    found = []
    for space in spaces:
        polygon: Any = (np.asarray(space.polygon) * size).astype(np.float32)
        found.append(any(cv2.pointPolygonTest(polygon, (float(x), float(y)), False) >= 0 for x, y in points))
    return found


class RuleCamera:
    """One camera whose spaces follow a rule, frame by frame."""

    def __init__(
        self, spaces: Sequence[ParkingSpace], engine: Engine, rule: Rule, confidence: float, inertia: int = 1
    ) -> None:
        """Start without a picture.

        Args:
            spaces: of the camera.
            engine: the detection model.
            rule: which point of a box counts.
            confidence: least confidence of a vehicle.
            inertia: frames in a row that a space must be hit before it is occupied.
        """
        self._spaces = spaces
        self._engine = engine
        self._rule = rule
        self._confidence = confidence
        self._inertia = inertia
        self._hits = [0] * len(spaces)
        self._states: list[SpaceState] = ["unknown"] * len(spaces)

    def show(self, picture: Picture, at_ms: int) -> list[OccupancyEvent]:
        """Show one picture, (height, width, 3) BGR, captured at that time; the changes that it brought."""
        vehicles = self._engine.detect([picture], self._confidence)[0]
        size = picture.shape[1], picture.shape[0]
        events = []
        for number, is_hit in enumerate(occupied(self._spaces, vehicles, size, self._rule)):
            self._hits[number] = self._hits[number] + 1 if is_hit else 0
            state: SpaceState = "occupied" if self._hits[number] >= self._inertia else "free"
            before, self._states[number] = self._states[number], state
            if state != before:
                space = self._spaces[number]
                events.append(
                    OccupancyEvent(
                        space_id=space.space_id,
                        space_name=space.space_name,
                        state=state,
                        previous=before,
                        at_ms=at_ms,
                    )
                )
        return events
