"""Trackers on a real road: how many ids four vehicles get, at the rates at which cameras are looked at."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import supervision as sv

from deploy.demo.model.measuring import read_clip
from services.detector.engines.base import Engine
from services.detector.settings import DetectorSettings
from services.detector.tracking import CameraTracker
from tests.support.real_data import FOLDER

ROAD: Final = FOLDER / "videos/road.mp4"
ROAD_FPS: Final = 12.5
ON_ITS_WAY: Final = ((52, 112, 0, 768), (178, 236, 0, 276), (184, 242, 276, 768), (311, 352, 0, 768))
"""The vehicles of the clip, counted by eye in every fifth frame: a white car that goes up, a light blue one that comes
down, a red one beside it that goes up, a white one that comes down. Of each the frames in which it is to be seen, from
and to, and the columns between which its middle lies then. The edge of a parked car at the top is none of them."""


@dataclass(frozen=True, slots=True)
class RoadResult:
    """What a tracker made of the clip.

    Attributes:
        ids: how many it gave in all.
        ids_of_vehicles: of each vehicle, in their order.
        tracked: in how many of the looked-at frames that show a vehicle it has an id, as a share.
        ms: a frame took it.
    """

    ids: int
    ids_of_vehicles: tuple[int, ...]
    tracked: float
    ms: float

    @property
    def is_right(self) -> bool:
        """Whether each vehicle has one id, and nothing else has any."""
        return self.ids == len(ON_ITS_WAY) and set(self.ids_of_vehicles) == {1}


def detect_road(engine: Engine, settings: DetectorSettings) -> list[sv.Detections]:
    """What the model finds in each frame of the clip.

    Raises:
        EngineError: the model failed.
    """
    return [engine.detect([picture], settings.track_confidence)[0] for picture in read_clip(ROAD)]


def follow_road(tracker: CameraTracker, detections: Sequence[sv.Detections], fps: float) -> RoadResult:
    """Give a tracker the clip's frames at a lower rate.

    Args:
        tracker: a new one.
        detections: as `detect_road` gave them.
        fps: frames a second.
    """
    given, seen, shown, took_s = set[int](), [set[int]() for _ in ON_ITS_WAY], [0, 0], 0.0
    frames = [round(number * ROAD_FPS / fps) for number in range(int(len(detections) * fps / ROAD_FPS))]
    for frame in frames:
        started = time.perf_counter()
        tracked = tracker.update(detections[frame], round(frame * 1000 / ROAD_FPS))
        took_s += time.perf_counter() - started
        assert tracked.tracker_id is not None
        given |= {int(one) for one in tracked.tracker_id if one >= 0}
        middles = (tracked.xyxy[:, 0] + tracked.xyxy[:, 2]) / 2
        is_on_the_road = tracked.xyxy[:, 3] > 30
        for number, (first, last, left, right) in enumerate(ON_ITS_WAY):
            if not first <= frame <= last:
                continue
            here = tracked.tracker_id[(middles >= left) & (middles < right) & is_on_the_road]
            ids = {int(one) for one in here if one >= 0}
            seen[number] |= ids
            shown[0] += 1
            shown[1] += bool(ids)
    return RoadResult(len(given), tuple(map(len, seen)), shown[1] / shown[0], took_s * 1000 / len(frames))
