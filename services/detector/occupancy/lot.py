"""The spaces of one camera and their states: matches in, states and events out. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import supervision as sv

from libs.common.spaces import EventReason, OccupancyEvent, ParkingSpace, SpaceStatus
from services.detector.occupancy.hysteresis import Debounce, SpaceClock
from services.detector.occupancy.matching import Match, SpaceMatcher
from services.detector.tracking import track_id_at

LOOKS_AFTER_LEAVING: Final = 3
"""Close looks for a vehicle that vanished from its space in the whole picture and is still found in close ones."""


class Lot:
    """What is known of every space of one camera.

    Attributes:
        spaces: the camera's spaces.
        wants_inspection: a close look would tell something new: there was none yet, or a vehicle vanished from a space.
    """

    def __init__(
        self, spaces: Sequence[ParkingSpace], known: Mapping[str, SpaceStatus], debounce: Debounce, now_ms: int
    ) -> None:
        """Start from what was known before.

        Args:
            spaces: the camera's spaces.
            known: status by space id from an earlier run; a space that is not in it is unknown.
            debounce: how long a change must last where the space does not say.
            now_ms: since when spaces that were not known are unknown.
        """
        self.spaces = list(spaces)
        self._debounce = [debounce.at(space) for space in spaces]
        unknown = SpaceStatus(state="unknown", since_ms=now_ms)
        self._clocks = {space.space_id: SpaceClock(known.get(space.space_id, unknown)) for space in spaces}
        self._redrawn: set[str] = set()
        self._matcher: tuple[tuple[int, int], SpaceMatcher] | None = None
        self._matched: tuple[sv.Detections, list[Match]] | None = None
        self._inspected: frozenset[int] = frozenset()
        self._tracked_in: frozenset[int] = frozenset()
        self._left: dict[int, int] = {}
        self._confirmed: frozenset[int] = frozenset()
        self.wants_inspection = True

    @property
    def statuses(self) -> dict[str, SpaceStatus]:
        """Status by space id."""
        return {space_id: clock.status for space_id, clock in self._clocks.items()}

    def mark_redrawn(self, space_ids: Collection[str]) -> None:
        """Note that these spaces' polygons were changed: if their state differs next, that is the reason."""
        self._redrawn |= set(space_ids)

    def inspect(self, vehicles: sv.Detections, picture_size: tuple[int, int], *, has_moved: bool) -> None:
        """Take in a close look: until the next one, a space where it found a vehicle counts as taken.

        Args:
            vehicles: boxes in pixels.
            picture_size: (width, height) of the frame.
            has_moved: whether anything did since that frame.
        """
        self._inspected = frozenset(match.space for match in self._match(vehicles, picture_size))
        standing = {space: looks for space, looks in self._left.items() if space in self._inspected}
        if has_moved:
            # What drives away may still have been there in the look's frame: then it must not hold until the next.
            self._left = {space: looks - 1 for space, looks in standing.items() if looks > 1}
        else:
            self._left = {}
            self._confirmed |= standing.keys()
        self.wants_inspection = bool(self._left)

    def see(
        self, vehicles: sv.Detections, picture_size: tuple[int, int], now_ms: int, *, has_moved: bool = True
    ) -> tuple[list[Match], list[OccupancyEvent]]:
        """Take in the vehicles of one frame.

        Args:
            vehicles: boxes in pixels, with `tracker_id`.
            picture_size: (width, height) of the frame.
            now_ms: when it was captured.
            has_moved: whether anything did since the last close look. Where nothing does, a model still misses a parked
                vehicle now and then; a close look that found it there is not asked for again.

        Returns:
            Which vehicle stands where in this frame, and the changes of state that it brought.
        """
        matches = self._match(vehicles, picture_size)
        vehicle_in = {match.space: match.vehicle for match in matches}
        if has_moved:
            self._confirmed = frozenset()
        vanished = self._tracked_in - vehicle_in.keys() - self._confirmed
        if vanished:
            self.wants_inspection = True  # a vehicle left, or was missed: a close look tells which
        self._left = {space: looks for space, looks in self._left.items() if space not in vehicle_in}
        self._left |= dict.fromkeys(vanished, LOOKS_AFTER_LEAVING)
        self._tracked_in = frozenset(vehicle_in)
        events = []
        for number, space in enumerate(self.spaces):
            vehicle = vehicle_in.get(number)
            track_id = None if vehicle is None else track_id_at(vehicles, vehicle)
            clock = self._clocks[space.space_id]
            before = clock.status
            after = clock.see(
                vehicle is not None or number in self._inspected, track_id, now_ms, self._debounce[number]
            )
            if after is not None:
                events.append(self._change(space, before, after, self._reason(space, before, after)))
            elif clock.differs_since_ms is None:
                self._redrawn.discard(space.space_id)  # it was seen as it is known
        return matches, events

    def _reason(self, space: ParkingSpace, before: SpaceStatus, after: SpaceStatus) -> EventReason:
        if space.space_id in self._redrawn:
            return "space changed"
        if before.state == "unknown":
            return "view regained" if before.reason in ("view lost", "camera off") else "first look"
        return "arrived" if after.state == "occupied" else "left"

    def _change(
        self, space: ParkingSpace, before: SpaceStatus, after: SpaceStatus, reason: EventReason
    ) -> OccupancyEvent:
        self._redrawn.discard(space.space_id)
        self._clocks[space.space_id].status = after.model_copy(update={"reason": reason})
        return _event(space, before, after, reason)

    def _match(self, vehicles: sv.Detections, picture_size: tuple[int, int]) -> list[Match]:
        if self._matched is not None and self._matched[0] is vehicles:
            return self._matched[1]  # nothing moved since the last frame: the same vehicles, the same answer
        if self._matcher is None or self._matcher[0] != picture_size:
            self._matcher = picture_size, SpaceMatcher(self.spaces, picture_size)
        matches = self._matcher[1].match(vehicles.xyxy, vehicles.confidence)
        self._matched = vehicles, matches
        return matches

    def lose_sight(self, now_ms: int, reason: EventReason = "view lost") -> list[OccupancyEvent]:
        """The camera shows nothing, or is off: every space becomes unknown; the changes that this brought."""
        self._inspected, self._confirmed, self._left = frozenset(), frozenset(), {}
        self.wants_inspection = True
        events = []
        for space in self.spaces:
            clock = self._clocks[space.space_id]
            before = clock.status
            after = clock.lose_sight(now_ms)
            if after is not None:
                events.append(self._change(space, before, after, reason))
        return events


def _event(space: ParkingSpace, before: SpaceStatus, after: SpaceStatus, reason: EventReason) -> OccupancyEvent:
    return OccupancyEvent(
        space_id=space.space_id,
        space_name=space.space_name,
        state=after.state,
        previous=before.state,
        at_ms=after.since_ms,
        # A space that was left names the track that had stood there.
        track_id=after.track_id if after.state == "occupied" else before.track_id,
        reason=reason,
    )
