"""The spaces of one camera and their states: vehicles, looks and motion in, states and events out. Pure.

Where a judge looks at the spaces, its looks decide. Where none does, the vehicles that were found in each frame do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import supervision as sv

from libs.common.spaces import EventReason, OccupancyEvent, ParkingSpace, SpaceStatus
from services.detector.occupancy.hysteresis import Debounce, SpaceClock
from services.detector.occupancy.judged_lot import JudgedLot
from services.detector.occupancy.judged_space import JudgedSpace
from services.detector.occupancy.look import Look
from services.detector.occupancy.matching import Match, SpaceMatcher
from services.detector.occupancy.space_motion import SpaceMotion
from services.detector.tracking import track_id_at


@dataclass(frozen=True, slots=True)
class LookRules:
    """How a lot is looked at.

    Attributes:
        every_ms: between two looks at a space in doubt; 0: no judge looks, the vehicles in each frame decide.
        hold_ms: how long a space keeps its state though it cannot be judged.
        one_space_each: whether a vehicle takes one space only, though it covers another one as well.
    """

    every_ms: int = 0
    hold_ms: int = 300_000
    one_space_each: bool = False


class Lot:
    """What is known of every space of one camera.

    Attributes:
        spaces: the camera's spaces.
        judged: the spaces by what a judge's looks say; None if no judge looks.
    """

    def __init__(
        self,
        spaces: Sequence[ParkingSpace],
        known: Mapping[str, SpaceStatus],
        debounce: Debounce,
        now_ms: int,
        rules: LookRules = LookRules(),
    ) -> None:
        """Start from what was known before.

        Args:
            spaces: the camera's spaces.
            known: status by space id from an earlier run; a space that is not in it is unknown.
            debounce: how long a change must last where the space does not say.
            now_ms: since when spaces that were not known are unknown.
            rules: how they are looked at.
        """
        self.spaces = list(spaces)
        self._default_debounce, self._rules = debounce, rules
        self._debounce = [debounce.at(space) for space in spaces]
        unknown = SpaceStatus(state="unknown", since_ms=now_ms)
        statuses = [known.get(space.space_id, unknown) for space in spaces]
        self._clocks = [SpaceClock(status) for status in statuses]
        self._matcher: tuple[tuple[int, int], SpaceMatcher] | None = None
        self._matched: tuple[sv.Detections, list[Match]] | None = None
        self._motion: SpaceMotion | None = None
        self._redrawn: set[str] = set()
        self.judged: JudgedLot | None = None
        if rules.every_ms:
            reasons: list[EventReason] = [_first_reason(known.get(space.space_id)) for space in spaces]
            parts = zip(self.spaces, statuses, self._debounce, reasons, strict=True)
            self.judged = self._judge([JudgedSpace(*part) for part in parts])

    @property
    def statuses(self) -> dict[str, SpaceStatus]:
        """Status by space id."""
        if self.judged is not None:
            return self.judged.statuses
        return {space.space_id: clock.status for space, clock in zip(self.spaces, self._clocks, strict=True)}

    def with_spaces(self, spaces: Sequence[ParkingSpace], now_ms: int) -> Lot:
        """A lot of other spaces; those that remain as they are keep what is known of them.

        A space that was drawn anew keeps its state until the judge has looked at it.
        """
        lot = Lot(spaces, self.statuses, self._default_debounce, now_ms, self._rules)
        drawn = {space.space_id: space.polygon for space in self.spaces}
        lot._redrawn = {one.space_id for one in spaces if drawn.get(one.space_id, one.polygon) != one.polygon}
        if self.judged is not None and lot.judged is not None:
            before = {one.space.space_id: one for one in self.judged.spaces}
            kept = [_carried_over(one, before.get(one.space.space_id)) for one in lot.judged.spaces]
            lot.judged = lot._judge(kept)
        return lot

    def see(
        self, vehicles: sv.Detections, picture_size: tuple[int, int], now_ms: int
    ) -> tuple[list[Match], list[OccupancyEvent]]:
        """Take in the vehicles of one frame.

        Args:
            vehicles: boxes in pixels, with `tracker_id`.
            picture_size: (width, height) of the frame.
            now_ms: when it was captured.

        Returns:
            Which vehicle stands where in this frame, and the changes of state by now.
        """
        matches = self._match(vehicles, picture_size)
        track_ids = {match.space: track_id_at(vehicles, match.vehicle) for match in matches}
        if self.judged is not None:
            return matches, self.judged.settle(now_ms, track_ids)
        events = []
        for number, (space, clock) in enumerate(zip(self.spaces, self._clocks, strict=True)):
            before = clock.status
            after = clock.see(number in track_ids, track_ids.get(number), now_ms, self._debounce[number])
            if after is not None:
                events.append(_change(space, clock, before, after, self._reason(space, before, after)))
            elif clock.differs_since_ms is None:
                self._redrawn.discard(space.space_id)  # it was seen as it is known
        return matches, events

    def _reason(self, space: ParkingSpace, before: SpaceStatus, after: SpaceStatus) -> EventReason:
        if space.space_id in self._redrawn:
            self._redrawn.discard(space.space_id)
            return "space changed"
        if before.state == "unknown":
            return "view regained" if before.reason in ("view lost", "camera off") else "first look"
        return "arrived" if after.state == "occupied" else "left"

    def move(self, changed: npt.NDArray[np.bool_] | None, at_ms: int) -> None:
        """Take in where the picture changed in a frame captured at that time.

        Args:
            changed: (height, width) of the thumbnail; None if it may have changed everywhere.
            at_ms: when the frame was captured.
        """
        if self.judged is None:
            return
        if changed is None:
            self.judged.move(range(len(self.spaces)), at_ms)
            return
        size = changed.shape[1], changed.shape[0]
        if self._motion is None or self._motion.size != size:
            self._motion = SpaceMotion(self.spaces, size)
        self.judged.move(self._motion.moved(changed, at_ms), at_ms)

    def take_due(self, at_ms: int) -> list[int] | None:
        """Which spaces a judge is to look at in a frame captured at that time; see `JudgedLot.take_due`."""
        return None if self.judged is None or not self.spaces else self.judged.take_due(at_ms)

    def look(self, look: Look) -> list[OccupancyEvent]:
        """Take in a judge's look at an earlier picture; the changes of state that a lost view brings."""
        return [] if self.judged is None else self.judged.take_look(look)

    def see_nothing(self, now_ms: int) -> list[OccupancyEvent]:
        """The frame shows nothing: it is dark, or the lens is covered; the changes that this brought.

        A judged space keeps its state for as long as the settings say; else it becomes unknown at once.
        """
        return self.lose_sight(now_ms) if self.judged is None else self.judged.see_nothing(now_ms)

    def lose_sight(self, now_ms: int, reason: EventReason = "view lost") -> list[OccupancyEvent]:
        """No frame comes, or the camera is off: every space becomes unknown; the changes that this brought."""
        if self.judged is not None:
            return self.judged.lose(now_ms, reason)
        events = []
        for space, clock in zip(self.spaces, self._clocks, strict=True):
            before = clock.status
            after = clock.lose_sight(now_ms)
            if after is not None:
                events.append(_change(space, clock, before, after, reason))
        return events

    def _judge(self, spaces: list[JudgedSpace]) -> JudgedLot:
        return JudgedLot(spaces, self._rules.every_ms, self._rules.hold_ms)

    def _match(self, vehicles: sv.Detections, picture_size: tuple[int, int]) -> list[Match]:
        if self._matched is not None and self._matched[0] is vehicles:
            return self._matched[1]  # nothing moved since the last frame: the same vehicles, the same answer
        if self._matcher is None or self._matcher[0] != picture_size:
            self._matcher = picture_size, SpaceMatcher(self.spaces, picture_size, self._rules.one_space_each)
        matches = self._matcher[1].match(vehicles.xyxy, vehicles.confidence)
        self._matched = vehicles, matches
        return matches


def _carried_over(new: JudgedSpace, before: JudgedSpace | None) -> JudgedSpace:
    if before is None:
        return new
    if before.space == new.space:
        return before
    return JudgedSpace(new.space, before.status, new.debounce, "space changed")


def _first_reason(known: SpaceStatus | None) -> EventReason:
    """Of the first change since the detector began to watch a space: what it was before changed unseen."""
    if known is None or (known.state == "unknown" and known.reason not in ("view lost", "camera off")):
        return "first look"
    return "view regained"


def _change(
    space: ParkingSpace, clock: SpaceClock, before: SpaceStatus, after: SpaceStatus, reason: EventReason
) -> OccupancyEvent:
    clock.status = after.model_copy(update={"reason": reason})
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
