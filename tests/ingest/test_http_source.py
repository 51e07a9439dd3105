"""The HTTP source against real servers on loopback."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Any

import pytest
import trustme

from libs.common.cameras import Camera
from libs.common.clock import now_ms
from libs.common.errors import CameraStalled, SourceError
from services.ingest.pacing import FramePacer
from services.ingest.settings import IngestSettings
from services.ingest.sources.base import CapturedFrame
from services.ingest.sources.http import read_http
from tests.support.cameras import Handler, answering, multipart_camera, serving
from tests.support.pictures import make_jpeg
from tests.support.waiting import PATIENCE_S

PICTURES = [make_jpeg(seed=seed) for seed in range(3)]
QUICK = IngestSettings(stall_after_s=0.4, connect_timeout_s=0.5)


async def read(handler: Handler, count: int, settings: IngestSettings = QUICK, fps: float = 60) -> list[CapturedFrame]:
    """The first `count` frames from a camera."""
    frames: list[CapturedFrame] = []
    async with serving(handler) as url, asyncio.timeout(PATIENCE_S):
        camera = Camera(id="CAM1", name="x", url=f"{url}/stream?user=admin&pwd=s3cret", fps=fps)
        async with aclosing(read_http(camera, settings, FramePacer(fps))) as source:
            async for frame in source:
                frames.append(frame)
                if len(frames) == count:
                    break
    return frames


@pytest.mark.parametrize("length", [True, False])
async def test_a_stream_is_passed_through_byte_for_byte(length: bool) -> None:
    frames = await read(multipart_camera(PICTURES, length=length, interval_s=0.02), 3)
    assert [frame.jpeg for frame in frames] == PICTURES
    assert frames[0].captured_at_ms <= frames[1].captured_at_ms <= frames[2].captured_at_ms


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def esp32(jpeg: bytes) -> bytes:
    """The example firmware of the ESP32-CAM: HTTP chunks of boundary, header, picture."""
    head = b"Content-Type: image/jpeg\r\nContent-Length: %d\r\nX-Timestamp: 12.345678\r\n\r\n" % len(jpeg)
    return chunk(b"\r\n--123456789000000000000987654321\r\n") + chunk(head) + chunk(jpeg)


def with_length(boundary: bytes, name: bytes = b"Content-Length") -> Callable[[bytes], bytes]:
    return lambda jpeg: b"%s\r\nContent-Type: image/jpeg\r\n%s: %d\r\n\r\n%s\r\n" % (boundary, name, len(jpeg), jpeg)


def without_length(boundary: bytes) -> Callable[[bytes], bytes]:
    return lambda jpeg: b"%s\r\nContent-type: image/jpeg\r\n\r\n%s\r\n" % (boundary, jpeg)


@pytest.mark.parametrize(
    ("protocol", "parameter", "part"),
    [
        ("1.1", "boundary=123456789000000000000987654321\r\nTransfer-Encoding: chunked", esp32),
        ("1.0", "boundary=boundarydonotcross", with_length(b"\r\n--boundarydonotcross")),  # mjpg-streamer
        ("1.1", " boundary=myboundary", with_length(b"--myboundary")),  # Axis
        ("1.0", " boundary=--BoundaryString", with_length(b"--BoundaryString", b"Content-length")),  # motion
        ("1.1", "boundary=ffmpeg", without_length(b"--ffmpeg")),
        ("1.1", 'boundary="quoted"', without_length(b"----quoted")),
        ("1.0", "boundary=bare", without_length(b"bare")),
    ],
    ids=["esp32", "mjpg-streamer", "axis", "motion", "no-length", "many-dashes", "no-dashes"],
)
async def test_what_known_cameras_send_is_understood(
    protocol: str, parameter: str, part: Callable[[bytes], bytes]
) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/{protocol} 200 OK\r\nContent-Type: multipart/x-mixed-replace;{parameter}\r\n\r\n"
        writer.write(head.encode())
        while True:
            for jpeg in PICTURES:
                stream = part(jpeg)
                for at in range(0, len(stream), 700):  # as small packets bring it
                    writer.write(stream[at : at + 700])
                    await writer.drain()
                await asyncio.sleep(0.02)

    frames = await read(handler, 5)
    assert [frame.jpeg for frame in frames] == [*PICTURES, *PICTURES[:2]]


async def test_single_pictures_are_asked_for_at_the_cameras_rate() -> None:
    jpeg = PICTURES[0]
    head = f"HTTP/1.1 200 OK\nContent-Type: image/jpeg\nContent-Length: {len(jpeg)}"
    frames = await read(answering(head, jpeg), 6, fps=20)
    assert [frame.jpeg for frame in frames] == [jpeg] * 6
    assert frames[-1].captured_at_ms - frames[0].captured_at_ms >= 4 * 50


async def test_the_end_of_the_stream_is_no_error() -> None:
    assert len(await read(multipart_camera(PICTURES, forever=False, interval_s=0.02), 99)) == 3


@pytest.mark.parametrize(
    ("head", "problem"),
    [
        ("HTTP/1.1 401 Unauthorized\nContent-Length: 0", "camera answered 401: check user name and password"),
        ("HTTP/1.1 404 Not Found\nContent-Length: 0", "camera answered 404: check the path in the URL"),
        ("HTTP/1.1 503 Busy\nContent-Length: 0", "one client at a time"),
        ("HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Length: 0", "camera sends text/html"),
        ("HTTP/1.1 302 Found\nLocation: /stream\nContent-Length: 0", "redirects more than"),
        ("nonsense", "camera does not speak HTTP as it should: its answer begins with 'nonsense'"),
        ("HTTP/1.1 200 OK\nX: " + "y" * 70000, "a head of more than 65536 bytes"),
        (
            "HTTP/1.1 200 OK\nContent-Type: multipart/x-mixed-replace; boundary=b\nContent-Length: 9",
            "camera broke off in the middle of its answer",
        ),
    ],
)
async def test_a_failure_is_a_sentence_a_person_understands(head: str, problem: str) -> None:
    with pytest.raises(SourceError, match=re.escape(problem)) as caught:
        await read(answering(head), 1)
    assert "s3cret" not in str(caught.value), "passwords in the query, as many cameras want them"


@pytest.mark.parametrize(
    "handler",
    [
        answering("HTTP/1.1 200 OK\nContent-Type: multipart/x-mixed-replace; boundary=b", b"--b\r\n", 30),
        answering("HTTP/1.1 200 OK\nContent-Type: image/jpeg\nContent-Length: 9", b"", 30),
    ],
)
async def test_a_camera_that_goes_silent_is_stalled(handler: Handler) -> None:
    with pytest.raises(CameraStalled, match=r"0\.4 s"):
        await read(handler, 1)


async def test_a_camera_that_accepts_and_says_nothing_is_stalled() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(30)

    with pytest.raises(CameraStalled, match="sent nothing"):
        await read(silent, 1)


async def test_a_head_that_never_ends_is_stalled() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n")
        while True:
            writer.write(b"X: y\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    started = time.monotonic()
    with pytest.raises(CameraStalled, match="did not begin a whole answer in time"):
        await read(trickle, 1)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("every_s", "problem"), [(0.0, "more than 10000000 bytes"), (0.05, "no whole frame for 0.4 s")]
)
async def test_a_single_picture_that_never_ends_is_given_up(every_s: float, problem: str) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/jpeg\r\n\r\n" + PICTURES[0][:-2])
        while True:
            writer.write(bytes(100_000))
            await writer.drain()
            await asyncio.sleep(every_s)

    settings = IngestSettings(stall_after_s=5 if every_s == 0 else 0.4)
    with pytest.raises(SourceError, match=problem):
        await read(endless, 1, settings)


async def test_a_silent_name_server_makes_no_other_camera_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """More cameras with such names than an event loop has threads for looking names up."""
    silent, look_up = threading.Event(), socket.getaddrinfo

    def getaddrinfo(host: str, *arguments: Any, **options: Any) -> Any:
        if host.endswith(".silent"):
            silent.wait()
            raise socket.gaierror("the test is over")
        return look_up(host, *arguments, **options)

    async def of(url: str) -> bytes:
        async with aclosing(read_http(Camera(id="C", name="x", url=url), QUICK, FramePacer(60))) as frames:
            return (await anext(frames)).jpeg

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    try:
        async with serving(multipart_camera(PICTURES)) as url:
            waiting = [asyncio.create_task(of(f"http://camera{number}.silent/stream")) for number in range(50)]
            async with asyncio.timeout(0.5):
                assert await of(f"{url.replace('127.0.0.1', 'localhost')}/stream") in PICTURES
            problems = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(problem) for problem in problems} == {CameraStalled}
    finally:
        silent.set()
        for thread in threading.enumerate():
            if thread.name == "look-up":
                thread.join(5)  # fifty at once would hold up the next test's look-up


async def test_a_certificate_must_be_trusted_unless_the_url_says_otherwise() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    async with serving(multipart_camera(PICTURES), context) as url:
        camera = Camera(id="C", name="x", url=f"{url}/stream")
        with pytest.raises(SourceError, match="certificate is not trusted; #insecure at the end of the URL"):
            await anext(read_http(camera, QUICK, FramePacer(60)))
        camera = camera.model_copy(update={"url": f"{url}/stream#insecure"})
        async with aclosing(read_http(camera, QUICK, FramePacer(60))) as frames:
            assert (await anext(frames)).jpeg in PICTURES


async def test_a_body_that_never_becomes_a_frame_is_stalled() -> None:
    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n--b\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    with pytest.raises(CameraStalled, match="no whole frame"):
        await read(trickle, 1)


async def test_a_frame_of_a_hundred_megabytes_is_refused_at_once() -> None:
    head = "HTTP/1.1 200 OK\nContent-Type: multipart/x-mixed-replace; boundary=b"
    part = b"--b\r\nContent-Length: 100000000\r\n\r\n"
    with pytest.raises(SourceError, match="more than 10000000 bytes"):
        await read(answering(head, part, 30), 1)


async def test_nobody_listens_there() -> None:
    camera = Camera(id="CAM1", name="x", url="http://127.0.0.1:9/stream")
    with pytest.raises(SourceError, match="cannot be reached: connection refused: check address and port"):
        async for _ in read_http(camera, QUICK, FramePacer(10)):
            pass


async def test_there_is_no_such_host() -> None:
    camera = Camera(id="CAM1", name="x", url="http://no-such-host.invalid/stream")
    with pytest.raises(SourceError, match="no such host: check the address"):
        async for _ in read_http(camera, QUICK, FramePacer(10)):
            pass


@pytest.mark.parametrize(("behind_s", "is_believed"), [(0.3, True), (-5, False), (3600, False), (1.7e9, False)])
async def test_a_believable_clock_of_the_camera_dates_its_frames(behind_s: float, is_believed: bool) -> None:
    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n")
        head = f"--b\r\nContent-Length: {len(PICTURES[0])}\r\nX-Timestamp: {time.time() - behind_s:.6f}\r\n\r\n"
        writer.write(head.encode() + PICTURES[0] + b"\r\n")
        await reader.read()

    frame = (await read(handler, 1))[0]
    age_ms = now_ms() - frame.captured_at_ms
    assert (300 <= age_ms < 600) if is_believed else (0 <= age_ms < 250)
