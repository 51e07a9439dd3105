"""Wall-clock time in the units that the messages use, and the time that has passed, which no clock's setting moves."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def iso_from_ms(epoch_ms: int) -> str:
    """ISO 8601 with offset and milliseconds, in local time, of a time in milliseconds since the epoch."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC).astimezone().isoformat(timespec="milliseconds")


def running_s() -> float:
    """Seconds on a clock that only goes forward, and goes on while the machine sleeps, where the system has one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class Stopwatch:
    """The time since something last happened: by `running_s`, so that a wall clock that is set does not move it."""

    def __init__(self) -> None:
        self._started_s = float("-inf")

    def restart(self) -> None:
        """It happens now."""
        self._started_s = running_s()

    def elapsed_s(self) -> float:
        """Seconds since then; infinite if it never happened."""
        return running_s() - self._started_s
