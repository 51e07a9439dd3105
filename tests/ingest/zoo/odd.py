"""More odd cameras over HTTP: siblings of those in `http`."""

from __future__ import annotations

import asyncio
import zlib

import cv2

from tests.ingest.zoo.animal import Animal
from tests.ingest.zoo.answers import STILL, STREAM, part, plain, sized, still, stream, told_length
from tests.ingest.zoo.jpegs import JPEG, JPEGS, NOISE, SIZE, encoded, exif
from tests.support.cameras import Handler

OK = b"HTTP/1.1 200 OK\r\n"
REPLACE = b"Content-Type: multipart/x-mixed-replace"
PNG = cv2.imencode(".png", NOISE)[1].tobytes()
WEBP = cv2.imencode(".webp", NOISE)[1].tobytes()
RESTARTS = encoded(NOISE, cv2.IMWRITE_JPEG_RST_INTERVAL, 2)
FILLED = JPEG[:2] + b"\xff\xff\xff" + JPEG[2:]
"""Fill bytes before a marker (ITU-T T.81, B.1.1.2)."""
ARITHMETIC = JPEG.replace(b"\xff\xc0", b"\xff\xc9", 1)
TWELVE_BITS = JPEG.replace(b"\xff\xc0\x00\x11\x08", b"\xff\xc1\x00\x11\x0c", 1)
STEREO = JPEG[:2] + b"\xff\xe2\x00\x08MPF\0II" + JPEG[2:]
"""The first picture of a multi-picture file (CIPA DC-007)."""
MOTION = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(range(256)) * 40
BIG_ENDIAN = (
    JPEG[:2] + b"\xff\xe1\x00\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x08\0\0\0\0\0\0" + JPEG[2:]
)


def chunks(data: bytes, *, end: bytes = b"0\r\n\r\n", size: bytes = b"%X") -> bytes:
    """A body in two chunks of odd lengths."""
    cut = len(data) // 3
    pieces = (data[:cut], data[cut:])
    return b"".join(size % len(piece) + b"\r\n" + piece + b"\r\n" for piece in pieces) + end


def in_chunks(body: bytes, head: bytes = STILL) -> Handler:
    return still(OK + head + b"\r\nTransfer-Encoding: chunked\r\n\r\n" + body)


def as_part(header: bytes, line: bytes = b"--frame") -> Handler:
    return stream(lambda jpeg: part(jpeg, header, line))


def bounded(parameter: bytes, line: bytes) -> Animal:
    """A stream whose head names its boundary in an odd way."""
    return Animal(stream(lambda jpeg: part(jpeg, line=line), head=OK + REPLACE + parameter))


def kept_alive(jpeg: bytes = JPEG, head: bytes = STILL) -> Handler:
    """Answers one request after another on its connection."""
    answer = OK + head + b"\r\nContent-Length: %d\r\n\r\n" % len(jpeg) + jpeg

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            writer.write(answer)
            await reader.readuntil(b"\r\n\r\n")

    return handler


def redirecting(status: int, location: bytes, cookie: bytes = b"") -> Handler:
    """Sends everybody elsewhere once, and gives who comes there, with its cookie, a picture; reads requests itself."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            asked = await reader.readuntil(b"\r\n\r\n")
            is_there = cookie in asked if cookie else not asked.startswith(b"GET /camera ")
            if is_there:
                writer.write(OK + told_length(0) + b"\r\n\r\n" + JPEG)
                continue
            told = b"Set-Cookie: %s; Path=/; HttpOnly\r\n" % cookie if cookie else b""
            writer.write(
                b"HTTP/1.1 %d Elsewhere\r\n%sLocation: %s\r\nContent-Length: 0\r\n\r\n" % (status, told, location)
            )

    return handler


def elsewhere(status: int, location: bytes = b"/jpg/picture.jpg?a=b", cookie: bytes = b"") -> Animal:
    return Animal(redirecting(status, location, cookie), pictures=[JPEG], is_raw=True)


def one(jpeg: bytes, *, size: tuple[int, int] = SIZE, shown: bytes | None = None) -> Animal:
    """A single picture, with the bytes that are to come."""
    head = STILL + b"\r\nContent-Length: %d" % len(jpeg)
    return Animal(plain(jpeg, head), size, pictures=[jpeg if shown is None else shown])


def labelled(label: bytes) -> Animal:
    return Animal(plain(JPEG, label), pictures=[JPEG])


def deflated(jpeg: bytes) -> bytes:
    return zlib.compress(jpeg)


ODD: dict[str, Animal] = {
    # heads
    "folded-type": Animal(stream(head=OK + REPLACE + b";\r\n boundary=frame")),
    "folded-type-with-colon": Animal(stream(head=OK + REPLACE + b";\r\n\tstart=a:b; boundary=frame")),
    "no-space-and-jpg": labelled(b"Content-type:image/jpg"),
    "pjpeg": labelled(b"Content-Type: image/pjpeg"),
    "capitals-and-charset": labelled(b"CONTENT-TYPE: IMAGE/JPEG; charset=UTF-8"),
    "two-types": Animal(stream(head=OK + b"Content-Type: text/html\r\n" + STREAM)),
    "two-interim-answers": Animal(
        still(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
            + OK
            + told_length(0)
            + b"\r\n\r\n"
            + JPEG
        ),
        pictures=[JPEG],
    ),
    "lower-case-http": Animal(still(b"http/1.0 200 ok\r\n" + told_length(0) + b"\r\n\r\n" + JPEG), pictures=[JPEG]),
    "partial-content": Animal(
        still(b"HTTP/1.1 206 Partial Content\r\n" + told_length(0) + b"\r\n\r\n" + JPEG), pictures=[JPEG]
    ),
    "non-authoritative": Animal(
        still(b"HTTP/1.1 203 From Elsewhere\r\n" + told_length(0) + b"\r\n\r\n" + JPEG), pictures=[JPEG]
    ),
    "no-content": Animal(still(b"HTTP/1.1 204 No Content\r\n\r\n"), None, "camera answered 204"),
    "identity-encoding": Animal(
        stream(head=OK + b"Transfer-Encoding: identity\r\nContent-Encoding: identity\r\n" + STREAM)
    ),
    "stream-with-length-of-2-gb": Animal(stream(head=OK + b"Content-Length: 2147483647\r\n" + STREAM)),
    "stream-with-length-0": Animal(stream(head=OK + b"Content-Length: 0\r\n" + STREAM)),
    "stream-with-length-of-a-picture": Animal(stream(head=OK + b"Content-Length: %d\r\n" % len(JPEG) + STREAM)),
    "no-head-but-boundaries": Animal(still(b"".join(map(sized, JPEGS)) * 2)),
    "rtsp-port": Animal(still(b"RTSP/1.0 400 Bad Request\r\n\r\n"), None, "write rtsp:// instead of http://"),
    # redirects
    **{f"redirect-{status}": elsewhere(status) for status in (301, 302, 303, 307, 308)},
    "redirect-relative": elsewhere(302, b"picture.jpg"),
    "redirect-up": elsewhere(302, b"../other/picture.jpg"),
    "redirect-query-only": elsewhere(302, b"?session=1"),
    "redirect-with-cookie": elsewhere(302, b"/jpg", b"session=abc"),
    "redirect-to-itself-with-cookie": elsewhere(302, b"/camera", b"session=abc"),
    "redirect-for-ever": Animal(
        still(b"HTTP/1.1 302 Found\r\nLocation: /camera\r\nContent-Length: 0\r\n\r\n"),
        None,
        "redirects more than 5 times",
    ),
    # bodies
    "kept-alive": Animal(kept_alive(), pictures=[JPEG]),
    "kept-alive-png": Animal(kept_alive(PNG, b"Content-Type: image/png"), pictures=None),
    "chunked-still": Animal(in_chunks(chunks(JPEG)), pictures=[JPEG]),
    "chunked-with-trailers": Animal(in_chunks(chunks(JPEG, end=b"0\r\nX-Sum: 1\r\nY: 2\r\n\r\n")), pictures=[JPEG]),
    "chunked-padded-lengths": Animal(in_chunks(chunks(JPEG, size=b'0000%x ; a="b;c"')), pictures=[JPEG]),
    "chunked-without-an-end": Animal(in_chunks(chunks(JPEG, end=b"")), pictures=[JPEG]),
    "chunked-line-feeds": Animal(in_chunks(b"%x\n%s\n0\n\n" % (len(JPEG), JPEG)), pictures=[JPEG]),
    "chunked-garbled": Animal(in_chunks(b"zz\r\n" + JPEG[20:]), None, "garbles their lengths"),
    "deflated": Animal(plain(deflated(JPEG), STILL + b"\r\nContent-Encoding: deflate"), pictures=[JPEG]),
    "brotli": Animal(plain(b"\x8b\x01" * 40, STILL + b"\r\nContent-Encoding: br"), None, "compresses its answer"),
    "byte-order-mark-first": Animal(plain(b"\xef\xbb\xbf" + JPEG), pictures=[JPEG]),
    "blank-lines-before-picture": Animal(plain(b"\r\n\r\n" + JPEG), pictures=[JPEG]),
    "png": Animal(plain(PNG, b"Content-Type: image/png"), pictures=None),
    "png-labelled-as-jpeg": Animal(plain(PNG), pictures=None),
    "png-open-end": Animal(plain(PNG, hold_s=5), pictures=None),
    "png-cut-off": Animal(plain(PNG[:-900], b"X: y"), None, "a PNG picture that cannot be read"),
    "png-too-large": Animal(
        plain(PNG[:16] + b"\0\0\x3e\x80\0\0\x3e\x80" + PNG[24:]), None, "16000x16000 pixels, more than the 36,000,000"
    ),
    "webp": Animal(plain(WEBP, b"Content-Type: image/webp"), pictures=None),
    "webp-in-chunks": Animal(in_chunks(chunks(WEBP), b"Content-Type: image/webp"), pictures=None),
    "png-stream": Animal(stream(lambda _: part(PNG, b"Content-Type: image/png")), pictures=None),
    "gif": Animal(plain(b"GIF89a\x01\0\x01\0\0\0\0;" * 3, b"X: y"), None, "camera sends a GIF picture"),
    # boundaries and parts
    "boundary-with-dashes": bounded(b"; boundary=--frame", b"--frame"),
    "boundary-with-dashes-and-more": bounded(b"; boundary=--frame", b"----frame"),
    "boundary-without-dashes": bounded(b"; boundary=frame", b"frame"),
    "boundary-with-nested-quotes": bounded(b'; boundary="a\\"b"', b'--a"b'),
    "boundary-with-signs": bounded(b'; boundary="=_(a+b)?/:.x"', b"--=_(a+b)?/:.x"),
    "boundary-with-space": bounded(b'; boundary="a b"', b"--a b"),
    "boundary-of-one-byte": bounded(b"; boundary=x", b"--x"),
    "boundary-first-of-two": bounded(b"; boundary=frame; boundary=other", b"--frame"),
    "boundary-with-comment": bounded(b"; boundary=frame (of a camera)", b"--frame"),
    "multipart-mixed": Animal(stream(head=OK + b"Content-Type: multipart/mixed; boundary=frame")),
    "multipart-form-data": Animal(stream(head=OK + b"Content-Type: multipart/form-data; boundary=frame")),
    "parts-with-line-feeds": Animal(stream(lambda jpeg: b"--frame\nContent-Type: image/jpeg\n\n" + jpeg + b"\n")),
    "parts-without-headers": Animal(stream(lambda jpeg: b"--frame\r\n\r\n" + jpeg + b"\r\n")),
    "parts-closed-each": Animal(stream(lambda jpeg: sized(jpeg) + b"--frame--\r\n")),
    "parts-with-blank-lines-between": Animal(stream(lambda jpeg: b"\r\n\r\n" + sized(jpeg) + b"\r\n\r\n")),
    "parts-without-line-break": Animal(stream(lambda jpeg: part(jpeg)[:-2])),
    "parts-with-folded-headers": Animal(as_part(b'Content-Type: image/jpeg;\r\n name="x"\r\nX: y')),
    "parts-labelled-html": Animal(as_part(b"Content-Type: text/html")),
    "parts-with-byte-order-mark": Animal(stream(lambda jpeg: part(b"\xef\xbb\xbf" + jpeg))),
    "heartbeats-between": Animal(stream(lambda jpeg: sized(jpeg) + part(b"alive", b"Content-Type: text/plain"))),
    "empty-parts-between": Animal(stream(lambda jpeg: sized(jpeg) + part(b"", b"Content-Length: 0"))),
    "preamble": Animal(stream(head=OK + STREAM + b"\r\n\r\nThis is a message in MIME format.\r\nWait\r\n")),
    # kinds of JPEG
    "restart-markers": one(RESTARTS),
    "fill-bytes": one(FILLED),
    "arithmetic": Animal(plain(ARITHMETIC), None, "arithmetic or 12-bit"),
    "twelve-bits": Animal(plain(TWELVE_BITS), None, "arithmetic or 12-bit"),
    "two-pictures-in-one": one(STEREO + JPEG, shown=STEREO),
    "motion-photo": one(JPEG + MOTION, shown=JPEG),
    "exif-big-endian": one(BIG_ENDIAN, size=SIZE[::-1]),
    "exif-in-second-segment": one(exif(JPEG, 6)[:2] + JPEG[2:20] + exif(JPEG, 6)[2:], size=SIZE[::-1]),
}
