"""Draw what was found into a frame: spaces, trails, boxes with class and track id."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import supervision as sv

from libs.common.spaces import ParkingSpace, SpaceState
from services.detector.drawing.spaces import SpacePainter
from services.detector.engines.base import VEHICLE_CLASSES, Picture
from services.detector.tracking import track_id_at

TRAIL_FRAMES = 40
"""How many frames back a trail goes: 4 s at 10 frames a second."""

_PALETTE = sv.ColorPalette.from_hex(["#56B4E9", "#F0E442", "#CC79A7", "#E69F00"])


class FrameAnnotator:
    """Draws for one camera; keeps the trails of its tracks."""

    def __init__(self, spaces: Sequence[ParkingSpace], picture_size: tuple[int, int]) -> None:
        """Prepare for frames of one size, (width, height) in pixels."""
        thickness = max(1, round(min(picture_size) / 400))
        self._spaces = SpacePainter(spaces, picture_size)
        self._boxes = sv.BoxAnnotator(color=_PALETTE, thickness=thickness)
        self._labels = sv.LabelAnnotator(
            color=_PALETTE, text_color=sv.Color.BLACK, text_scale=0.4, text_padding=3, text_thickness=1
        )
        self._trails = sv.TraceAnnotator(
            color=_PALETTE, position=sv.Position.BOTTOM_CENTER, trace_length=TRAIL_FRAMES, thickness=thickness
        )

    def annotate(self, picture: Picture, vehicles: sv.Detections, states: Sequence[SpaceState]) -> None:
        """Draw one frame.

        Args:
            picture: changed in place.
            vehicles: boxes in pixels, with `tracker_id`.
            states: of the spaces, in their order.
        """
        self._spaces.paint(picture, states)
        if not len(vehicles) or vehicles.tracker_id is None:
            return
        tracked = vehicles[vehicles.tracker_id >= 0]
        if len(tracked):
            self._trails.annotate(picture, tracked)
        self._boxes.annotate(picture, vehicles)
        self._labels.annotate(picture, vehicles, labels=[_label(vehicles, index) for index in range(len(vehicles))])


def _label(vehicles: sv.Detections, index: int) -> str:
    class_ids = vehicles.class_id if vehicles.class_id is not None else np.zeros(len(vehicles), int)
    name = VEHICLE_CLASSES[int(class_ids[index])]
    track_id = track_id_at(vehicles, index)
    return name if track_id is None else f"{name} #{track_id}"
