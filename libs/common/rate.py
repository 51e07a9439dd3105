"""How many things a second: a count over a sliding window."""

from __future__ import annotations

import time
from collections import deque


class RateMeter:
    """Events a second over the last `window_s` seconds."""

    def __init__(self, window_s: float = 5.0, max_events: int = 1000) -> None:
        """Start empty.

        Args:
            window_s: how far back is counted.
            max_events: more than these are not remembered; above `max_events / window_s` the rate reads too low.
        """
        self._window_s = window_s
        self._started = time.monotonic()
        self._times: deque[float] = deque(maxlen=max_events)

    def tick(self) -> None:
        """Count one event, now."""
        self._times.append(time.monotonic())

    def per_second(self) -> float:
        """Events a second, over the window or since the start if that is shorter."""
        now = time.monotonic()
        while self._times and now - self._times[0] > self._window_s:
            self._times.popleft()
        return len(self._times) / max(min(self._window_s, now - self._started), 0.2)
