"""Turns a clip into the JPEGs that a camera would send: each frame decoded and encoded once, then kept."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import av

from deploy.demo.camera.frame_mark import mark
from services.ingest.sources.encoding import encode_frame


class ClipPlayer:
    """A clip that plays for ever, by the clock.

    Attributes:
        frames: in one loop.
        fps: frames a second.
    """

    def __init__(self, clip: Path, fps: float | None = None, jpeg_quality: int = 80) -> None:
        """Open the clip.

        Args:
            clip: a video file; a minute of 1280x720 takes about 80 MB once it has played.
            fps: frames a second; the clip's own by default.
            jpeg_quality: 1..100.

        Raises:
            av.error.FFmpegError: it cannot be read.
        """
        self._name = clip.stem
        self._quality = jpeg_quality
        self._jpegs: list[bytes] = []
        self._lock = threading.Lock()
        self._container: Any = av.open(str(clip))
        stream = self._container.streams.video[0]
        self._decoded = self._container.decode(stream)
        self.frames = int(stream.frames)
        self.fps = float(fps or stream.average_rate)
        self._started_s = time.monotonic()

    def number_now(self) -> int:
        """How many frames have been due since the start; the picture is this number modulo `frames`."""
        return int((time.monotonic() - self._started_s) * self.fps)

    def due_in_s(self, number: int) -> float:
        """Seconds until a frame is due; negative once it is."""
        return self._started_s + number / self.fps - time.monotonic()

    def jpeg(self, number: int) -> bytes:
        """The picture of a frame, marked with its number in the clip. Blocks while it is decoded."""
        index = number % self.frames
        with self._lock:
            while len(self._jpegs) <= index:
                frame = next(self._decoded)
                self._jpegs.append(mark(encode_frame(frame, self._quality), self._name, len(self._jpegs)))
            return self._jpegs[index]

    def is_ready(self, number: int) -> bool:
        """Whether `jpeg` would answer without decoding."""
        return number % self.frames < len(self._jpegs)
