"""Others' rules, as re-implemented for the table: which point counts, and for how many frames."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import supervision as sv

from bench.truth.rules import Rule, RuleCamera, bottom_centre, box_centre, occupied
from libs.common.spaces import ParkingSpace

FAR = ParkingSpace(space_id="far", space_name="far", polygon=[(0, 0.2), (1, 0.2), (1, 0.5), (0, 0.5)])
NEAR = ParkingSpace(space_id="near", space_name="near", polygon=[(0, 0.5), (1, 0.5), (1, 0.9), (0, 0.9)])
TALL = (40, 30, 60, 60)
"""Its centre lies in the far space, the middle of its lower edge in the near one."""


def vehicles(*boxes: tuple[int, int, int, int]) -> sv.Detections:
    return sv.Detections(np.array(boxes, np.float32).reshape(-1, 4), confidence=np.full(len(boxes), 0.9, np.float32))


@pytest.mark.parametrize(("rule", "found"), [(box_centre, [True, False]), (bottom_centre, [False, True])])
def test_the_point_decides(rule: Rule, found: list[bool]) -> None:
    assert occupied([FAR, NEAR], vehicles(TALL), (100, 100), rule) == found
    assert occupied([FAR, NEAR], vehicles(), (100, 100), rule) == [False, False]


class FixedEngine:
    """Finds what it is told, picture after picture."""

    def __init__(self, found: Sequence[sv.Detections]) -> None:
        self._found = list(found)

    def detect(self, pictures: Sequence[Any], confidence: float) -> list[sv.Detections]:
        return [self._found.pop(0)]


def test_an_object_counts_after_so_many_frames_and_is_gone_at_once() -> None:
    seen: Any = FixedEngine([vehicles(TALL), vehicles(TALL), vehicles(TALL), vehicles()])
    camera = RuleCamera([NEAR], seen, bottom_centre, 0.25, inertia=3)
    picture = np.zeros((100, 100, 3), np.uint8)
    told = [[event.state for event in camera.show(picture, number * 500)] for number in range(4)]
    assert told == [["free"], [], ["occupied"], ["free"]]
