"""Which frames to send, and when to try again. Pure: time is passed in."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import Final

from libs.common.clock import now_ms

EARLY_SHARE: Final = 0.25
"""A frame may come this share of an interval early: cameras jitter, and every other frame would be dropped."""
BELIEVED_MAX_S: Final = 1.0
"""A camera's clock that lags by more is not believed: the detector drops frames older than two seconds."""
REFUSED_MAX_S: Final = 10.0
"""A camera that refuses is asked again after this long at most."""


@dataclass(slots=True)
class FramePacer:
    """Lets through at most `fps` frames a second.

    Attributes:
        fps: frames a second.
        dropped: frames not let through so far.
        lost: frames let through that a newer one replaced before they were taken.
    """

    fps: float
    dropped: int = 0
    lost: int = 0
    _due_s: float = field(default=float("-inf"))

    def __call__(self, at_s: float) -> bool:
        """Whether a frame that came at `at_s` (monotonic seconds) is sent."""
        interval_s = 1 / self.fps
        if at_s < self._due_s - EARLY_SHARE * interval_s:
            self.dropped += 1
            return False
        # The next one is due an interval after this one was due, so that jitter does not add up; a pause is forgotten.
        is_on_time = at_s - self._due_s < interval_s
        self._due_s = (self._due_s if is_on_time else at_s) + interval_s
        return True

    def lose(self) -> None:
        """Note a frame that a newer one replaced."""
        self.lost += 1


@dataclass(slots=True)
class Backoff:
    """How long to wait before the next try. The wait doubles, with jitter, so that many cameras do not retry at once.

    Attributes:
        longest_s: no wait is longer.
        first_s: the first wait, before jitter.
    """

    longest_s: float
    first_s: float = 0.5
    _failures: int = 0

    def reset(self) -> None:
        """The camera works again."""
        self._failures = 0

    def next_delay_s(self) -> float:
        """Seconds to wait now: between half and all of the doubled time."""
        whole_s = min(self.longest_s, self.first_s * 2.0 ** min(self._failures, 16))
        self._failures += 1
        return whole_s * random.uniform(0.5, 1.0)


@dataclass(slots=True)
class ByteBudget:
    """How much one camera may send, so that it cannot starve the others.

    Attributes:
        bytes_per_s: over a second; a burst of as much is let through.
    """

    bytes_per_s: int
    _spent: float = 0.0
    _at_s: float = field(default=float("-inf"))

    def spend(self, count: int, at_s: float) -> float:
        """Note bytes that came at `at_s` (monotonic seconds).

        Returns:
            Seconds to wait before reading on; 0 if the camera keeps within its budget.
        """
        self._spent = max(0.0, self._spent - (at_s - self._at_s) * self.bytes_per_s) + count
        self._at_s = at_s
        return max(0.0, self._spent / self.bytes_per_s - 1)


class PollPace:
    """When to ask a camera for its next picture: at its `fps`, and less often while it refuses.

    The interval grows by half after a refusal and shrinks by a hundredth after each picture. So a camera that allows
    one picture a second refuses about one request in fifty.
    """

    def __init__(self, interval_s: float) -> None:
        """Start at full speed.

        Args:
            interval_s: the shortest interval.
        """
        self._shortest_s = self._interval_s = interval_s
        self._due_s: float | None = None

    def succeeded(self, at_s: float) -> float:
        """Note that a picture came; return the seconds until the next request.

        Args:
            at_s: now, monotonic seconds.
        """
        self._interval_s = max(self._shortest_s, self._interval_s * 0.99)
        self._due_s = max((at_s if self._due_s is None else self._due_s) + self._interval_s, at_s)
        return self._due_s - at_s

    def refused(self, retry_after_s: float | None = None) -> float:
        """Note that the camera refused; return the seconds until the next request.

        Args:
            retry_after_s: what it asks for; ten seconds at most are waited.
        """
        self._interval_s = min(REFUSED_MAX_S, max(0.2, self._interval_s * 1.5))
        self._due_s = None
        return min(REFUSED_MAX_S, max(self._interval_s, retry_after_s or 0.0))


class CaptureClock:
    """Dates the frames of one connection, on this machine's wall clock."""

    def __init__(self, max_age_s: float) -> None:
        """Prepare.

        Args:
            max_age_s: how far behind its arrival a frame may be by the camera's own clock; 0 believes no camera.
        """
        self._max_age_s = max_age_s

    def captured_at_ms(self, began_s: float, claimed_ms: float | None) -> int:
        """When a frame was captured, milliseconds since the epoch.

        Args:
            began_s: when its first byte came, on the monotonic clock.
            claimed_ms: what the camera says; None if it says nothing.
        """
        arrived_ms = now_ms() - round((time.monotonic() - began_s) * 1000)
        return capture_time_ms(arrived_ms, claimed_ms, self._max_age_s)


def capture_time_ms(arrived_ms: int, claimed_ms: float | None, max_age_s: float) -> int:
    """When a frame was captured: by the camera's own clock if that is believable, else when it arrived.

    The camera's clock is believed if it is not ahead of ours and lags by no more than a frame's greatest age. A camera
    without network time, whose clock starts in 1970 at power-on, fails this check.

    Args:
        arrived_ms: when the frame's first byte came, milliseconds since the epoch.
        claimed_ms: what the camera says, in the same unit; None if it says nothing.
        max_age_s: how far behind the arrival is believed, `BELIEVED_MAX_S` at most; 0 believes no camera.
    """
    max_age_s = min(max_age_s, BELIEVED_MAX_S)
    if claimed_ms is None or not arrived_ms - max_age_s * 1000 < claimed_ms <= arrived_ms:
        return arrived_ms
    return int(claimed_ms)
