"""How cameras wrap their pictures in answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from tests.ingest.zoo.jpegs import JPEG, JPEGS
from tests.support.cameras import Handler

STREAM = b"Content-Type: multipart/x-mixed-replace; boundary=frame"
STILL = b"Content-Type: image/jpeg"
STREAM_INTERVAL_S = 0.2
"""Many cameras are served by one process, and read by another."""


def part(jpeg: bytes, header: bytes = STILL, line: bytes = b"--frame", junk: bytes = b"") -> bytes:
    return line + b"\r\n" + header + b"\r\n\r\n" + jpeg + junk + b"\r\n"


def sized(jpeg: bytes, difference: int = 0, junk: bytes = b"") -> bytes:
    return part(jpeg, STILL + b"\r\nContent-Length: %d" % (len(jpeg) + len(junk) + difference), junk=junk)


def stream(
    wrap: Callable[[bytes], bytes] = sized,
    *,
    head: bytes = b"HTTP/1.1 200 OK\r\n" + STREAM,
    pictures: Sequence[bytes] = JPEGS,
) -> Handler:
    """A stream: the head, and then wrapped pictures for ever."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head + b"\r\n\r\n")
        while True:
            for jpeg in pictures:
                writer.write(wrap(jpeg))
                await writer.drain()
                await asyncio.sleep(STREAM_INTERVAL_S)

    return handler


def still(answer: bytes, *, hold_s: float = 0.0) -> Handler:
    """One answer, and then the end, perhaps later."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()
        await asyncio.sleep(hold_s)

    return handler


def plain(jpeg: bytes = JPEG, head: bytes = STILL, *, hold_s: float = 0.0) -> Handler:
    return still(b"HTTP/1.1 200 OK\r\nConnection: close\r\n" + head + b"\r\n\r\n" + jpeg, hold_s=hold_s)


def told_length(difference: int) -> bytes:
    return STILL + b"\r\nContent-Length: %d" % (len(JPEG) + difference)


def chunked(data: bytes) -> bytes:
    return b"%x;name=value\r\n%s\r\n" % (len(data), data)


class Moody:
    """A still camera that answers 503 when it is asked more often than every 0.25 s."""

    def __init__(self) -> None:
        self._last_s = float("-inf")

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        now_s = asyncio.get_running_loop().time()
        is_too_soon = now_s - self._last_s < 0.25
        if not is_too_soon:
            self._last_s = now_s
        status = b"503 Busy" if is_too_soon else b"200 OK"
        body = b"" if is_too_soon else JPEG
        head = b"HTTP/1.1 %s\r\nConnection: close\r\n%s\r\nContent-Length: %d\r\n\r\n" % (status, STILL, len(body))
        writer.write(head + body)
        await writer.drain()


def head(*lines: bytes, status: bytes = b"HTTP/1.1 200 OK") -> Handler:
    """A stream with odd lines in the head of its answer."""
    return stream(head=b"\r\n".join((status, *lines, STREAM)))
