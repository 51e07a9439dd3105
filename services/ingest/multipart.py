"""Take JPEGs out of a `multipart/x-mixed-replace` body: bytes in, frames out, however they are cut. Pure.

Cameras differ: some write the boundary with its dashes into the header, some leave out Content-Length, some send
garbage between parts. With a Content-Length the part is taken by length; without one it ends at the next boundary.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from libs.common.errors import SourceError

HEADERS_MAX_BYTES: Final = 8192


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the body.

    Attributes:
        payload: its bytes.
        began_at: the time given with the bytes in which it began.
    """

    payload: bytes
    began_at: float


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
        self._delimiter = b"--" + boundary
        self._part_max_bytes = part_max_bytes
        self._buffer = bytearray()
        self._searched = 0
        self._length: int | None = None
        self._in_payload = False
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
        if not self._in_payload and not self._read_headers(at):
            return None
        end = self._payload_end()
        if end is None:
            self._check_limit(len(self._buffer), self._part_max_bytes, "frame")
            return None
        part = Part(bytes(self._buffer[:end]), self._began_at if self._began_at is not None else at)
        self._check_limit(end, self._part_max_bytes, "frame")
        self._drop(end)
        self._in_payload = False
        self._length = self._began_at = None
        return part

    def _read_headers(self, at: float) -> bool:
        """Move past the next boundary and the headers behind it; False if they are not whole yet."""
        start = self._buffer.find(self._delimiter, max(0, self._searched - len(self._delimiter)))
        if start < 0:
            keep = len(self._delimiter) - 1  # garbage before a boundary is dropped, but for what may be its beginning
            self._drop(max(0, len(self._buffer) - keep))
            return False
        if self._began_at is None:
            self._began_at = at
        self._drop(start)
        end, gap = _headers_end(self._buffer)
        if end < 0:
            self._check_limit(len(self._buffer), HEADERS_MAX_BYTES, "part header")
            return False
        self._length = _content_length(bytes(self._buffer[:end]))
        if self._length is not None:
            self._check_limit(self._length, self._part_max_bytes, "frame")
        self._drop(end + gap)
        self._in_payload = True
        return True

    def _payload_end(self) -> int | None:
        if self._length is not None:
            return self._length if len(self._buffer) >= self._length else None
        start = max(0, self._searched - len(self._delimiter))
        end = self._buffer.find(self._delimiter, start)
        self._searched = len(self._buffer)
        if end < 0:
            return None
        return len(bytes(self._buffer[:end]).removesuffix(b"\n").removesuffix(b"\r"))

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


def _content_length(headers: bytes) -> int | None:
    for line in headers.split(b"\n"):
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            length = int(value)
            return length if length > 0 else None
    return None
