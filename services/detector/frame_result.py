"""What a frame becomes on its way: detections, tracks and space states, a drawing, an encoded picture."""

from __future__ import annotations

import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import supervision as sv

from libs.common.messages import FrameMetadata
from libs.common.spaces import OccupancyEvent, SpaceState, SpaceStatus
from services.detector.engines.base import Picture, empty_detections
from services.detector.motion import GateVerdict
from services.detector.occupancy.lot import Lot
from services.detector.occupancy.matching import Match
from services.detector.pictures import FramePicture, encode

PictureKind = Literal["annotated", "plain", "small"]
"""What a viewer may watch; each has a channel of its own."""
TREMBLE_PIXELS: Final = 4.0
"""How far the box of a vehicle that stands still may move between two runs of the model."""


@dataclass(frozen=True, slots=True)
class Inference:
    """What the motion gate and the model say about one frame.

    Attributes:
        picture: the frame's picture, decoded as far as was needed.
        verdict: whether the picture shows anything new, or anything at all.
        vehicles: detections down to the confidence that keeps a track alive; None if the model did not run.
        inference_ms: how long the model took, in milliseconds.
        moved: whether something moved; False also where the model ran because its last result was old.
        changed: where the picture's thumbnail changed, (height, width); None if it may have changed everywhere.
    """

    picture: FramePicture
    verdict: GateVerdict
    vehicles: sv.Detections | None = None
    inference_ms: float = 0.0
    moved: bool = True
    changed: npt.NDArray[np.bool_] | None = None


@dataclass(frozen=True, slots=True)
class FrameResult:
    """The state of a camera after one frame.

    Attributes:
        lot: the spaces that the frame was matched with.
        tracked: the vehicles, with their tracks.
        matches: which vehicle stands in which space.
        statuses: by space id, after this frame.
        events: the changes of state that the frame brought.
        detected: what the model found, down to the confidence that keeps a track alive.
        due: the numbers of the spaces to look at in this frame; none of them if only the view is to be checked; None
            if no look is due.
    """

    lot: Lot
    tracked: sv.Detections
    matches: list[Match]
    statuses: dict[str, SpaceStatus]
    events: list[OccupancyEvent]
    detected: sv.Detections = field(default_factory=empty_detections)
    due: list[int] | None = None

    @property
    def states(self) -> list[SpaceState]:
        """The states of the spaces, in their order."""
        return [self.statuses[space.space_id].state for space in self.lot.spaces]

    def is_drawn_like(self, earlier: FrameResult) -> bool:
        """Whether the same is drawn for this frame as for an earlier one, if the camera's picture is the same."""
        return self.lot is earlier.lot and self.tracked is earlier.tracked and self.states == earlier.states

    def looks_like(self, earlier: FrameResult) -> bool:
        """Whether a viewer would see no difference: the same tracks, boxes that only tremble, the same states."""
        if self.is_drawn_like(earlier):
            return True
        now, before = self.tracked, earlier.tracked
        return (
            self.lot is earlier.lot
            and self.states == earlier.states
            and len(now) == len(before)
            and now.tracker_id is not None
            and np.array_equal(now.tracker_id, before.tracker_id)
            and bool((np.abs(now.xyxy - before.xyxy) <= TREMBLE_PIXELS).all())
        )


class Drawing:
    """A picture to be encoded. The first thread that asks for the JPEG encodes it; the others get the same bytes."""

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


class StillScene:
    """Frames in a row that show the same.

    Attributes:
        since: `frame_count` of the first of them that was published; None before that.
    """

    def __init__(self) -> None:
        self.since: int | None = None


@dataclass(frozen=True, slots=True)
class DrawnFrame:
    """The pictures of a frame that somebody wants, not encoded yet, and its metadata.

    Attributes:
        metadata: of the frame.
        scene: what it shows.
        annotated: the annotated picture; None if nobody wants it.
        small: the small one; None likewise, or where the camera's own picture is small enough.
        plain: the camera's JPEG; None if nobody wants it, nor a small picture that this one serves for.
    """

    metadata: FrameMetadata
    scene: StillScene
    annotated: Drawing | None = None
    small: Drawing | None = None
    plain: bytes | None = None

    def encode(self, kinds: Collection[PictureKind]) -> AnnotatedFrame:
        """The frame as it is published. Raises `FrameError`.

        Args:
            kinds: the pictures that somebody wants.
        """
        small = self.plain if self.small is None else self.small.jpeg()
        return AnnotatedFrame(
            None if self.annotated is None or "annotated" not in kinds else self.annotated.jpeg(),
            self.metadata,
            plain=self.plain if "plain" in kinds else None,
            small=small if "small" in kinds else None,
            scene=self.scene,
        )


@dataclass(frozen=True, slots=True)
class AnnotatedFrame:
    """A frame as it is published.

    Attributes:
        jpeg: the annotated picture; None if nobody wants it.
        metadata: of the frame.
        plain: the camera's own picture; None likewise.
        small: a picture `SMALL_WIDTH` wide with nothing drawn into it; None likewise.
        scene: what it shows.
    """

    jpeg: bytes | None
    metadata: FrameMetadata
    plain: bytes | None = None
    small: bytes | None = None
    scene: StillScene = field(default_factory=StillScene)
