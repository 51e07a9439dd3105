"""Read the head of an HTTP answer and undo the framing of its body, as tolerantly as browsers and curl do. Pure.

Cameras send lines without a colon, spaces before it, two lengths, or `ICY 200 OK`. What can be understood is used, the
rest is passed over. Everything has a bound.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from libs.common.errors import SourceError

HEAD_MAX_BYTES: Final = 65_536
_END: Final = re.compile(rb"\n[ \t]*\r?\n")
_STATUS: Final = re.compile(
    rb"\s*(?:HTTP(?:/\d+(?:\.\d+)?)?|ICY)[ \t]+(\d{3})(?:[ \t]+([^\r\n]*))?\s*\Z", re.IGNORECASE
)
_VERSION_1_1: Final = re.compile(rb"\s*HTTP/(?:1\.[1-9]|[2-9])", re.IGNORECASE)
_BODY: Final = re.compile(rb"\s*(?:\xff\xd8\xff|--[^\r\n]{1,200}\r?\n)")
_CHUNK_SIZE: Final = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\n]*)?\r?\n")
_CHUNK_LINE_MAX_BYTES: Final = 1024
_NAME: Final = re.compile(r"[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+[ \t]*:")
_UNWANTED: Final = frozenset({"br", "zstd", "compress"})
_TLS_ALERT: Final = (b"\x15\x03", b"\x16\x03")
SPEAKS_TLS: Final = "camera speaks TLS at this port: write https:// instead of http://"


@dataclass(frozen=True, slots=True)
class Head:
    """The head of an answer.

    Attributes:
        status: the status code.
        reason: the words behind it.
        headers: names in lower case with their values, in the order of the answer.
        keeps_alive: whether the connection may be used again, once the body has ended.
    """

    status: int
    reason: str = ""
    headers: Sequence[tuple[str, str]] = ()
    keeps_alive: bool = False

    def get(self, name: str) -> str:
        """The first value of a header; empty if it is missing."""
        return next((value for key, value in self.headers if key == name), "")

    def get_all(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for key, value in self.headers if key == name]

    @property
    def length(self) -> int | None:
        """What Content-Length says, if it says one thing."""
        told = {part.strip() for value in self.get_all("content-length") for part in value.split(",")}
        if len(told) != 1 or self.is_chunked:
            return None
        text = told.pop()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None

    @property
    def is_chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return "chunked" in ",".join(self.get_all("transfer-encoding")).lower()


def parse_head(buffer: bytes) -> tuple[Head, int] | None:
    """The head at the beginning of an answer.

    Returns:
        The head and where the body begins; None if the head is not whole yet.

    Raises:
        SourceError: it is too long, or no HTTP; the text says what it seems to be.
    """
    picture_at = buffer.find(b"\xff\xd8\xff")
    if (picture_at >= 0 or b"\n" in buffer) and _BODY.match(buffer):
        return Head(200), 0  # a camera that sends its pictures without any head
    if buffer.startswith(_TLS_ALERT):
        raise SourceError(SPEAKS_TLS)
    begin = len(buffer) - len(buffer.lstrip(b"\r\n"))
    ended = _END.search(buffer, begin)
    if ended is not None and (picture_at < 0 or ended.start() < picture_at):
        end, body_at = ended.start(), ended.end()
    elif picture_at >= 0:
        end = body_at = picture_at  # a camera that forgets the empty line
    else:
        first_line, separator, _ = buffer[begin:].partition(b"\n")
        if separator:
            _check_status_line(first_line)
        if len(buffer) > HEAD_MAX_BYTES:
            raise SourceError(f"camera's answer begins with a head of more than {HEAD_MAX_BYTES} bytes")
        return None
    if body_at > HEAD_MAX_BYTES:
        raise SourceError(f"camera's answer begins with a head of more than {HEAD_MAX_BYTES} bytes")
    return _read_head(buffer[begin:end]), body_at


def _read_head(text: bytes) -> Head:
    first_line, *lines = text.split(b"\n")
    status, reason = _check_status_line(first_line)
    headers: list[tuple[str, str]] = []
    for raw in lines:
        line = raw.decode("latin-1")
        if line[:1] in (" ", "\t") and headers and not _NAME.match(line):  # a value that goes on
            headers[-1] = headers[-1][0], f"{headers[-1][1]} {line.strip()}"
            continue
        name, colon, value = line.partition(":")
        if colon and name.strip():
            headers.append((name.strip().lower(), value.strip()))
    connection = ",".join(value for name, value in headers if name == "connection").lower()
    is_1_1 = _VERSION_1_1.match(first_line) is not None
    keeps_alive = "close" not in connection and (is_1_1 or "keep-alive" in connection)
    return Head(status, reason, tuple(headers), keeps_alive)


def _check_status_line(line: bytes) -> tuple[int, str]:
    found = _STATUS.match(line)
    if found is None:
        if line.lstrip().startswith(b"RTSP/"):
            raise SourceError("camera speaks RTSP at this port: write rtsp:// instead of http://")
        shown = line[:12].decode("ascii", "replace").strip()
        raise SourceError(f"camera does not speak HTTP as it should: its answer begins with {shown!r}")
    return int(found[1]), (found[2] or b"").decode("latin-1").strip()


class BodyReader:
    """Removes chunks and compression. Content-Length is not trusted: the pictures themselves show where they end.

    Attributes:
        is_done: whether the body has ended, by its chunks or by its length.
    """

    def __init__(self, head: Head, max_bytes: int) -> None:
        """Start at the body.

        Args:
            head: of the answer.
            max_bytes: what one piece of compressed data may grow to.
        """
        self.is_done = head.length == 0
        self._length = head.length
        self._seen = 0
        self._is_chunked = head.is_chunked
        self._max_bytes = max_bytes
        self._buffer = bytearray()
        self._left = 0
        self._inflate: zlib._Decompress | None = None
        self._encoding = head.get("content-encoding").strip().lower()
        self._has_trailers = bool(head.get("trailer"))
        self._is_first = True

    @property
    def is_compressed(self) -> bool:
        """Whether the body is longer than what comes over the connection."""
        return self._inflate is not None

    @property
    def is_exact(self) -> bool:
        """Whether exactly the announced bytes came, so that the connection can be used again."""
        if self._is_chunked:
            # What follows the last chunk must be the end of the answer, and not the beginning of trailers.
            return self.is_done and bytes(self._buffer) in (b"", b"\r\n", b"\n") and not self._has_trailers
        return self.is_done and self._seen == self._length

    def feed(self, data: bytes) -> bytes:
        """The body's own bytes in the next bytes of the connection.

        Raises:
            SourceError: chunks or compression are garbled.
        """
        if not self._is_chunked:
            self._seen += len(data)
            self.is_done = self._length is not None and self._seen >= self._length
            return self._plain(data)
        self._buffer += data
        if self._is_first and _BODY.match(self._buffer):  # chunks were announced, and do not come
            self._is_chunked, self._length = False, None
            data, self._buffer = bytes(self._buffer), bytearray()
            return self._plain(data)
        pieces = []
        while (piece := self._next_chunk()) is not None:
            pieces.append(piece)
        return self._plain(b"".join(pieces))

    def _next_chunk(self) -> bytes | None:
        if self.is_done:
            return None
        if self._left:
            if not self._buffer:
                return None
            piece = bytes(self._buffer[: self._left])
            del self._buffer[: len(piece)]
            self._left -= len(piece)
            return piece
        begin = len(self._buffer) - len(self._buffer.lstrip(b"\r\n"))
        found = _CHUNK_SIZE.match(self._buffer, begin)
        if found is None:
            if b"\n" in self._buffer[begin:] or len(self._buffer) - begin > _CHUNK_LINE_MAX_BYTES:
                raise SourceError("camera announces its answer in chunks and garbles their lengths")
            return None
        self._left = int(found[1], 16)
        del self._buffer[: found.end()]
        self.is_done = self._left == 0
        return b""

    def _plain(self, data: bytes) -> bytes:
        if self._is_first and data:
            self._is_first = False
            # Compression is never requested; some cameras send it anyway.
            if data.startswith(b"\x1f\x8b"):
                self._inflate = zlib.decompressobj(wbits=31)
            elif self._encoding == "deflate" and data[0] & 15 == 8:
                self._inflate = zlib.decompressobj()
            elif self._encoding in _UNWANTED and not _BODY.match(data):
                raise SourceError(f"camera compresses its answer ({self._encoding}), which Lotcast did not ask for")
        if self._inflate is None or not data:
            return data
        try:
            plain = self._inflate.decompress(data, self._max_bytes)
        except zlib.error as error:
            raise SourceError("camera compresses its answer and garbles it") from error
        if self._inflate.unconsumed_tail:
            raise SourceError(f"camera sends a picture of more than {self._max_bytes} bytes")
        return plain
