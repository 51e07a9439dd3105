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
from services.detector.engines.base import empty_detections
from services.detector.mailbox import Letter
from services.detector.metadata import build_metadata
from services.detector.motion import MotionGate, Sight
from services.detector.occupancy.hysteresis import Patience
from services.detector.occupancy.lot import Lot
from services.detector.occupancy.matching import Match
from services.detector.pictures import FramePicture, encode
from services.detector.settings import DetectorSettings
from services.detector.tracking import CameraTracker

PENDING_EVENTS_MAX = 1000
LATEST_EVERY_MS = 1000
"""How old `latest` may grow while nobody watches."""
INSPECTION_REST = 12
"""How much rarer close looks are while nothing moves."""
INSPECTION_PAUSE_MS = 1000
"""Between two close looks, however much moves."""


@dataclass(slots=True)
class Counters:
    """What became of a camera's frames here."""

    frames: int = 0
    still: int = 0
    blind: int = 0
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
    """What was found in a frame.

    Attributes:
        picture: the frame's, decoded as far as was needed.
        sight: whether there was anything to see in it.
        vehicles: down to the confidence that keeps a track alive; None if the model did not look: the last ones hold.
        inspected: in a close look at the spaces; None if this frame got none.
    """

    picture: FramePicture
    sight: Sight
    vehicles: sv.Detections | None = None
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
        self.shown_at_ms = 0
        self.is_watched = False
        self.expects_motion = True
        self.gate = MotionGate(settings.motion_threshold, round(settings.look_every_s * 1000))
        self.turn: asyncio.Future[None] | None = None
        self._settings = settings
        self._detector = detector
        self._patience = Patience(round(settings.occupied_after_s * 1000), round(settings.free_after_s * 1000))
        self._tracked = self.tracker.update(empty_detections(), self.last_frame_at_ms)
        self._drawn: tuple[tuple[object, ...], bytes] | None = None
        self._annotator: tuple[tuple[int, int], Lot, FrameAnnotator] | None = None
        self.lot = Lot(spaces, known, self._patience, now_ms())

    def change_spaces(self, spaces: Sequence[ParkingSpace]) -> None:
        """Use other spaces from the next frame on; those that remain keep what is known of them."""
        self.lot = Lot(spaces, self.lot.statuses, self._patience, now_ms())

    def change_motion_threshold(self, threshold: float | None) -> None:
        """Use another threshold of the motion gate (0..255) from the next frame on; None: the settings'."""
        self.gate.threshold = self._settings.motion_threshold if threshold is None else threshold

    def is_inspection_due(self, at_ms: int) -> bool:
        """Whether the spaces should be looked at closely in this frame; it is then taken to be done.

        While nothing moves, what the last close look found still holds, and it is repeated rarely.
        """
        every_ms = self._settings.inspect_every_s * 1000
        if not every_ms or not self.lot.spaces:
            return False
        wait_ms = every_ms if self.gate.has_moved else every_ms * INSPECTION_REST
        if self.lot.wants_inspection:
            wait_ms = min(every_ms, INSPECTION_PAUSE_MS)
        if at_ms - self.inspected_at_ms < wait_ms:
            return False
        self.inspected_at_ms = at_ms
        self.gate.has_moved = False
        return True

    def wants_picture(self, at_ms: int) -> bool:
        """Whether this frame's picture is to be drawn: somebody watches, or `latest` has grown old."""
        return self.is_watched or at_ms - self.shown_at_ms >= LATEST_EVERY_MS

    def finish(self, letter: Letter, look: Look, detected_at_ms: int, show: bool) -> AnnotatedFrame | None:
        """Track and match one frame, and draw and encode it if it is to be shown.

        Args:
            letter: the frame and when it was read.
            look: what was found in it.
            detected_at_ms: when it had been found.
            show: whether to draw.

        Returns:
            The picture with what is known of it; None if it is not to be shown.

        Raises:
            FrameError: the picture cannot be decoded or encoded.
        """
        lot, frame = self.lot, letter.frame
        if look.vehicles is not None or look.sight == "blind":
            found = empty_detections() if look.vehicles is None else look.vehicles
            self._tracked = self.tracker.update(found, frame.captured_at_ms)
        tracked = self._tracked
        matches: list[Match] = []
        if look.sight == "blind":
            self.add_events(lot.lose_sight(frame.captured_at_ms))
        else:
            if look.inspected is not None:
                lot.inspect(look.inspected, look.picture.size)
            matches, events = lot.see(tracked, look.picture.size, frame.captured_at_ms)
            self.add_events(events)
        if not show:
            return None
        metadata = build_metadata(
            tracked,
            lot.spaces,
            lot.statuses,
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
        return AnnotatedFrame(self._draw(lot, look, tracked), metadata)

    def _draw(self, lot: Lot, look: Look, tracked: sv.Detections) -> bytes:
        """The annotated JPEG; where picture and findings are the last ones still, so is the JPEG."""
        states = tuple(lot.statuses[space.space_id].state for space in lot.spaces)
        track_ids = () if tracked.tracker_id is None else tuple(tracked.tracker_id.tolist())
        drawn = states, track_ids, id(lot)
        if look.sight == "still" and self._drawn is not None and self._drawn[0] == drawn:
            return self._drawn[1]
        picture = look.picture.full
        self._annotator_for(lot, look.picture.size).annotate(picture, tracked, list(states))
        jpeg = encode(picture, self._settings.jpeg_quality)
        self._drawn = drawn, jpeg
        return jpeg

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
