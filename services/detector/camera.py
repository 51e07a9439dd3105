"""One camera inside the detector: its tracks, its spaces, its drawing, its counters."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import supervision as sv

from libs.common.clock import now_ms
from libs.common.leases import Lease
from libs.common.messages import FrameMetadata, Timings
from libs.common.rate import RateMeter
from libs.common.spaces import OccupancyEvent, ParkingSpace, SpaceStatus
from services.detector.drawing.annotator import FrameAnnotator
from services.detector.engines.base import Picture
from services.detector.mailbox import Letter
from services.detector.metadata import build_metadata
from services.detector.occupancy.hysteresis import Patience
from services.detector.occupancy.lot import Lot
from services.detector.pictures import encode
from services.detector.settings import DetectorSettings
from services.detector.tracking import CameraTracker

PENDING_EVENTS_MAX = 1000
INSPECTION_PAUSE_MS = 1000
"""Between two close looks, however much moves."""


@dataclass(slots=True)
class Counters:
    """What became of a camera's frames here."""

    frames: int = 0
    undecodable: int = 0
    too_old: int = 0
    engine_failures: int = 0
    unpublished: int = 0
    disowned: int = 0
    events_dropped: int = 0
    error: str = ""
    inference_ms: float = 0.0
    rate: RateMeter = field(default_factory=RateMeter)


@dataclass(frozen=True, slots=True)
class Look:
    """What the engine found in a frame.

    Attributes:
        vehicles: in the whole picture, down to the confidence that keeps a track alive.
        inspected: in a close look at the spaces; None if this frame got none.
    """

    vehicles: sv.Detections
    inspected: sv.Detections | None = None


@dataclass(frozen=True, slots=True)
class AnnotatedFrame:
    """What a frame has become: the picture to show and what is known of it."""

    jpeg: bytes
    metadata: FrameMetadata


class CameraWork:
    """What the detector keeps of one camera between its frames.

    `finish` runs in a worker thread, one frame of the camera at a time and in order; everything else runs on the loop.
    """

    def __init__(
        self,
        lease: Lease,
        spaces: Sequence[ParkingSpace],
        known: Mapping[str, SpaceStatus],
        last_track_id: int,
        settings: DetectorSettings,
        detector: str,
    ) -> None:
        """Start, or take over, a camera.

        Args:
            lease: of the camera; nothing is published once it is not valid.
            spaces: its parking spaces.
            known: what an earlier owner knew of them.
            last_track_id: the greatest track id that the camera ever had.
            settings: of this service.
            detector: this process, for the messages.
        """
        self.lease = lease
        self.camera_id = lease.camera_id
        self.counters = Counters()
        self.tracker = CameraTracker(last_track_id, settings.confidence)
        self.pending_events: deque[OccupancyEvent] = deque()
        self.last_frame_at_ms = now_ms()
        self.logged_at_ms = 0
        self.inspected_at_ms = 0
        self.turn: asyncio.Future[None] | None = None
        self._settings = settings
        self._detector = detector
        self._patience = Patience(round(settings.occupied_after_s * 1000), round(settings.free_after_s * 1000))
        self._annotator: tuple[tuple[int, int], Lot, FrameAnnotator] | None = None
        self.lot = Lot(spaces, known, self._patience, now_ms())

    def change_spaces(self, spaces: Sequence[ParkingSpace]) -> None:
        """Use other spaces from the next frame on; those that remain keep what is known of them."""
        self.lot = Lot(spaces, self.lot.statuses, self._patience, now_ms())

    def is_inspection_due(self, at_ms: int) -> bool:
        """Whether the spaces should be looked at closely in this frame; it is then taken to be done."""
        every_ms = self._settings.inspect_every_s * 1000
        least_ms = min(every_ms, INSPECTION_PAUSE_MS) if self.lot.wants_inspection else every_ms
        if not every_ms or not self.lot.spaces or at_ms - self.inspected_at_ms < least_ms:
            return False
        self.inspected_at_ms = at_ms
        return True

    def finish(self, letter: Letter, picture: Picture, look: Look, detected_at_ms: int) -> AnnotatedFrame:
        """Track, match, draw and encode one frame.

        Args:
            letter: the frame and when it was read.
            picture: the decoded frame; it is drawn into.
            look: what the engine found in it.
            detected_at_ms: when it had found it.

        Raises:
            FrameError: the annotated picture cannot be encoded.
        """
        lot, frame = self.lot, letter.frame
        size = picture.shape[1], picture.shape[0]
        tracked = self.tracker.update(look.vehicles, frame.captured_at_ms)
        if look.inspected is not None:
            lot.inspect(look.inspected, size)
        matches, events = lot.see(tracked, size, frame.captured_at_ms)
        self.add_events(events)
        statuses = lot.statuses
        self._annotator_for(lot, size).annotate(
            picture, tracked, [statuses[space.space_id].state for space in lot.spaces]
        )
        metadata = build_metadata(
            tracked,
            lot.spaces,
            statuses,
            matches,
            detector=self._detector,
            frame_id=frame.frame_id,
            timings=Timings(
                captured_at=frame.captured_at_ms,
                read_at=letter.read_at_ms,
                detected_at=detected_at_ms,
                published_at=detected_at_ms,
            ),
        )
        return AnnotatedFrame(encode(picture, self._settings.jpeg_quality), metadata)

    def lose_sight_if_stale(self, at_ms: int) -> None:
        """Mark every space unknown once no picture has come for the time that the settings allow."""
        if at_ms - self.last_frame_at_ms > self._settings.unknown_after_s * 1000:
            self.add_events(self.lot.lose_sight(at_ms))

    def add_events(self, events: Sequence[OccupancyEvent]) -> None:
        """Keep changes until they are on the bus."""
        self.pending_events.extend(events)
        while len(self.pending_events) > PENDING_EVENTS_MAX:
            self.pending_events.popleft()
            self.counters.events_dropped += 1

    def _annotator_for(self, lot: Lot, size: tuple[int, int]) -> FrameAnnotator:
        if self._annotator is None or self._annotator[0] != size or self._annotator[1] is not lot:
            self._annotator = size, lot, FrameAnnotator(lot.spaces, size)
        return self._annotator[2]
