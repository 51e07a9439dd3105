"""`python -m bench.trackers`: the trackers of the package `trackers` on a real road, beside each other."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Final

from trackers import BoTSORTTracker, ByteTrackTracker, OCSORTTracker

from bench.trackers.road import ROAD, detect_road, follow_road
from services.detector.engines.loading import load_engine
from services.detector.settings import DetectorSettings
from services.detector.tracking import LOST_TRACK_S, CameraTracker, Tracker, new_tracker
from tests.support.real_data import YOLO11N

BUFFER: Final = round(LOST_TRACK_S * 30)
TRACKERS: Final[dict[str, Callable[[], Tracker]]] = {
    "ByteTrack, as it comes": ByteTrackTracker,
    "ByteTrack, as the detector sets it": lambda: new_tracker(0.25),
    "OC-SORT, as it comes": OCSORTTracker,
    "OC-SORT, set likewise": lambda: OCSORTTracker(
        lost_track_buffer=BUFFER, minimum_consecutive_frames=2, minimum_iou_threshold=0.1, high_conf_det_threshold=0.3
    ),
    "BoT-SORT, as it comes": lambda: BoTSORTTracker(enable_cmc=False),
    "BoT-SORT, set likewise": lambda: BoTSORTTracker(
        lost_track_buffer=BUFFER,
        track_activation_threshold=0.3,
        minimum_iou_threshold_first_assoc=0.1,
        minimum_iou_threshold_second_assoc=0.1,
        minimum_iou_threshold_unconfirmed_assoc=0.1,
        high_conf_det_threshold=0.3,
        enable_cmc=False,
    ),
}
"""By name. A camera stands still, so BoT-SORT needs no compensation of its motion."""


def main() -> int:
    """Entry point; returns the exit code."""
    argparse.ArgumentParser(prog="python -m bench.trackers", description=__doc__).parse_args()
    settings = DetectorSettings(model=str(YOLO11N), workers=1)
    detections = detect_road(load_engine(settings), settings)
    lines = [f"{ROAD.name}, four vehicles, {YOLO11N.name}", ""]
    lines += ["| tracker | frames/s | ids given | ids of each vehicle | of their frames with an id | ms a frame |"]
    lines += ["|---|---|---|---|---|---|"]
    for name, make in TRACKERS.items():
        for fps in (12.5, 10, 5, 2.5):
            told = follow_road(CameraTracker(0, settings.confidence, make()), detections, fps)
            each = " ".join(map(str, told.ids_of_vehicles))
            lines.append(f"| {name} | {fps:g} | {told.ids} | {each} | {told.tracked:.2f} | {told.ms:.2f} |")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
