"""What a frame becomes on its way: detections, tracks and space states, a drawing, an encoded picture."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import supervision as sv

from libs.common.messages import FrameMetadata
from libs.common.spaces import OccupancyEvent, SpaceState, SpaceStatus
from services.detector.engines.base import Picture
from services.detector.motion import GateVerdict
from services.detector.occupancy.lot import Lot
from services.detector.occupancy.matching import Match
from services.detector.pictures import FramePicture, encode


@dataclass(frozen=True, slots=True)
class Inference:
    """What the motion gate and the model say about one frame.

    Attributes:
        picture: the frame's picture, decoded as far as was needed.
        verdict: whether the picture shows anything new, or anything at all.
        vehicles: detections down to the confidence that keeps a track alive; None if the model did not run.
        inference_ms: how long the model took, in milliseconds.
    """

    picture: FramePicture
    verdict: GateVerdict
    vehicles: sv.Detections | None = None
    inference_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class FrameResult:
    """The state of a camera after one frame.

    Attributes:
        lot: the spaces that the frame was matched with.
        tracked: the vehicles, with their tracks.
        matches: which vehicle stands in which space.
        statuses: by space id, after this frame.
        events: the changes of state that the frame brought.
    """

    lot: Lot
    tracked: sv.Detections
    matches: list[Match]
    statuses: dict[str, SpaceStatus]
    events: list[OccupancyEvent]

    @property
    def states(self) -> list[SpaceState]:
        """The states of the spaces, in their order."""
        return [self.statuses[space.space_id].state for space in self.lot.spaces]

    def is_drawn_like(self, earlier: FrameResult) -> bool:
        """Whether the same is drawn for this frame as for an earlier one, if the camera's picture is the same."""
        return self.lot is earlier.lot and self.tracked is earlier.tracked and self.states == earlier.states


class Drawing:
    """An annotated picture. The first thread that asks for the JPEG encodes it; the others get the same bytes."""

    def __init__(self, picture: Picture, jpeg_quality: int) -> None:
        self._picture: Picture | None = picture
        self._jpeg_quality = jpeg_quality
        self._jpeg = b""
        self._lock = threading.Lock()

    def jpeg(self) -> bytes:
        """The encoded picture. Raises `FrameError`."""
        with self._lock:
            if self._picture is not None:
                self._jpeg, self._picture = encode(self._picture, self._jpeg_quality), None
            return self._jpeg


@dataclass(frozen=True, slots=True)
class DrawnFrame:
    """A drawing and its metadata."""

    drawing: Drawing
    metadata: FrameMetadata

    def encode(self) -> AnnotatedFrame:
        """The frame as it is published. Raises `FrameError`."""
        return AnnotatedFrame(self.drawing.jpeg(), self.metadata)


@dataclass(frozen=True, slots=True)
class AnnotatedFrame:
    """A frame as it is published: the annotated JPEG and its metadata."""

    jpeg: bytes
    metadata: FrameMetadata
