"""The contract of a source: it takes a camera's address and yields pictures until something ends it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Protocol

from libs.common.cameras import Camera
from libs.common.errors import CameraStalled, SourceError
from services.ingest.settings import IngestSettings


@dataclass(frozen=True, slots=True)
class CapturedFrame:
    """One picture from a camera.

    Attributes:
        jpeg: its bytes, as the camera sent them where it sends JPEG.
        captured_at_ms: when its first byte arrived, or when the camera says it took it, milliseconds since the epoch.
        kind: what the camera sends, in words: "MJPEG stream over HTTP".
    """

    jpeg: bytes
    captured_at_ms: int
    kind: str


class PlayedOut(SourceError):
    """A file that is played once has ended; there is nothing to reconnect to."""


class Wanted(Protocol):
    """Decides whether a picture will be sent, before any work is spent on it; counts those that are not."""

    def __call__(self, at_s: float) -> bool:
        """Whether a picture that came at `at_s` (monotonic seconds) is wanted."""

    def lose(self) -> None:
        """Note a picture that was wanted and then replaced by a newer one."""


Captured = CapturedFrame | CameraStalled
"""A picture, or the news that the camera is silent. That is told at once; the source may need time to disconnect."""

Source = Callable[[Camera, IngestSettings, Wanted], AsyncGenerator[Captured, None]]
"""Connects to a camera and yields its wanted pictures.

It ends when the camera closes the connection, and raises `SourceError`, in words that an operator understands, when
something is wrong, when it is called or while it is read. It has a deadline for everything: a camera that is silent for
`stall_after_s` is an error too. Who has closed it (`aclosing`) has given up the connection.
"""
