"""Look into a JPEG without decoding it: its true end, and its size as a person sees it, upright. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from libs.common.errors import FrameError

START_OF_IMAGE: Final = b"\xff\xd8"
END_OF_IMAGE: Final = b"\xff\xd9"
BEGINNING: Final = b"\xff\xd8\xff"
"""Every JPEG begins with these bytes: its start marker and the first byte of the next marker."""

# Markers of ITU-T T.81, table B.1. Decoders read baseline, extended sequential and progressive frames of 8 bits.
_READABLE_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2})
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_SOI, _EOI, _SOS, _APP1 = 0xD8, 0xD9, 0xDA, 0xE1
# What may stand between two scans; anything else within a scan is damage that decoders pass over.
_BETWEEN_SCANS: Final = frozenset({0xC4, 0xCC, 0xDA, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0)})
_IN_SCAN: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_ANY_MARKER: Final = re.compile(rb"\xff[^\x00\xff]")

_ORIENTATION_TAG: Final = 0x0112
_SHORT: Final = 3
_TURNED_BY_A_QUARTER: Final = frozenset({5, 6, 7, 8})


class TooManyPixels(FrameError):
    """A picture is larger than allowed; decoding it would take too much memory."""


@dataclass(frozen=True, slots=True)
class Jpeg:
    """A whole JPEG.

    Attributes:
        data: its bytes from the start marker to the end marker, otherwise untouched.
        width: pixels of the upright picture.
        height: pixels of the upright picture.
        is_turned: whether its Exif orientation turns or mirrors it; programs that show it do so.
    """

    data: bytes
    width: int
    height: int
    is_turned: bool = False


class JpegWalker:
    """Finds the true end of a JPEG as its bytes arrive: walks the segments and the scans (ITU-T T.81, annex B)."""

    def __init__(self) -> None:
        self._at = len(START_OF_IMAGE)
        self._in_scan = False

    @property
    def at(self) -> int:
        """How far the picture was walked; after an error, where it is damaged."""
        return self._at

    def find_end(self, data: bytes | bytearray) -> int | None:
        """Look further.

        Args:
            data: the JPEG from its start marker on; more of it at every call, and perhaps what follows it.

        Returns:
            The offset behind the end marker; None if the data ends before it.

        Raises:
            FrameError: another picture begins, or a segment has no valid length.
        """
        while True:
            found = (_IN_SCAN if self._in_scan else _ANY_MARKER).search(data, self._at)
            if found is None:
                self._at = max(self._at, len(data) - 1)
                return None
            at, marker = found.start(), data[found.start() + 1]
            self._at = at
            if marker == _EOI:
                return at + 2
            if marker == _SOI:
                raise FrameError(f"half a JPEG: another begins after {at} bytes")
            if marker in _STANDALONE or (self._in_scan and marker not in _BETWEEN_SCANS):
                self._at = at + 2
                continue
            if at + 4 > len(data):
                return None
            length = int.from_bytes(data[at + 2 : at + 4])
            if length < 2:
                raise FrameError(f"broken JPEG: a segment without a length at byte {at}")
            if at + 2 + length > len(data):
                return None
            self._at = at + 2 + length
            self._in_scan = marker == _SOS


def read_jpeg(data: bytes, max_pixels: int | None = None) -> Jpeg:
    """Check a picture by its markers and cut off what follows its end.

    Args:
        data: the picture; anything may follow its end, as some cameras send what is left in their buffers.
        max_pixels: a larger picture is refused; None for no limit.

    Raises:
        TooManyPixels: it is larger than allowed.
        FrameError: it is not a JPEG, not a whole one, or one that decoders do not read.
    """
    if not data.startswith(START_OF_IMAGE):
        raise FrameError(f"not a JPEG: begins with {data[:4].hex() or 'nothing'}")
    width, height, scan_at, is_turned = _read_header(data)
    if max_pixels is not None and width * height > max_pixels:
        raise TooManyPixels(
            f"the picture has {width}x{height} pixels, more than the {max_pixels:,} of INGEST_FRAME_MAX_PIXELS: "
            "set the camera to a smaller size, or raise the limit"
        )
    end = JpegWalker().find_end(data)
    if end is None:
        raise FrameError(f"half a JPEG: cut off after {len(data)} bytes")
    if end <= scan_at:
        raise FrameError("broken JPEG: no picture in it")
    if end < len(data):
        data = data[:end]
    return Jpeg(data, width, height, is_turned)


def jpeg_size(jpeg: bytes) -> tuple[int, int]:
    """Width and height of the upright picture in pixels; raises as `read_jpeg`."""
    whole = read_jpeg(jpeg)
    return whole.width, whole.height


def _read_header(data: bytes) -> tuple[int, int, int, bool]:
    """Width and height of the upright picture, where its first scan begins, and whether it is turned."""
    at = len(START_OF_IMAGE)
    size: tuple[int, int] | None = None
    orientation = 1
    while (found := _ANY_MARKER.search(data, at)) is not None:
        at, marker = found.start(), data[found.start() + 1]
        if marker in _STANDALONE:
            at += 2
            continue
        if marker in (_SOI, _EOI) or at + 4 > len(data):
            break
        if marker == _SOS:
            if size is None:
                break
            width, height = size if orientation not in _TURNED_BY_A_QUARTER else size[::-1]
            return width, height, at, orientation != 1
        length = int.from_bytes(data[at + 2 : at + 4])
        if length < 2:
            raise FrameError(f"broken JPEG: a segment without a length at byte {at}")
        if marker in _FRAMES:
            size = _read_frame_header(data, at, marker)
        elif marker == _APP1 and orientation == 1:
            orientation = _exif_orientation(data[at + 4 : at + 2 + length])
        at += 2 + length
    if at >= len(data) or found is None:
        raise FrameError(f"half a JPEG: cut off after {len(data)} bytes")
    raise FrameError("broken JPEG: no size in its header")


def _read_frame_header(data: bytes, at: int, marker: int) -> tuple[int, int]:
    if at + 9 > len(data):
        raise FrameError("broken JPEG: no size in its header")
    precision = data[at + 4]
    height, width = int.from_bytes(data[at + 5 : at + 7]), int.from_bytes(data[at + 7 : at + 9])
    if not width or not height:
        raise FrameError("broken JPEG: no size in its header")
    if marker not in _READABLE_FRAMES or precision != 8:
        raise FrameError(
            "a lossless, arithmetic or 12-bit JPEG, which programs do not show; set the camera to plain JPEG"
        )
    return width, height


def _exif_orientation(segment: bytes) -> int:
    """The orientation 1..8 of an Exif segment's content; 1, upright, if it says none (Exif 2.32, 4.6.4)."""
    if not segment.startswith(b"Exif\0\0"):
        return 1
    tiff = segment[6:]
    if tiff[:4] not in (b"II*\0", b"MM\0*"):
        return 1
    is_little = tiff.startswith(b"II")

    def number(at: int, size: int) -> int:
        return int.from_bytes(tiff[at : at + size], "little" if is_little else "big")

    first = number(4, 4)
    for entry in range(first + 2, first + 2 + 12 * number(first, 2), 12):
        if entry + 12 > len(tiff):
            break
        if number(entry, 2) == _ORIENTATION_TAG and number(entry + 2, 2) == _SHORT:
            orientation = number(entry + 8, 2)
            return orientation if 1 <= orientation <= 8 else 1
    return 1
