"""What is due for one camera, by the time that has passed; setting a machine's clock changes nothing here."""

from __future__ import annotations

from typing import Final

from libs.common.clock import Stopwatch
from services.detector.settings import DetectorSettings

LATEST_EVERY_S: Final = 1.0
"""How old `latest` may become while nobody watches."""
BROADCASTER_EVERY_S: Final = 1.0
"""How often a camera is listed as broadcast."""
COUNTS_EVERY_S: Final = 60.0
COUNTS_OF_CHANGES_A_DAY: Final = 2400
"""With one entry a minute, 3,840 in all: a reader of a day needs no more than 4,000."""
COUNTS_BURST: Final = 120
"""So many changes in a row are written at once; beyond these, one in 36 s, with what changed meanwhile."""
TRIM_EVERY_S: Final = 60.0


class Schedule:
    """When each recurring task of one camera was done last, and which tasks are due. Used on the loop only.

    Attributes:
        examined_at_ms: when a frame was examined last, by Redis's clock; None before the first.
    """

    def __init__(self, settings: DetectorSettings) -> None:
        self.examined_at_ms: int | None = None
        self._settings = settings
        self._picture, self._log, self._broadcaster, self._frame = (Stopwatch() for _ in range(4))
        self._counts, self._trim = Stopwatch(), Stopwatch()
        self._counts_of_changes = TokenBucket(COUNTS_OF_CHANGES_A_DAY / 86_400, COUNTS_BURST)
        self._frame.restart()  # the first frame may take as long as any
        self._trim.restart()

    def is_too_old(self, age_ms: int) -> bool:
        """Whether a frame of this age in milliseconds is too old to be processed."""
        return age_ms > self._settings.frame_max_age_s * 1000

    def frame_was_examined(self, now_ms: int) -> None:
        """A frame was examined now, `now_ms` by Redis's clock."""
        self.examined_at_ms = now_ms
        self._frame.restart()

    def is_without_frames(self) -> bool:
        """Whether no frame was examined for so long that the spaces are unknown."""
        return self._frame.elapsed_s() > self._settings.unknown_after_s

    def picture_is_due(self) -> bool:
        """Whether `latest` needs a new picture although nobody watches."""
        return self._picture.elapsed_s() >= LATEST_EVERY_S

    def picture_was_shown(self) -> None:
        """A picture is being published now."""
        self._picture.restart()

    def take_log(self) -> bool:
        """Whether the detection log gets an entry now; it then counts as written."""
        interval_s = self._settings.log_interval_s
        return interval_s > 0 and _take(self._log, interval_s)

    def take_counts(self, *, changed: bool) -> bool:
        """Whether the counts get an entry now; it then counts as written.

        Args:
            changed: a space has changed its state since the last entry.
        """
        if self._counts.elapsed_s() < COUNTS_EVERY_S and not (changed and self._counts_of_changes.take()):
            return False
        self._counts.restart()
        return True

    def take_broadcaster(self) -> bool:
        """Whether the camera is to be listed as broadcast now; it then counts as listed."""
        return _take(self._broadcaster, BROADCASTER_EVERY_S)

    def take_trim(self) -> bool:
        """Whether the streams are to be trimmed by age now; they then count as trimmed."""
        return _take(self._trim, TRIM_EVERY_S)


class TokenBucket:
    """Lets things happen at a rate, and some of them in a row."""

    def __init__(self, rate_per_s: float, burst: int) -> None:
        """Start full.

        Args:
            rate_per_s: how often in the long run.
            burst: how many in a row.
        """
        self._rate_per_s = rate_per_s
        self._burst = burst
        self._tokens = float(burst)
        self._since = Stopwatch()
        self._since.restart()

    def take(self) -> bool:
        """Whether it may happen now; it then counts as done."""
        self._tokens = min(self._burst, self._tokens + self._since.elapsed_s() * self._rate_per_s)
        self._since.restart()
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def _take(last: Stopwatch, every_s: float) -> bool:
    if last.elapsed_s() < every_s:
        return False
    last.restart()
    return True
