"""The camera zoo: odd cameras, each after a kind that people run, with what is right for each."""

from __future__ import annotations

import asyncio
import gzip
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from tests.support.cameras import Handler
from tests.support.pictures import make_jpeg

SIZE = (160, 120)
JPEGS = [make_jpeg(*SIZE, seed) for seed in range(3)]
JPEG = JPEGS[0]
STREAM = b"Content-Type: multipart/x-mixed-replace; boundary=frame"
STILL = b"Content-Type: image/jpeg"


@dataclass(frozen=True, slots=True)
class Animal:
    """One odd camera.

    Attributes:
        handler: answers a request.
        size: of its upright pictures; None if it is refused.
        sentence: a part of what is said of one that is refused.
        pictures: what must come, byte for byte.
    """

    handler: Handler
    size: tuple[int, int] | None = SIZE
    sentence: str = ""
    pictures: Sequence[bytes] = tuple(JPEGS)


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
                await asyncio.sleep(0.05)

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


def exif(jpeg: bytes, orientation: int) -> bytes:
    content = b"Exif\0\0II" + struct.pack("<HIHHHIHHI", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    return jpeg[:2] + b"\xff\xe1" + (len(content) + 2).to_bytes(2) + content + jpeg[2:]


def with_thumbnail(jpeg: bytes) -> bytes:
    content = b"Exif\0\0II*\0\x08\0\0\0\0\0" + make_jpeg(16, 16)
    return jpeg[:2] + b"\xff\xe1" + (len(content) + 2).to_bytes(2) + content + jpeg[2:]


def encoded(picture: np.ndarray, *options: int) -> bytes:
    return cv2.imencode(".jpg", picture, list(options))[1].tobytes()


def without_tables(jpeg: bytes) -> bytes:
    """A JPEG without its Huffman tables, as many USB and network cameras send them."""
    out, at = bytearray(jpeg[:2]), 2
    while jpeg[at + 1] != 0xDA:
        length = 2 + int.from_bytes(jpeg[at + 2 : at + 4])
        if jpeg[at + 1] != 0xC4:
            out += jpeg[at : at + length]
        at += length
    return bytes(out) + jpeg[at:]


NOISE = np.random.default_rng(3).integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8)
PROGRESSIVE = encoded(NOISE, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
GREY = encoded(NOISE[:, :, 0])
BARE = without_tables(encoded(NOISE))
TURNED = exif(JPEG, 6)
HUGE = JPEG.replace(b"\x00\x78\x00\xa0", b"\x3e\x80\x3e\x80", 1)


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


ZOO: dict[str, Animal] = {
    # heads
    "line-without-colon": Animal(head(b"Tue, 12 Jun 2012 10:00:00 GMT", b"X-XSS-Protection=1;", b"bareword")),
    "space-before-colon": Animal(stream(head=b"HTTP/1.1 200 OK\r\n" + STREAM.replace(b":", b" :"))),
    "no-name": Animal(head(b": value")),
    "two-equal-lengths": Animal(plain(head=told_length(0) + b"\r\nContent-Length: %d" % len(JPEG)), pictures=[JPEG]),
    "two-other-lengths": Animal(plain(head=told_length(0) + b"\r\nContent-Length: 7"), pictures=[JPEG]),
    "icy": Animal(head(status=b"ICY 200 OK")),
    "no-reason": Animal(head(status=b"HTTP/1.0 200")),
    "no-version": Animal(head(status=b"HTTP 200 OK")),
    "line-feeds-only": Animal(stream(head=b"HTTP/1.1 200 OK\n" + STREAM + b"\n\n")),
    "blank-lines-first": Animal(head(status=b"\r\n\r\nHTTP/1.1 200 OK")),
    "long-head": Animal(head(b"X-Long: " + b"y" * 20_000)),
    "odd-bytes-in-head": Animal(head(b"Server: \xff\x00caf\xe9")),
    "interim-answer": Animal(
        still(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n" + told_length(0) + b"\r\n\r\n" + JPEG),
        pictures=[JPEG],
    ),
    "length-and-chunks": Animal(
        stream(
            lambda jpeg: chunked(sized(jpeg)),
            head=b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n" + STREAM,
        )
    ),
    "chunks-announced-none-sent": Animal(stream(head=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + STREAM)),
    "no-head-at-all": Animal(still(JPEG), pictures=[JPEG]),
    "nonsense": Animal(still(b"220 FTP ready\r\n"), None, "does not speak HTTP"),
    "endless-head": Animal(still(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000), None, "a head of more than"),
    # bodies
    "gzipped": Animal(plain(gzip.compress(JPEG), STILL + b"\r\nContent-Encoding: gzip"), pictures=[JPEG]),
    "length-48-too-large": Animal(plain(head=told_length(48)), pictures=[JPEG]),
    "length-48-too-large-and-open": Animal(plain(head=told_length(48), hold_s=5), pictures=[JPEG]),
    "length-too-small": Animal(plain(head=told_length(-500)), pictures=[JPEG]),
    "length-0": Animal(plain(head=STILL + b"\r\nContent-Length: 0"), pictures=[JPEG]),
    "no-length": Animal(plain(), pictures=[JPEG]),
    "no-type": Animal(plain(head=b"Server: x"), pictures=[JPEG]),
    "octet-stream": Animal(plain(head=b"Content-Type: application/octet-stream"), pictures=[JPEG]),
    "text-that-is-a-picture": Animal(plain(head=b"Content-Type: text/plain"), pictures=[JPEG]),
    "no-type-stream": Animal(stream(head=b"HTTP/1.1 200 OK\r\nServer: x")),
    "octet-stream-stream": Animal(stream(head=b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream")),
    "jpeg-label-stream": Animal(stream(head=b"HTTP/1.1 200 OK\r\n" + STILL)),
    "multipart-label-one-picture": Animal(plain(head=STREAM), pictures=[JPEG]),
    "one-after-another": Animal(stream(lambda jpeg: jpeg)),
    "one-after-another-as-jpeg": Animal(stream(lambda jpeg: jpeg, head=b"HTTP/1.1 200 OK\r\n" + STILL)),
    "html": Animal(plain(b"<html>Please log in</html>", b"Content-Type: text/html"), None, "camera sends text/html"),
    "html-labelled-as-jpeg": Animal(plain(b"<!DOCTYPE html><p>busy</p>"), None, "camera sends a web page"),
    "json": Animal(plain(b'{"error": "no"}', b"Content-Type: application/json"), None, "sends application/json"),
    "png": Animal(plain(cv2.imencode(".png", NOISE)[1].tobytes(), b"X: y"), None, "camera sends a PNG picture"),
    "playlist": Animal(plain(b"#EXTM3U\n#EXT-X-VERSION:3\n", b"X: y"), None, "rtsp://"),
    "empty": Animal(plain(b"", STILL + b"\r\nContent-Length: 0"), None, "empty answer"),
    # boundaries and parts
    "boundary-spaced": Animal(
        stream(head=b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary =frame")
    ),
    "boundary-quoted": Animal(
        stream(head=b'HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary = "frame"')
    ),
    "boundary-missing": Animal(stream(head=b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace")),
    "boundary-another": Animal(stream(lambda jpeg: part(jpeg, line=b"--other"))),
    "part-2-short": Animal(stream(lambda jpeg: sized(jpeg, -2))),
    "part-20-long": Animal(stream(lambda jpeg: sized(jpeg, 20))),
    "part-4000-long": Animal(stream(lambda jpeg: sized(jpeg, 4000))),
    "part-0": Animal(stream(lambda jpeg: part(jpeg, b"Content-Length: 0"))),
    "part-negative": Animal(stream(lambda jpeg: part(jpeg, b"Content-Length: -1"))),
    "part-comma": Animal(stream(lambda jpeg: part(jpeg, b"Content-Length: 1,234"))),
    "part-missing": Animal(stream(part)),
    # bytes after the end
    "junk-96": Animal(stream(lambda jpeg: sized(jpeg, junk=jpeg[-96:]))),
    "junk-160": Animal(stream(lambda jpeg: sized(jpeg, junk=JPEG[-260:-100]))),
    "junk-513": Animal(stream(lambda jpeg: sized(jpeg, junk=JPEG[-513:]))),
    "still-with-junk": Animal(plain(JPEG + JPEG[-513:], STILL), pictures=[JPEG]),
    "thumbnail": Animal(plain(with_thumbnail(JPEG)), pictures=[with_thumbnail(JPEG)]),
    "cut-off-with-thumbnail": Animal(plain(with_thumbnail(JPEG)[:-600]), None, "half a JPEG"),
    "cut-off-stream": Animal(stream(lambda jpeg: sized(with_thumbnail(jpeg)[:-600])), None, "half a JPEG"),
    # orientation, and kinds of JPEG
    **{
        f"turned-{turn}": Animal(plain(exif(JPEG, turn)), SIZE if turn < 5 else SIZE[::-1], pictures=[exif(JPEG, turn)])
        for turn in range(1, 9)
    },
    "progressive": Animal(plain(PROGRESSIVE), pictures=[PROGRESSIVE]),
    "grey": Animal(plain(GREY), pictures=[GREY]),
    "no-huffman-tables": Animal(plain(BARE), pictures=[BARE]),
    "too-many-pixels": Animal(plain(HUGE), None, "16000x16000 pixels, more than the 36,000,000"),
    "too-many-pixels-stream": Animal(stream(sized, pictures=[HUGE]), None, "16000x16000 pixels"),
    # states
    "503-when-asked-too-often": Animal(Moody(), pictures=[JPEG]),
    "closes-after-each-frame": Animal(
        still(b"HTTP/1.1 200 OK\r\n" + STREAM + b"\r\n\r\n" + sized(JPEG)), pictures=[JPEG]
    ),
    "always-503": Animal(
        still(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), None, "answered 503: the camera is busy"
    ),
}
