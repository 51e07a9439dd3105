"""Odd cameras over HTTP."""

from __future__ import annotations

import gzip

from tests.ingest.zoo.animal import Animal
from tests.ingest.zoo.answers import STILL, STREAM, Moody, chunked, head, part, plain, sized, still, stream, told_length
from tests.ingest.zoo.jpegs import (
    BARE,
    GREY,
    HUGE,
    JPEG,
    PROGRESSIVE,
    SIZE,
    exif,
    with_thumbnail,
)

HTTP: dict[str, Animal] = {
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
