"""Signs of life: a loop beats, `/healthz` asks whether it still does."""

from __future__ import annotations

import time


class LivenessCheck:
    """Shows that a loop goes round, or that Redis answers it.

    Attributes:
        name: what beats, for the operator who reads why a service is not healthy.
    """

    def __init__(self, name: str, silent_max_s: float) -> None:
        """Start without a beat: not healthy until the first one.

        Args:
            name: what beats.
            silent_max_s: longer without a beat is a problem.
        """
        self.name = name
        self._silent_max_s = silent_max_s
        self._beat_s: float | None = None

    def beat(self) -> None:
        """Tell that all is well now."""
        self._beat_s = time.monotonic()

    def problem(self) -> str | None:
        """What is wrong, in a sentence; None if there was a beat lately."""
        if self._beat_s is None:
            return f"{self.name}: not yet since the start"
        silent_s = time.monotonic() - self._beat_s
        if silent_s <= self._silent_max_s:
            return None
        return f"{self.name}: not for {silent_s:.1f} s; {self._silent_max_s:g} s is the most that is normal"
