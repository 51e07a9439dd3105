"""Wall-clock time in the units that the messages use."""

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
