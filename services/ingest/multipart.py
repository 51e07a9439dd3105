"""Take JPEGs out of a `multipart/x-mixed-replace` body: bytes in, frames out, however they are cut. Pure.

Cameras differ: some write the boundary with its dashes into the header, some send it without dashes, some leave out
Content-Length, some send garbage between parts. With a Content-Length the part is taken by length; without one it ends
at the next boundary.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from libs.common.errors import SourceError

HEADERS_MAX_BYTES: Final = 8192
_SECONDS: Final = re.compile(rb"\d{1,12}(\.\d{1,9})?")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the body.

    Attributes:
        payload: its bytes.
        began_at: the time given with the bytes in which the payload began.
        timestamp_s: the camera's own time from the header X-Timestamp, in seconds; None if it says none.
    """

    payload: bytes
    began_at: float
    timestamp_s: float | None = None


def boundary_of(content_type: str) -> bytes:
    """The boundary from a Content-Type header, without leading dashes.

    Raises:
        SourceError: there is none.
    """
    for parameter in content_type.split(";")[1:]:
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "boundary":
            boundary = value.strip().strip('"').lstrip("-")
            if boundary:
                return boundary.encode("latin-1", "replace")
    raise SourceError(f"camera names no boundary in its Content-Type {content_type!r}")


class MultipartParser:
    """Splits a multipart body as it arrives. Holds at most one part and its headers."""

    def __init__(self, boundary: bytes, part_max_bytes: int) -> None:
        """Start before the first part.

        Args:
            boundary: without leading dashes, as `boundary_of` gives it.
            part_max_bytes: a longer part is an error.
        """
        self._boundary = boundary
        self._delimiter: bytes | None = None  # the camera's way of writing it, from the first one on
        self._part_max_bytes = part_max_bytes
        self._buffer = bytearray()
        self._searched = 0
        self._headers: _Headers | None = None
        self._began_at: float | None = None

    def feed(self, data: bytes, at: float) -> list[Part]:
        """Take in the next bytes.

        Args:
            data: as they came.
            at: when they came, in any unit.

        Returns:
            The parts that are whole now, oldest first.

        Raises:
            SourceError: a part, or the headers of one, is longer than allowed.
        """
        self._buffer += data
        parts = []
        while (part := self._next_part(at)) is not None:
            if part.payload:
                parts.append(part)
        return parts

    def _next_part(self, at: float) -> Part | None:
        if self._headers is None and not self._read_headers():
            return None
        assert self._headers is not None
        if self._began_at is None and self._buffer:
            self._began_at = at
        end = self._payload_end(self._headers.length)
        self._check_limit(len(self._buffer) if end is None else end, self._part_max_bytes, "frame")
        if end is None:
            return None
        with memoryview(self._buffer) as view:
            part = Part(bytes(view[:end]), at if self._began_at is None else self._began_at, self._headers.timestamp_s)
        self._drop(end)
        self._headers = self._began_at = None
        return part

    def _read_headers(self) -> bool:
        """Move past the next boundary and the headers behind it; False if they are not whole yet."""
        start = self._find_delimiter()
        if start < 0:
            # Garbage before a boundary is dropped, but for what may be its beginning.
            self._drop(max(0, len(self._buffer) - len(self._boundary) - 3))
            return False
        self._drop(start)
        end, gap = _headers_end(self._buffer)
        if end < 0:
            self._check_limit(len(self._buffer), HEADERS_MAX_BYTES, "part header")
            return False
        self._headers = _read_fields(bytes(self._buffer[:end]))
        if self._headers.length is not None:
            self._check_limit(self._headers.length, self._part_max_bytes, "frame")
        self._drop(end + gap)
        return True

    def _find_delimiter(self) -> int:
        """Where the next boundary begins, -1 if there is none; the first one shows whether it comes with dashes."""
        if self._delimiter is not None:
            return self._buffer.find(self._delimiter)
        if (start := self._buffer.find(b"--" + self._boundary)) >= 0:
            self._delimiter = b"--" + self._boundary
            return start
        for newline in (b"\r\n", b"\n"):
            start = self._buffer.find(self._boundary + newline)
            if start == 0 or (start > 0 and self._buffer[start - 1 : start] == b"\n"):
                self._delimiter = self._boundary + newline
                return start
        return -1

    def _payload_end(self, length: int | None) -> int | None:
        if length is not None:
            return length if len(self._buffer) >= length else None
        assert self._delimiter is not None
        end = self._buffer.find(self._delimiter, max(0, self._searched - len(self._delimiter)))
        self._searched = len(self._buffer)
        if end < 0:
            return None
        tail = bytes(self._buffer[max(0, end - 64) : end])
        # More dashes than the two belong to the boundary where they begin a line.
        without_dashes = tail.rstrip(b"-")
        if without_dashes.endswith(b"\n"):
            end -= len(tail) - len(without_dashes)
            tail = without_dashes
        return end - (len(tail) - len(tail.removesuffix(b"\n").removesuffix(b"\r")))

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self._searched = 0

    def _check_limit(self, size: int, limit: int, what: str) -> None:
        if size > limit:
            raise SourceError(f"camera sends a {what} of more than {limit} bytes; is this a picture stream?")


def _headers_end(buffer: bytearray) -> tuple[int, int]:
    """Where the headers end and how long the empty line is; (-1, 0) if they are not whole."""
    ends = [(found, len(gap)) for gap in (b"\r\n\r\n", b"\n\n") if (found := buffer.find(gap)) >= 0]
    return min(ends, default=(-1, 0))


@dataclass(frozen=True, slots=True)
class _Headers:
    length: int | None = None
    timestamp_s: float | None = None


def _read_fields(lines: bytes) -> _Headers:
    length, timestamp_s = None, None
    for line in lines.split(b"\n"):
        name, _, value = line.partition(b":")
        name, value = name.strip().lower(), value.strip()
        if name == b"content-length" and value.isdigit():
            length = int(value) or None
        elif name == b"x-timestamp" and _SECONDS.fullmatch(value):
            timestamp_s = float(value)
    return _Headers(length, timestamp_s)
