"""Tracks on a real road: each vehicle has one id."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import supervision as sv

from bench.trackers.road import ROAD, detect_road, follow_road
from services.detector.settings import DetectorSettings
from services.detector.tracking import CameraTracker
from tests.support.real_data import YOLO11N, needs_real_data
from tests.support.remembered import remembering_engine

pytestmark = [
    needs_real_data,
    pytest.mark.long,  # runs a model on 377 frames
    pytest.mark.skipif(not ROAD.is_file(), reason="no road.mp4 beside the project"),
]


@pytest.fixture(scope="module")
def detections() -> Sequence[sv.Detections]:
    settings = DetectorSettings(model=str(YOLO11N), workers=1)
    return detect_road(remembering_engine(settings), settings)


def test_four_vehicles_have_four_ids(detections: Sequence[sv.Detections]) -> None:
    """Counted by eye, two of them beside each other in opposite directions: see `ON_ITS_WAY`.

    The camera looks straight down, where YOLO11n finds a car in one of ten frames: all that an id hangs on.
    """
    told = follow_road(CameraTracker(0, 0.25), detections, 10)
    assert (told.ids, told.ids_of_vehicles) == (4, (1, 1, 1, 1))
