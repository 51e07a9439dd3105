"""One camera inside the detector: its tracks, its spaces, its drawing, its counters."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import supervision as sv

from libs.common.clock import Stopwatch, now_ms
from libs.common.leases import Lease
from libs.common.messages import RawFrame, Timings
from libs.common.rate import RateMeter
from libs.common.spaces import OccupancyEvent, ParkingSpace, SpaceStatus
from services.detector.drawing.annotator import FrameAnnotator
from services.detector.engines.base import empty_detections
from services.detector.frame_result import Drawing, DrawnFrame, FrameOrder, FrameResult, Inference
from services.detector.latest_frames import PendingFrame
from services.detector.metadata import build_metadata, restamp
from services.detector.motion import MotionGate
from services.detector.occupancy.hysteresis import Debounce
from services.detector.occupancy.lot import Lot
from services.detector.occupancy.matching import Match
from services.detector.settings import DetectorSettings
from services.detector.tracking import CameraTracker, no_tracks

PENDING_EVENTS_MAX = 1000
LATEST_EVERY_S = 1.0
"""How old `latest` may grow while nobody watches."""
INSPECTION_REST = 12
"""How much rarer close looks are while nothing moves."""
INSPECTION_PAUSE_S = 1.0
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
    latency_ms: int = 0
    rate: RateMeter = field(default_factory=RateMeter)


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a close look found: vehicles in a picture of that size (width, height), round the spaces of that lot."""

    lot: Lot
    vehicles: sv.Detections
    picture_size: tuple[int, int]


class CameraWork:
    """What the detector keeps of one camera between its frames.

    `follow` and `draw` run in a worker thread, one frame of the camera at a time and in order; everything else runs on
    the loop.
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
        self.publishing = asyncio.Lock()
        self.since_frame, self.since_shown, self.since_inspected = Stopwatch(), Stopwatch(), Stopwatch()
        self.since_logged, self.since_touched = Stopwatch(), Stopwatch()
        self.since_frame.restart()  # it has as long as any for its first
        self.inspected: Inspected | None = None
        self.frame_count: int | None = None
        self.stored_track_id: int | None = None
        self.logged_at_ms: int | None = None  # by Redis's clock, as its entries' ids are
        self.is_unsettled = False
        self.is_watched = False
        self.expects_motion = True
        self.gate = MotionGate(settings.motion_threshold, round(settings.look_every_s * 1000))
        self.last_order: FrameOrder | None = None
        self._settings = settings
        self._detector = detector
        self._debounce = Debounce(round(settings.occupied_after_s * 1000), round(settings.free_after_s * 1000))
        self._tracked = no_tracks()
        self._shown: tuple[FrameResult, DrawnFrame] | None = None
        self._annotator: tuple[tuple[int, int], Lot, FrameAnnotator] | None = None
        self.lot = Lot(spaces, known, self._debounce, now_ms())

    def change_spaces(self, spaces: Sequence[ParkingSpace]) -> None:
        """Use other spaces from the next frame on; those that remain keep what is known of them."""
        self.lot = Lot(spaces, self.lot.statuses, self._debounce, now_ms())

    def change_motion_threshold(self, threshold: float | None) -> None:
        """Use another threshold of the motion gate (0..255) from the next frame on; None: the settings'."""
        self.gate.threshold = self._settings.motion_threshold if threshold is None else threshold

    def is_inspection_due(self) -> bool:
        """Whether the spaces should be looked at closely in the frame at hand; it is then taken to be done.

        While nothing moves, what the last close look found still holds, and it is repeated rarely.
        """
        every_s = self._settings.inspect_every_s
        if not every_s or not self.lot.spaces:
            return False
        wait_s = every_s if self.gate.has_moved else every_s * INSPECTION_REST
        if self.lot.wants_inspection:
            wait_s = min(every_s, INSPECTION_PAUSE_S)
        if self.since_inspected.elapsed_s() < wait_s:
            return False
        self.since_inspected.restart()
        self.gate.has_moved = False
        return True

    def wants_picture(self) -> bool:
        """Whether the next frame's picture is to be drawn: somebody watches, or `latest` has grown old."""
        return self.is_watched or self.since_shown.elapsed_s() >= LATEST_EVERY_S

    def follow(self, frame: RawFrame, inference: Inference) -> FrameResult:
        """Track and match what was found in one more frame."""
        lot = self.lot
        if inference.vehicles is not None or inference.verdict == "blind":
            found = empty_detections() if inference.vehicles is None else inference.vehicles
            self._tracked = self.tracker.update(found, frame.captured_at_ms)
        tracked = self._tracked
        matches: list[Match] = []
        if inference.verdict == "blind":
            events = lot.lose_sight(frame.captured_at_ms)
        else:
            inspected, self.inspected = self.inspected, None
            if inspected is not None and inspected.lot is lot:
                lot.inspect(inspected.vehicles, inspected.picture_size, has_moved=self.gate.has_moved)
            matches, events = lot.see(
                tracked, inference.picture.size, frame.captured_at_ms, has_moved=self.gate.has_moved
            )
        return FrameResult(lot, tracked, matches, lot.statuses, events)

    def draw(self, pending: PendingFrame, inference: Inference, result: FrameResult, detected_at_ms: int) -> DrawnFrame:
        """Draw what was found in a frame into it.

        Args:
            pending: the frame and when it was read.
            look: what was found in it.
            result: what `follow` made of that.
            detected_at_ms: when it had been found.

        Raises:
            FrameError: the picture cannot be decoded.
        """
        frame, lot = pending.frame, result.lot
        timings = Timings(
            captured_at=frame.captured_at_ms,
            read_at=pending.read_at_ms,
            detected_at=detected_at_ms,
            published_at=detected_at_ms,
        )
        if inference.verdict == "still" and self._shown is not None and result.look_like(self._shown[0]):
            shown = self._shown[1]
            return DrawnFrame(shown.drawing, restamp(shown.metadata, frame.frame_id, timings))
        metadata = build_metadata(
            result.tracked,
            lot.spaces,
            result.statuses,
            result.matches,
            detector=self._detector,
            frame_id=frame.frame_id,
            timings=timings,
        )
        picture = inference.picture
        self._annotator_for(lot, picture.size).annotate(picture.full, result.tracked, result.states)
        drawn = DrawnFrame(Drawing(picture.full, self._settings.jpeg_quality), metadata)
        self._shown = result, drawn
        return drawn

    def lose_sight_if_stale(self) -> None:
        """Mark every space unknown once no picture has come for the time that the settings allow."""
        frame_is_under_way = self.last_order is not None and not self.last_order.ended.done()
        if not frame_is_under_way and self.since_frame.elapsed_s() > self._settings.unknown_after_s:
            self.keep_events(self.lot.lose_sight(now_ms()))

    def keep_events(self, events: Sequence[OccupancyEvent]) -> None:
        """Keep changes until they are on the bus."""
        self.pending_events.extend(events)
        while len(self.pending_events) > PENDING_EVENTS_MAX:
            self.pending_events.popleft()
            self.counters.events_dropped += 1

    def _annotator_for(self, lot: Lot, size: tuple[int, int]) -> FrameAnnotator:
        if self._annotator is None or self._annotator[0] != size or self._annotator[1] is not lot:
            self._annotator = size, lot, FrameAnnotator(lot.spaces, size)
        return self._annotator[2]
