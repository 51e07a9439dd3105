"""A folder of pictures, shown one after the other: JPEGs as they are, others decoded and encoded."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import av

from libs.common.clock import now_ms
from libs.common.errors import SourceError
from services.ingest.settings import IngestSettings
from services.ingest.sources.base import CapturedFrame, PlayedOut, Wanted
from services.ingest.sources.encoding import encode_frame
from services.ingest.sources.video_size import check_pixels

JPEG_SUFFIXES: Final = frozenset({".jpg", ".jpeg"})
SUFFIXES: Final = JPEG_SUFFIXES | {".png", ".bmp", ".webp"}
KIND: Final = "folder of pictures"


class PictureFolder:
    """Pictures in the order of their names; those that come to the folder are shown in the next round.

    Attributes:
        fps: pictures a second.
    """

    def __init__(self, folder: Path, fps: float, once: bool, wanted: Wanted, settings: IngestSettings) -> None:
        self.fps = fps
        self._folder = folder
        self._once = once
        self._wanted = wanted
        self._settings = settings

    def frames(self, stop: threading.Event) -> Iterator[CapturedFrame | None]:
        """The pictures, round after round, until `stop` is set.

        Raises:
            SourceError: there are none, one cannot be read, or (PlayedOut) all were shown once.
        """
        due_s = time.monotonic()
        while True:
            for path in self._pictures():
                if stop.wait(max(0.0, due_s - time.monotonic())):
                    return
                due_s = max(due_s, time.monotonic() - 1) + 1 / self.fps
                is_wanted = self._wanted(time.monotonic())
                yield CapturedFrame(self._read(path), now_ms(), KIND) if is_wanted else None
            if self._once:
                raise PlayedOut("all pictures of the folder were shown once, as its URL asks")

    def _pictures(self) -> list[Path]:
        try:
            found = sorted(path for path in self._folder.iterdir() if path.suffix.lower() in SUFFIXES)
        except OSError as error:
            raise SourceError(f"cannot look into the folder: {error.strerror}") from error
        if not found:
            raise SourceError(f"there is no picture in the folder; known are {', '.join(sorted(SUFFIXES))}")
        return found

    def _read(self, path: Path) -> bytes:
        try:
            if path.suffix.lower() in JPEG_SUFFIXES:
                return path.read_bytes()
            with av.open(str(path)) as picture:
                check_pixels(picture.streams.video[0], self._settings)
                return encode_frame(next(picture.decode(video=0)), self._settings.jpeg_quality)
        except (av.error.FFmpegError, OSError, StopIteration, IndexError) as error:
            raise SourceError(f"cannot read the picture {path.name}") from error
