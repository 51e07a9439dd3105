"""Take pictures out of the body of an HTTP answer: bytes in, pictures out, however they are cut. Pure.

Cameras announce much that is not so: boundaries and lengths that are wrong or missing, labels that do not fit. So a
picture ends where its own end marker or the next boundary is. A length is only a shortcut, used while it proves right.
The body decides what it is: parts between boundary lines (`multipart/x-mixed-replace`), or JPEGs one after another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from libs.common.errors import FrameError, SourceError
from services.ingest.jpeg import BEGINNING, END_OF_IMAGE, START_OF_IMAGE, JpegWalker

HEADERS_MAX_BYTES: Final = 8192
UNKNOWN_LENGTH: Final = 2**31 - 1
"""Cameras that do not know a length write -1, as a number without sign, or something as large."""
DISTINCT_BYTES: Final = 6
"""A boundary line this long does not turn up in a picture by chance; a shorter one must begin a line."""

PNG: Final = b"\x89PNG\r\n\x1a\n"

_SECONDS: Final = re.compile(rb"\d{1,12}(\.\d{1,9})?")
_BLANK_LINE: Final = re.compile(rb"\n[ \t]*\r?\n")
_OPENING: Final = re.compile(
    rb"(?:\A|\n)(--[^\r\n]{1,200}?)[ \t]*\r?\n(?=[ \t]*\r?\n|[!-9;-~]{1,100}[ \t]*:|\xff\xd8\xff)"
)
"""A boundary line, known by the empty line, header or picture behind it."""
_LAST_OPENING: Final = re.compile(rb"(?:\A|\n)(--[^\r\n]{1,200}?)[ \t]*\r?\n(?:[^\r\n]+\r?\n)*(?:[ \t]*\r?\n)?\Z")
_NOT_A_PICTURE: Final = re.compile(rb"^\s*content-type\s*:\s*(?!image/|application/octet|multipart/)\w+/", re.I | re.M)


@dataclass(frozen=True, slots=True)
class Part:
    """One picture, or what stands in the place of one.

    Attributes:
        payload: its bytes.
        began_at: the time given with the bytes in which it began.
        timestamp_s: the camera's own time from the header X-Timestamp, in seconds; None if it says none.
        is_whole: whether it begins and ends like a picture.
    """

    payload: bytes
    began_at: float
    timestamp_s: float | None = None
    is_whole: bool = True


def boundary_of(content_type: str) -> bytes | None:
    """The boundary of a Content-Type header, without leading dashes; None if it names none."""
    found = re.search(r"""boundary\s*=\s*(?:"((?:[^"\\]|\\.)*)"?|'([^']*)'?|([^;,]*))""", content_type, re.IGNORECASE)
    if found is None:
        return None
    text = next(value for value in (*found.groups(), "") if value is not None)
    boundary = (text if found[1] is None else re.sub(r"\\(.)", r"\1", text)).strip().lstrip("-")
    return boundary.encode("latin-1", "replace") or None


def is_other_picture(data: bytes | bytearray) -> bool:
    """Whether a PNG or WebP picture begins here."""
    return data.startswith(PNG) or (data.startswith(b"RIFF") and data[8:12] == b"WEBP")


class PictureStream:
    """Splits a body as it arrives. Holds at most one picture and a part's headers.

    Attributes:
        has_boundaries: whether a boundary line has been seen: it is a multipart stream, whatever its label says.
        pictures: parts handed out so far.
    """

    def __init__(self, boundary: bytes | None, picture_max_bytes: int) -> None:
        """Start before the first part.

        Args:
            boundary: as `boundary_of` gives it.
            picture_max_bytes: a longer picture is an error.
        """
        self.pictures = 0
        self._announced = None if boundary is None else _line_of(boundary)
        self._line: bytes | None = None  # the boundary line as the camera really writes it, from the first one on
        self._max_bytes = picture_max_bytes
        self._buffer = bytearray()
        self._fields: _Fields | None = None
        self._walker: JpegWalker | None = None
        self._is_broken = False
        self._searched = 0
        self._began_at: float | None = None
        self._length_is_right = False

    @property
    def has_boundaries(self) -> bool:
        return self._line is not None

    @property
    def missing_bytes(self) -> int:
        """How many bytes the current picture still lacks, by a length that has proved right; else 1."""
        if self._fields is None or self._fields.length is None or not self._length_is_right:
            return 1
        return max(1, self._fields.length - len(self._buffer))

    def feed(self, data: bytes, at: float) -> list[Part]:
        """Take in the next bytes.

        Args:
            data: as they came.
            at: when they came, in any unit.

        Returns:
            The parts that are whole now, oldest first; and in their place those that are damaged.

        Raises:
            SourceError: a picture, or the headers of one, is longer than allowed.
        """
        self._buffer += data
        return self._take_all(at)

    def close(self, at: float) -> list[Part]:
        """The body has ended: what is left of a picture is handed out too, so that it can be counted."""
        parts: list[Part] = []
        if self._fields is not None:
            self._fields = _Fields(None, self._fields.timestamp_s, self._fields.is_picture)
            parts = self._take_all(at)
        rest = bytes(self._buffer).rstrip(b"\r\n")
        self._buffer.clear()
        if self._fields is not None and rest.startswith(START_OF_IMAGE):
            parts += self._made(rest, at, False)
        return parts

    def _take_all(self, at: float) -> list[Part]:
        parts: list[Part] = []
        while True:
            if self._fields is None:
                if not (self._find_boundary(at) if self._line is None else self._find_next(at)):
                    return parts
                continue
            taken = self._take_payload(at)
            if taken is None:
                return parts
            parts += taken

    # Between pictures

    def _find_boundary(self, at: float) -> bool:
        """No boundary line is known yet: find the first one, or a picture without any."""
        picture_at = self._buffer.find(BEGINNING)
        openings = [_OPENING.search(self._buffer)]
        if self._announced is not None:
            openings.append(self._announced.search(self._buffer))
        first = min((found for found in openings if found), key=lambda found: found.start(1), default=None)
        if first is not None and (picture_at < 0 or first.start(1) < picture_at):
            line, behind = bytes(first[1]), first.end(1)
            if not self._read_headers(behind, at):
                return False
            self._line = line
            return True
        if picture_at < 0:
            self._drop(max(0, len(self._buffer) - HEADERS_MAX_BYTES))
            return False
        self._begin(bytes(self._buffer[:picture_at]), picture_at, at)
        return True

    def _find_next(self, at: float) -> bool:
        """Behind a picture of a stream with boundaries: find the next boundary line."""
        boundary_at = self._boundary_at(0)
        picture_at = self._buffer.find(BEGINNING, 0, boundary_at if boundary_at >= 0 else len(self._buffer))
        if picture_at >= 0 and self._is_opened_otherwise(picture_at):
            self._begin(bytes(self._buffer[:picture_at]), picture_at, at)
            return True
        if boundary_at < 0:
            self._drop(max(0, len(self._buffer) - HEADERS_MAX_BYTES))
            return False
        assert self._line is not None
        return self._read_headers(boundary_at + len(self._line), at)

    def _is_opened_otherwise(self, picture_at: int) -> bool:
        """Whether a picture begins without the known boundary: right behind the last one, or behind another line."""
        gap = bytes(self._buffer[max(0, picture_at - HEADERS_MAX_BYTES) : picture_at])
        if not gap.strip():
            return True
        found = _LAST_OPENING.search(gap)
        if found is None:
            return False
        self._line = found[1]
        return True

    def _read_headers(self, behind: int, at: float) -> bool:
        """Read the headers behind a boundary and begin the payload; False if they are not whole yet.

        They end at an empty line, or where a picture begins.
        """
        picture_at = self._buffer.find(BEGINNING, behind)
        line_end = self._buffer.find(b"\n", behind)
        blank = _BLANK_LINE.search(self._buffer, line_end) if line_end >= 0 else None
        if blank is not None and (picture_at < 0 or blank.start() < picture_at):
            self._begin(bytes(self._buffer[behind : blank.start()]), blank.end(), at)
        elif picture_at >= 0:
            self._begin(bytes(self._buffer[behind:picture_at]), picture_at, at)
        elif len(self._buffer) - behind > HEADERS_MAX_BYTES:
            raise SourceError(f"camera sends a part header of more than {HEADERS_MAX_BYTES} bytes")
        else:
            return False
        return True

    def _begin(self, headers: bytes, payload_at: int, at: float) -> None:
        self._fields = _read_fields(headers[-HEADERS_MAX_BYTES:])
        length = self._fields.length
        if length is not None and self._max_bytes < length < UNKNOWN_LENGTH:
            raise self._too_long()
        self._drop(payload_at)
        self._walker = JpegWalker()
        self._is_broken = False
        self._began_at = at if self._buffer else None

    # Within a picture

    def _take_payload(self, at: float) -> list[Part] | None:
        """The part that is whole now; None if it is not."""
        assert self._fields is not None
        buffer = self._buffer
        if self._began_at is None and buffer:
            self._began_at = at
        if len(buffer) < len(BEGINNING) and BEGINNING.startswith(bytes(buffer)):
            return None
        if self._is_broken or not buffer.startswith(BEGINNING):
            return self._take_other(at)
        length = self._fields.length
        if length is not None and len(buffer) >= length and buffer[length - 2 : length] == END_OF_IMAGE:
            self._length_is_right = True
            return self._take(length, length, at)
        if length is not None and self._length_is_right and len(buffer) < length:
            return None
        self._length_is_right = False
        return self._take_walked(length, at)

    def _take_walked(self, length: int | None, at: float) -> list[Part] | None:
        """Find the end by the picture's own markers, or the boundary at which a damaged one ends."""
        assert self._walker is not None
        try:
            end = self._walker.find_end(self._buffer)
        except FrameError:
            return self._take_damaged(at)
        boundary_at = self._boundary_at(self._searched, end)
        if boundary_at < 0:
            self._searched = max(0, len(self._buffer) - (0 if self._line is None else len(self._line)))
        else:
            return self._take(self._line_start(boundary_at), boundary_at, at, is_whole=False)
        if end is None:
            self._check_size()
            return None
        self._length_is_right = end == length
        return self._take(end, end, at)

    def _take_damaged(self, at: float) -> list[Part] | None:
        """A picture that breaks off, or is broken: it ends at the next boundary, or where the next picture begins."""
        if self._line is not None:
            self._is_broken = True
            return self._take_other(at)
        next_at = self._buffer.find(BEGINNING, self._damaged_at())
        if next_at < 0:
            self._check_size()
            self._is_broken = True
            return None
        return self._take(next_at, next_at, at, is_whole=False)

    def _damaged_at(self) -> int:
        assert self._walker is not None
        return self._walker.at

    def _take_other(self, at: float) -> list[Part] | None:
        """Not a picture, a broken one, or one behind a few other bytes."""
        assert self._fields is not None
        boundary_at = self._boundary_at(0)
        if is_other_picture(self._buffer):
            return self._take_other_picture(boundary_at, at)
        # In what is damaged, only what follows the damage is another picture: before it may be a thumbnail.
        picture_at = self._buffer.find(BEGINNING, self._damaged_at() if self._is_broken else 0)
        if picture_at >= 0 and not (0 <= boundary_at < picture_at):
            if self._is_broken:
                return self._take(picture_at, picture_at, at, is_whole=False)
            self._drop(picture_at)
            return self._take_payload(at)
        if boundary_at < 0:
            self._check_size()
            return None
        return self._take(self._line_start(boundary_at), boundary_at, at, is_whole=False)

    def _take_other_picture(self, boundary_at: int, at: float) -> list[Part] | None:
        """A PNG or WebP, in which anything may look like a JPEG: it ends at its length, or at the boundary."""
        assert self._fields is not None
        length = self._fields.length
        if length is not None and boundary_at < 0 and len(self._buffer) >= length:
            return self._take(length, length, at)
        if boundary_at < 0:
            self._check_size()
            return None
        return self._take(self._line_start(boundary_at), boundary_at, at)

    def _take(self, end: int, drop_to: int, at: float, *, is_whole: bool = True) -> list[Part]:
        with memoryview(self._buffer) as view:
            payload = bytes(view[:end])
        self._drop(drop_to)
        return self._made(payload, at, is_whole)

    def _made(self, payload: bytes, at: float, is_whole: bool) -> list[Part]:
        assert self._fields is not None
        fields, began_at = self._fields, self._began_at
        self._fields = self._began_at = None
        if not payload or (not fields.is_picture and not payload.startswith(START_OF_IMAGE)):
            return []
        self.pictures += 1
        return [Part(payload, at if began_at is None else began_at, fields.timestamp_s, is_whole)]

    # Helpers

    def _boundary_at(self, start: int, end: int | None = None) -> int:
        """Where the known boundary line begins; -1 if it does not."""
        if self._line is None:
            return -1
        end = len(self._buffer) if end is None else end
        while (found := self._buffer.find(self._line, start, end)) >= 0:
            if found == 0 or self._buffer[found - 1] in b"\n-" or len(self._line) >= DISTINCT_BYTES:
                return found
            start = found + 1
        return -1

    def _line_start(self, boundary_at: int) -> int:
        """Where the payload before a boundary ends: without the line break between them."""
        tail = bytes(self._buffer[max(0, boundary_at - 2) : boundary_at])
        return boundary_at - (len(tail) - len(tail.removesuffix(b"\n").removesuffix(b"\r")))

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self._searched = 0

    def _check_size(self) -> None:
        if len(self._buffer) > self._max_bytes:
            raise self._too_long()

    def _too_long(self) -> SourceError:
        return SourceError(f"camera sends a frame of more than {self._max_bytes} bytes; is this a picture stream?")


def _line_of(boundary: bytes) -> re.Pattern[bytes]:
    """A line that is a boundary with any number of dashes before it."""
    return re.compile(rb"(?:\A|\n)(-*" + re.escape(boundary) + rb")(?:--)?[ \t]*\r?\n")


@dataclass(frozen=True, slots=True)
class _Fields:
    """What the headers of a part say.

    Attributes:
        length: of the picture in bytes, if they say so in a way that makes sense.
        timestamp_s: the camera's own time.
        is_picture: whether it may be one; a part that is labelled as sound or text is none.
    """

    length: int | None = None
    timestamp_s: float | None = None
    is_picture: bool = True


def _read_fields(lines: bytes) -> _Fields:
    length, timestamp_s = None, None
    for line in lines.split(b"\n"):
        name, _, value = line.partition(b":")
        name, value = name.strip().lower(), value.strip()
        if name == b"content-length" and value.isdigit() and len(value) < 20:
            length = int(value) or None
        elif name == b"x-timestamp" and _SECONDS.fullmatch(value):
            timestamp_s = float(value)
    return _Fields(length, timestamp_s, _NOT_A_PICTURE.search(lines) is None)
