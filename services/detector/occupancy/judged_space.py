"""One space that a judge looks at: looks and motion in, changes of state out. Pure, with time as a value.

A space changes its state when the looks decide so for as long as the debounce asks. While it is watched, nothing can
come or leave without motion in it: a change without any needs to last much longer. And looks that were sure of what is
known are not overturned by unsure ones: what creeps up on a space is light, and what only seems otherwise after
somebody has passed is a shadow.
"""

from __future__ import annotations

from typing import Final

from libs.common.spaces import EventReason, ParkingSpace, SpaceStatus
from services.detector.occupancy.belief import Belief, Verdict
from services.detector.occupancy.hysteresis import Debounce

UNMOVED_MS: Final = 60_000
"""How long the looks must agree on a change without motion, and on a weak one with it."""
WEAK_SHARE: Final = 0.65
"""Looks are weak that are less than so sure as those were that they contradict."""
WEAK_UNMOVED_SHARE: Final = 0.9
"""The same where nothing moved."""
ABRUPT_MS: Final = 60_000
"""What is in doubt for longer before the looks decide has crept up: a vehicle is there or not, all at once."""
CREEPING_MS: Final = 1_800_000
"""How long the looks must agree on what crept up without motion, or is weak: longer than a low sun takes to rise."""
HIDDEN_MIN: Final = 0.73
"""A space counts as hidden from this probability on. It was chosen as the least that none of 2,704 spaces with nothing
before them reached, nor any of 804 single vehicles that came or left; none of these were trained on."""
STILL_HIDDEN_MIN: Final = 0.5
"""The same while it is hidden and nothing moves: the sensor's noise moves the probability, not the thing."""
HIDING_MS: Final = 10_000
"""What hides a space moved in the space's picture within this time."""
PAUSE_MS: Final = 500
"""Between two looks at a space that moved or is in doubt."""
CONFIRMED_MS: Final = 2500
"""This long after the last motion a space is looked at once more: what came to rest then is what counts."""
LAST_MOTION_MS: Final = 2 * CONFIRMED_MS
"""The end of a slow move shows too little motion to count: it may go on for this long after the motion that counted."""
QUICK_LOOKS: Final = 5
"""Looks in a row at a space in doubt; if it stays in doubt, it is looked at rarely until something moves."""


class JudgedSpace:
    """One space over time.

    Attributes:
        space: the space.
        status: what is known of it.
        debounce: how long a change must last.
        belief: what the looks add up to.
        judged_at_ms: when the picture of the last look that counted was captured; None before the first.
        seen_at_ms: when the last picture was captured in which the space could have been judged; None before the first.
        seems_hidden: whether the judge saw something stand before it when it was last looked at.
    """

    def __init__(self, space: ParkingSpace, known: SpaceStatus, debounce: Debounce, reason: EventReason | None) -> None:
        """Start.

        Args:
            space: the space.
            known: what is known of it.
            debounce: how long a change must last.
            reason: of the next change, where it is another than that a vehicle came or left.
        """
        self.space = space
        self.status = known
        self.belief = Belief()
        self.judged_at_ms: int | None = None
        self.seen_at_ms: int | None = None
        self.seems_hidden = False
        self.debounce = debounce
        self._reason = reason
        self._moved_at_ms: int | None = None
        self._agreed_at_ms: int | None = None
        self._doubted_at_ms: int | None = None
        self._asked_at_ms: int | None = None
        self._quick_looks = QUICK_LOOKS
        self._sure = 0.0
        self._hidden_at_ms: int | None = None
        self._passed_over_at_ms: int | None = None

    @property
    def is_decided(self) -> bool:
        """Whether the looks agree with what is known."""
        return self.belief.verdict == self.status.state

    @property
    def reason(self) -> EventReason:
        """Why the next change of state will have happened."""
        if self._reason is not None:
            return self._reason
        return "arrived" if self.belief.log_odds > 0 else "left"

    def move(self, at_ms: int) -> None:
        """Something moved in the space in a picture captured at that time."""
        self._moved_at_ms = at_ms
        self._quick_looks = QUICK_LOOKS

    def urgency(self, at_ms: int, every_ms: int, rarely_ms: int) -> float | None:
        """How urgent a look at the space is, greatest first; None if none is due.

        Args:
            at_ms: when the picture was captured that could be looked at.
            every_ms: between two looks while the space stays in doubt.
            rarely_ms: between two looks where nothing moves and nothing is in doubt.
        """
        waited_ms = rarely_ms if self._asked_at_ms is None else at_ms - self._asked_at_ms
        if waited_ms < 0:
            return 3.0  # the clock was set back
        if self._has_moved_since_looked() and waited_ms >= PAUSE_MS:
            return 2.0
        if self._is_unconfirmed(at_ms) and waited_ms >= PAUSE_MS:
            return 1.5
        if not self.is_decided and waited_ms >= (
            PAUSE_MS if self._quick_looks or self._is_due_to_change(at_ms) else every_ms
        ):
            return 1.0
        return waited_ms / rarely_ms / 2 if waited_ms >= rarely_ms else None

    @property
    def agreed_for_ms(self) -> int:
        """For how long the looks have pointed the same way, the last one included."""
        return 0 if self.judged_at_ms is None else self.judged_at_ms - self.belief.since_ms

    def ask(self, at_ms: int) -> None:
        """The space is being looked at in a picture captured at that time."""
        self._asked_at_ms = at_ms
        self._quick_looks = max(0, self._quick_looks - 1)

    def look(self, probability: float, at_ms: int, is_weak: bool = False) -> bool:
        """Take in a look.

        Args:
            probability: that the space is occupied, 0..1.
            at_ms: when the picture was captured.
            is_weak: whether the view was, as in haze.

        Returns:
            False if it does not count: something moved in the space since, a newer picture was looked at, or through
            haze it seems to have changed without motion in it.
        """
        if self._moved_at_ms is not None and at_ms < self._moved_at_ms:
            return False
        if self.judged_at_ms is not None and at_ms <= self.judged_at_ms:
            return False
        if is_weak and self._contradicts(probability) and self._reason is None and not self._moved_since_agreed():
            return False
        self.belief.look(probability, at_ms)
        self.judged_at_ms = at_ms
        if self.is_decided:
            self._agreed_at_ms, self._doubted_at_ms = at_ms, None
            self._reason = None
            self._sure = max(self._sure, self.belief.conviction)
        elif self._doubted_at_ms is None:
            self._doubted_at_ms = at_ms
        return True

    def note_hidden(self, probability: float) -> None:
        """Take in how likely something stands before the space, 0..1; before `hide` and `look` for the same picture."""
        is_still = self._hidden_at_ms is not None and (self._moved_at_ms or 0) <= self._hidden_at_ms
        self.seems_hidden = probability >= (STILL_HIDDEN_MIN if is_still else HIDDEN_MIN)

    def pass_over(self, at_ms: int) -> None:
        """The space was looked at in a picture captured at that time, and was hidden."""
        self._passed_over_at_ms = at_ms

    def hide(self, is_found: bool, at_ms: int) -> bool:
        """Take in whether something seems to stand before the space in a picture captured at that time.

        It comes and leaves with motion in the picture of the space. Without that it is a mistake of the model, unless
        nobody watched; and what disappears without motion is believed to be there for another minute.

        Args:
            is_found: whether the detection model found a vehicle there, or the judge something else.
            at_ms: when the picture was captured.

        Returns:
            Whether something does.
        """
        moved_at_ms = -HIDING_MS if self._moved_at_ms is None else self._moved_at_ms
        if is_found:
            is_watched = self.judged_at_ms is not None and self._reason is None
            if self._hidden_at_ms is None and is_watched and moved_at_ms + HIDING_MS < at_ms:
                return False
            self._hidden_at_ms = at_ms
            return True
        if self._hidden_at_ms is not None and moved_at_ms + LAST_MOTION_MS <= self._hidden_at_ms > at_ms - UNMOVED_MS:
            return True
        self._hidden_at_ms = None
        return False

    def wants_change(self) -> bool:
        """Whether the looks have decided otherwise than the status says, and agreed on it for long enough."""
        verdict = self.belief.verdict
        if verdict is None or verdict == self.status.state:
            return False
        return self.judged_at_ms is not None and self._has_lasted(verdict, self.judged_at_ms)

    def change(self, track_id: int | None, reason: EventReason) -> None:
        """Change the state to what the looks decided, for that reason."""
        verdict = self.belief.verdict
        assert verdict is not None
        self.status = SpaceStatus(
            state=verdict,
            since_ms=self.belief.since_ms,
            track_id=track_id if verdict == "occupied" else None,
            reason=reason,
        )
        self._agreed_at_ms, self._doubted_at_ms, self._reason = self.judged_at_ms, None, None
        self._sure = self.belief.conviction

    def interrupt(self) -> None:
        """The space could not be seen for a while: the state is kept, and what changes next changed meanwhile."""
        self.belief.forget()
        self._doubted_at_ms = None
        self._quick_looks = QUICK_LOOKS
        if self._reason is None:
            self._reason = "view regained"

    def forget_times(self) -> None:
        """Frames were missed, or a clock was set: the times so far cannot be compared with those to come."""
        self.judged_at_ms = self.seen_at_ms = self._passed_over_at_ms = None
        self.seems_hidden = False
        self._moved_at_ms = self._agreed_at_ms = self._asked_at_ms = self._hidden_at_ms = None

    def lose(self, now_ms: int, reason: EventReason) -> bool:
        """The space has not been seen for too long, or the camera has moved: its state becomes unknown.

        Returns:
            False if it was unknown already.
        """
        self.interrupt()
        if self.status.state == "unknown":
            return False
        self.status = SpaceStatus(state="unknown", since_ms=now_ms, reason=reason)
        return True

    def _has_lasted(self, verdict: Verdict, until_ms: int) -> bool:
        """Whether the looks have agreed on this state for long enough to take it over, if they do until then."""
        debounce_ms = self.debounce.occupied_after_ms if verdict == "occupied" else self.debounce.free_after_ms
        if until_ms - self.belief.since_ms < debounce_ms:
            return False
        if self._reason is not None:
            return True
        decided_since_ms = until_ms if self.belief.decided_since_ms is None else self.belief.decided_since_ms
        if self._moved_since_agreed():
            is_weak = self.belief.conviction < WEAK_SHARE * self._sure
            return not is_weak or until_ms - decided_since_ms >= UNMOVED_MS
        is_weak = self.belief.conviction < WEAK_UNMOVED_SHARE * self._sure
        has_crept = self._doubted_at_ms is not None and decided_since_ms - self._doubted_at_ms > ABRUPT_MS
        return until_ms - decided_since_ms >= (CREEPING_MS if is_weak or has_crept else UNMOVED_MS)

    def _contradicts(self, probability: float) -> bool:
        """Whether a look says otherwise than what is known."""
        return self.status.state != ("occupied" if probability >= 0.5 else "free")

    def _has_moved_since_looked(self) -> bool:
        if self._moved_at_ms is None:
            return False
        looked_at_ms = self._looked_at_ms
        return looked_at_ms is None or looked_at_ms <= self._moved_at_ms

    def _is_due_to_change(self, at_ms: int) -> bool:
        """Whether one more look that agrees will change the state."""
        verdict = self.belief.verdict
        if verdict is None or verdict == self.status.state:
            return False
        return self._has_lasted(verdict, at_ms)

    def _is_unconfirmed(self, at_ms: int) -> bool:
        """Whether the space came to rest a while ago and has not been looked at since."""
        looked_at_ms = self._looked_at_ms
        if self._moved_at_ms is None or looked_at_ms is None:
            return False
        return looked_at_ms < self._moved_at_ms + CONFIRMED_MS <= at_ms

    @property
    def _looked_at_ms(self) -> int | None:
        """When the picture was captured of the last look that counted, or found the space hidden."""
        return max((at for at in (self.judged_at_ms, self._passed_over_at_ms) if at is not None), default=None)

    def _moved_since_agreed(self) -> bool:
        if self._agreed_at_ms is None:
            return True
        return self._moved_at_ms is not None and self._moved_at_ms + LAST_MOTION_MS >= self._agreed_at_ms
