"""PNG and WebP pictures over HTTP: some cameras and relays send them. Each is decoded and encoded once, as a JPEG.

Blocking: `to_jpeg` belongs in a thread.
"""

from __future__ import annotations

from typing import Final

import av

from libs.common.errors import FrameError, SourceError
from services.ingest.picture_stream import PNG, is_other_picture
from services.ingest.settings import IngestSettings
from services.ingest.sources.encoding import encode_frame
from services.ingest.sources.video_size import check_size

_PNG_END: Final = b"IEND\xaeB`\x82"
_WEBP_HEADER_BYTES: Final = 30


def name_of(data: bytes) -> str:
    """What kind of picture begins like this; empty for none of these."""
    if not is_other_picture(data):
        return ""
    return "PNG" if data.startswith(PNG) else "WebP"


class SinglePicture:
    """Collects the one picture of an answer, whose end may not be told."""

    def __init__(self, max_bytes: int) -> None:
        """Start at its first byte.

        Args:
            max_bytes: a longer picture is an error.
        """
        self.data = bytearray()
        self._max_bytes = max_bytes

    def feed(self, data: bytes) -> bool:
        """Take in the next bytes; whether the picture is whole by its own marks.

        Raises:
            SourceError: it is too long.
        """
        self.data += data
        if len(self.data) > self._max_bytes:
            raise SourceError(f"camera sends a picture of more than {self._max_bytes} bytes")
        if self.data.startswith(PNG):
            return self.data.rstrip(b"\r\n").endswith(_PNG_END)
        return len(self.data) >= 8 + int.from_bytes(self.data[4:8], "little")


def to_jpeg(data: bytes, settings: IngestSettings) -> bytes:
    """Decode one picture and encode it as a JPEG.

    Args:
        data: a PNG or WebP.
        settings: with the limit of pixels and the JPEG's quality.

    Raises:
        SourceError: it has more pixels than allowed, or cannot be read.
    """
    name = name_of(data)
    width, height = _size_of(data)
    check_size(width, height, settings)
    decoder = av.CodecContext.create(name.lower(), "r")
    decoder.options = {"max_pixels": str(settings.frame_max_pixels)}
    decoder.thread_count = 1
    try:
        frames = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
        return encode_frame(frames[0], settings.jpeg_quality)
    except (av.error.FFmpegError, FrameError, IndexError) as error:
        raise SourceError(f"camera sends a {name} picture that cannot be read") from error


def _size_of(data: bytes) -> tuple[int, int]:
    """Width and height by the header (PNG, 11.2.2; WebP container specification); zeros if there is none."""
    if data.startswith(PNG):
        return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    if len(data) < _WEBP_HEADER_BYTES:
        return 0, 0
    if data[12:16] == b"VP8X":
        return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
    if data[12:16] == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF
