"""What is due for one camera, by the time that has passed; setting a machine's clock changes nothing here."""

from __future__ import annotations

from typing import Final

from libs.common.clock import Stopwatch
from services.detector.settings import DetectorSettings

LATEST_EVERY_S: Final = 1.0
"""How old `latest` may become while nobody watches."""
BROADCASTER_EVERY_S: Final = 1.0
"""How often a camera is listed as broadcast."""


class Schedule:
    """When each recurring task of one camera was done last, and which tasks are due. Used on the loop only."""

    def __init__(self, settings: DetectorSettings) -> None:
        self._settings = settings
        self._picture, self._log, self._broadcaster, self._frame = (Stopwatch() for _ in range(4))
        self._frame.restart()  # the first frame may take as long as any

    def is_too_old(self, age_ms: int) -> bool:
        """Whether a frame of this age in milliseconds is too old to be processed."""
        return age_ms > self._settings.frame_max_age_s * 1000

    def frame_was_examined(self) -> None:
        """A frame was examined now."""
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

    def take_broadcaster(self) -> bool:
        """Whether the camera is to be listed as broadcast now; it then counts as listed."""
        return _take(self._broadcaster, BROADCASTER_EVERY_S)


def _take(last: Stopwatch, every_s: float) -> bool:
    if last.elapsed_s() < every_s:
        return False
    last.restart()
    return True
