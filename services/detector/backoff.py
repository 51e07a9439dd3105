"""One camera's unexpected failures: its frames are left out for a while, and the other cameras go on."""

from __future__ import annotations

from typing import Final

from libs.common.clock import running_s

FIRST_DELAY_S: Final = 1.0
DELAY_MAX_S: Final = 60.0


class Backoff:
    """Says whether a camera that failed rests: for a second at first, twice as long after each failure in a row."""

    def __init__(self) -> None:
        self.delay_s = 0.0
        self._rests_until_s = 0.0
        self._told: str = ""

    @property
    def rests(self) -> bool:
        """Whether nothing of the camera is processed now."""
        return running_s() < self._rests_until_s

    def failed(self, error: Exception) -> bool:
        """It failed.

        Returns:
            True if the last failure was of another kind: the log should have this one's trace.
        """
        self.delay_s = min(max(2 * self.delay_s, FIRST_DELAY_S), DELAY_MAX_S)
        self._rests_until_s = running_s() + self.delay_s
        told, self._told = self._told, f"{type(error).__name__}: {error}"
        return told != self._told

    def worked(self) -> None:
        """It works."""
        self.delay_s = 0.0
        self._told = ""
