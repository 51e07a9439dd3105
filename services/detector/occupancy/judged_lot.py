"""The spaces of one camera as a judge sees them: looks and motion in, states and events out. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from libs.common.spaces import EventReason, OccupancyEvent, SpaceStatus
from services.detector.occupancy.judged_space import JudgedSpace
from services.detector.occupancy.look import Look

SPACES_MAX: Final = 64
"""Spaces in one look, the most urgent ones: it takes some 150 ms."""
UNCLEAR_PAUSE_MS: Final = 2000
"""Between two looks at a view that is not clear."""
STILL_FACTOR: Final = 12
"""How much rarer a space is looked at where nothing moves and nothing is in doubt."""
GAP_MS: Final = 60_000
"""Frames further apart leave a gap, in which vehicles may have come and left unseen."""
SET_BACK_MS: Final = 2000
"""A frame that much older than the one before it: a clock was set back."""
MASS_MIN: Final = 5
MASS_SHARE: Final = 0.35
"""More spaces than both do not change at the same moment while they are watched."""
MASS_MS: Final = 7000
"""How long the looks must agree on so many changes."""


class JudgedLot:
    """What is known of every space of one camera, by looks.

    Attributes:
        spaces: in the camera's order.
    """

    def __init__(self, spaces: Sequence[JudgedSpace], every_ms: int, hold_ms: int) -> None:
        """Start.

        Args:
            spaces: in the camera's order.
            every_ms: between two looks at a space in doubt, and at the view.
            hold_ms: how long a space keeps its state though it cannot be judged.
        """
        self.spaces = spaces
        self._every_ms = every_ms
        self._rarely_ms = every_ms * STILL_FACTOR
        self._hold_ms = max(hold_ms, 2 * every_ms)
        self._asked_at_ms: int | None = None
        self._is_clear = True
        self._started_at_ms: int | None = None
        self._frame_at_ms: int | None = None

    @property
    def statuses(self) -> dict[str, SpaceStatus]:
        """Status by space id."""
        return {one.space.space_id: one.status for one in self.spaces}

    def take_due(self, at_ms: int) -> list[int] | None:
        """Which spaces are to be looked at in a picture captured at that time; they then count as asked.

        Returns:
            Numbers of spaces; none of them if only the view is to be checked; None if no look is due.
        """
        waited_ms = self._rarely_ms if self._asked_at_ms is None else at_ms - self._asked_at_ms
        if not self._is_clear and 0 <= waited_ms < UNCLEAR_PAUSE_MS:
            return None
        urgencies = [one.urgency(at_ms, self._every_ms, self._rarely_ms) for one in self.spaces]
        due = [number for number, urgency in enumerate(urgencies) if urgency is not None]
        if not due and 0 <= waited_ms < self._every_ms:
            return None
        due.sort(key=lambda number: -(urgencies[number] or 0))
        due = sorted(due[:SPACES_MAX])
        for number in due:
            self.spaces[number].ask(at_ms)
        self._asked_at_ms = at_ms
        return due

    def move(self, numbers: Sequence[int], at_ms: int) -> None:
        """Something moved in these spaces, in a picture captured at that time."""
        self._keep_time(at_ms)
        for number in numbers:
            self.spaces[number].move(at_ms)

    def take_look(self, look: Look) -> list[OccupancyEvent]:
        """Take in a look; the changes that a lost view brings."""
        view = look.view
        self._is_clear = view.condition == "clear"
        if self._is_clear:
            at_ms = look.captured_at_ms
            for number, probability in look.hidden_probabilities.items():
                self.spaces[number].note_hidden(probability)
            hidden = {
                number
                for number, one in enumerate(self.spaces)
                if one.hide(number in look.hidden or one.seems_hidden, at_ms)
            }
            unseen = look.unseen | hidden
            for number, one in enumerate(self.spaces):
                if number not in unseen:
                    one.seen_at_ms = look.captured_at_ms
            for number, probability in look.probabilities.items():
                if number in hidden:
                    self.spaces[number].pass_over(at_ms)
                elif number not in unseen:
                    self.spaces[number].look(probability, at_ms, view.is_weak)
            return []
        for one in self.spaces:
            one.interrupt()
        if view.condition == "frozen" or view.is_confirmed:
            return self.lose(look.captured_at_ms)
        return []

    def settle(self, now_ms: int, track_ids: Mapping[int, int | None]) -> list[OccupancyEvent]:
        """Change what the looks have decided by now.

        Args:
            now_ms: when the frame at hand was captured.
            track_ids: of the vehicles that stand in spaces now, by the space's number.
        """
        self._keep_time(now_ms)
        changing = [number for number, one in enumerate(self.spaces) if one.wants_change()]
        watched = [number for number in changing if self.spaces[number].reason in ("arrived", "left")]
        if len(watched) > max(MASS_MIN, MASS_SHARE * len(self.spaces)):
            lasted = [number for number in watched if self.spaces[number].agreed_for_ms >= MASS_MS]
            changing = [number for number in changing if number not in watched or number in lasted]
        events = []
        for number in changing:
            one = self.spaces[number]
            before, reason, probability = one.status, one.reason, one.belief.probability
            one.change(track_ids.get(number), reason)
            evidence = probability if one.status.state == "occupied" else 1 - probability
            events.append(_event(one, before, reason, round(evidence, 3)))
        return events + self._release_unseen(now_ms)

    def see_nothing(self, now_ms: int) -> list[OccupancyEvent]:
        """A frame shows nothing; the changes of spaces that could not be judged for too long."""
        for one in self.spaces:
            one.interrupt()
        return self.settle(now_ms, {})

    def lose(self, now_ms: int, reason: EventReason = "view lost") -> list[OccupancyEvent]:
        """Nothing can be seen: every space becomes unknown."""
        events = []
        for one in self.spaces:
            before = one.status
            if one.lose(now_ms, reason):
                events.append(_event(one, before, reason, None))
        return events

    def _keep_time(self, now_ms: int) -> None:
        """Notice a gap between frames, or a clock that was set: the times so far say nothing any more."""
        before_ms, self._frame_at_ms = self._frame_at_ms, now_ms
        if self._started_at_ms is None:
            self._started_at_ms = now_ms
        elif before_ms is not None and not -SET_BACK_MS <= now_ms - before_ms <= GAP_MS:
            self._started_at_ms, self._asked_at_ms = now_ms, None
            for one in self.spaces:
                one.interrupt()
                one.forget_times()

    def _release_unseen(self, now_ms: int) -> list[OccupancyEvent]:
        """Spaces that could not be judged for too long become unknown."""
        events = []
        for one in self.spaces:
            seen_at_ms = self._started_at_ms if one.seen_at_ms is None else one.seen_at_ms
            if one.status.state == "unknown" or seen_at_ms is None:
                continue  # its looks go on adding up
            if now_ms - seen_at_ms > self._hold_ms:
                before = one.status
                if one.lose(now_ms, "view lost"):
                    events.append(_event(one, before, "view lost", None))
        return events


def _event(one: JudgedSpace, before: SpaceStatus, reason: EventReason, evidence: float | None) -> OccupancyEvent:
    return OccupancyEvent(
        space_id=one.space.space_id,
        space_name=one.space.space_name,
        state=one.status.state,
        previous=before.state,
        at_ms=one.status.since_ms,
        track_id=one.status.track_id if one.status.state == "occupied" else before.track_id,
        reason=reason,
        evidence=evidence,
    )
