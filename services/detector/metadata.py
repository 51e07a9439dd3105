"""Build a frame's metadata from what was found in it. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import supervision as sv

from libs.common.clock import iso_from_ms
from libs.common.messages import (
    FrameMetadata,
    MatchedDetection,
    NormalisedBox,
    PixelDetection,
    SpaceOccupancy,
    Timings,
)
from libs.common.spaces import ParkingSpace, SpaceStatus
from services.detector.engines.base import VEHICLE_CLASSES
from services.detector.occupancy.matching import Match
from services.detector.tracking import track_id_at


def build_metadata(
    vehicles: sv.Detections,
    spaces: Sequence[ParkingSpace],
    statuses: Mapping[str, SpaceStatus],
    matches: Sequence[Match],
    *,
    detector: str,
    frame_id: str,
    timings: Timings,
    size: tuple[int, int] = (0, 0),
) -> FrameMetadata:
    """The metadata of one frame.

    Args:
        vehicles: boxes in pixels, with `tracker_id`.
        spaces: of the camera.
        statuses: by space id.
        matches: which vehicle stands in which space.
        detector: this process.
        frame_id: the raw frame's stream id.
        timings: of the frame so far; `published_at` is set when it is published.
        size: (width, height) of the frame in pixels.
    """
    detections = [describe_vehicle(vehicles, index) for index in range(len(vehicles))]
    occupancy = [describe_space(space, statuses[space.space_id]) for space in spaces]
    states = Counter(space.state for space in occupancy)
    return FrameMetadata(
        vehicle_count=len(detections),
        occupied_spaces=sum(space.is_occupied for space in occupancy),
        total_spaces=len(occupancy),
        free_spaces=states["free"],
        taken_spaces=states["occupied"],
        unknown_spaces=states["unknown"],
        timestamp=iso_from_ms(timings.captured_at),
        track_ids=[detection.track_id for detection in detections if detection.track_id is not None],
        detections=detections,
        space_occupancy=occupancy,
        matched_detections=[
            MatchedDetection(detection=detections[match.vehicle], space_id=spaces[match.space].space_id)
            for match in matches
        ],
        tracking_enabled=True,
        detector=detector,
        frame_id=frame_id,
        timings=timings,
        width=size[0],
        height=size[1],
    )


def restamp(metadata: FrameMetadata, frame_id: str, timings: Timings) -> FrameMetadata:
    """The same result, of a later frame.

    Args:
        metadata: of the earlier frame.
        frame_id: the later raw frame's stream id.
        timings: of the later frame so far.
    """
    update = {"timestamp": iso_from_ms(timings.captured_at), "frame_id": frame_id, "timings": timings}
    return metadata.model_copy(update=update)


def describe_vehicle(vehicles: sv.Detections, index: int) -> PixelDetection:
    """One vehicle as the message has it: pixels with one decimal."""
    x1, y1, x2, y2 = (float(side) for side in vehicles.xyxy[index])
    confidence = 0.0 if vehicles.confidence is None else float(vehicles.confidence[index])
    class_id = 0 if vehicles.class_id is None else int(vehicles.class_id[index])
    return PixelDetection(
        class_name=VEHICLE_CLASSES[class_id],
        confidence=round(confidence, 3),
        bbox=(round(x1, 1), round(y1, 1), round(x2 - x1, 1), round(y2 - y1, 1)),
        track_id=track_id_at(vehicles, index),
        center=(round((x1 + x2) / 2, 1), round((y1 + y2) / 2, 1)),
    )


def describe_space(space: ParkingSpace, status: SpaceStatus) -> SpaceOccupancy:
    """One space as the message has it."""
    x, y, width, height = space.bounds
    return SpaceOccupancy(
        space_id=space.space_id,
        space_name=space.space_name,
        is_occupied=status.state != "free",
        bbox=NormalisedBox(x=x, y=y, width=width, height=height),
        polygon=space.polygon,
        state=status.state,
    )
