"""When the pictures of a file are due."""

from __future__ import annotations

import time
from typing import Any, Final

SLOWEST_FILE_S: Final = 60.0
"""No picture of a file is waited for longer, whatever its time stamps say."""
JUMP_S: Final = 2.0
JUMP_INTERVALS: Final = 10
"""Time stamps that go back, or forward by more than both of these, have jumped: that costs one frame's pause."""


class FilePace:
    """Paces one round of a file, by its time stamps or by a rate."""

    def __init__(self, stream: Any, fps: float | None) -> None:
        """Start now.

        Args:
            stream: an `av` video stream.
            fps: pictures a second; None for the file's own pace.
        """
        self._fps = fps
        # The average rate counts a jump as time that passed.
        rate = float(stream.guessed_rate or stream.base_rate or stream.average_rate or 25)
        self._interval_s = 1 / rate if rate > 0 else 0.04
        self._last_s: float | None = None
        self._due_s = time.monotonic()
        self._is_first = True

    def delay_s(self, picture: Any | None) -> float:
        """Seconds until the next picture is due, or (None) the end of the last one; from 0 to a minute."""
        self._due_s += self._step_s(picture)
        self._is_first = False
        return min(SLOWEST_FILE_S, max(0.0, self._due_s - time.monotonic()))

    def _step_s(self, picture: Any | None) -> float:
        if self._fps is not None:
            return 0.0 if self._is_first else 1 / self._fps
        if picture is None or picture.pts is None:
            return 0.0 if self._is_first else self._interval_s
        at_s = float(picture.pts * picture.time_base)
        last_s, self._last_s = self._last_s, at_s
        if last_s is None:
            return 0.0 if self._is_first else self._interval_s
        step_s = at_s - last_s
        if step_s < 0 or step_s > max(JUMP_S, JUMP_INTERVALS * self._interval_s):
            return self._interval_s
        self._interval_s += (step_s - self._interval_s) / 4
        return step_s
