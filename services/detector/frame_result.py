"""What a frame becomes on its way: looked at, tracked, drawn, encoded; and its turn among those of its camera."""

from __future__ import annotations

import asyncio
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
    """What was found in a frame.

    Attributes:
        picture: the frame's, decoded as far as was needed.
        verdict: whether there was anything new to see in it, or anything at all.
        vehicles: down to the confidence that keeps a track alive; None if the model did not look: the last ones hold.
        inference_ms: how long the model took for the whole picture.
    """

    picture: FramePicture
    verdict: GateVerdict
    vehicles: sv.Detections | None = None
    inference_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class FrameResult:
    """What a frame says of its camera, with those before it in mind.

    Attributes:
        lot: the spaces that it was matched with.
        tracked: the vehicles, with their tracks.
        matches: which of them stands where.
        statuses: by space id, after this frame.
        events: the changes that it brought.
    """

    lot: Lot
    tracked: sv.Detections
    matches: list[Match]
    statuses: dict[str, SpaceStatus]
    events: list[OccupancyEvent]

    @property
    def states(self) -> list[SpaceState]:
        """Of the spaces, in their order."""
        return [self.statuses[space.space_id].state for space in self.lot.spaces]

    def look_like(self, earlier: FrameResult) -> bool:
        """Whether they are drawn as an earlier frame's, if the camera's picture is the same."""
        return self.lot is earlier.lot and self.tracked is earlier.tracked and self.states == earlier.states


class Drawing:
    """A picture with everything drawn into it; encoded once, by the first of the threads that want it."""

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
    """What a frame has become: a drawing, and what is known of it."""

    drawing: Drawing
    metadata: FrameMetadata

    def encode(self) -> AnnotatedFrame:
        """As it is published. Raises `FrameError`."""
        return AnnotatedFrame(self.drawing.jpeg(), self.metadata)


@dataclass(frozen=True, slots=True)
class AnnotatedFrame:
    """A frame as it is published: the picture to show and what is known of it."""

    jpeg: bytes
    metadata: FrameMetadata


@dataclass(frozen=True, slots=True)
class FrameOrder:
    """One frame's place in the order of its camera's.

    Attributes:
        drawn: set, from whichever thread, once the frame has been tracked and drawn, or will not be.
        ended: done, on the loop, once it has been published, or will not be.
    """

    drawn: threading.Event
    ended: asyncio.Future[None]
