"""Cameras that misbehave: each ends in a sentence and a counter, none touches another, and nothing leaks."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest
from redis.asyncio import Redis
from redis.asyncio.lock import Lock

from libs.common import keys
from libs.common.bus import connect
from libs.common.cameras import Camera
from libs.common.clock import running_s
from libs.common.leases import Lease
from libs.common.redis_clock import RedisClock
from services.ingest.camera_reader import CameraReader
from services.ingest.frame_writer import FrameWriter
from services.ingest.metrics import IngestMetrics
from services.ingest.settings import IngestSettings
from services.ingest.status import CameraStatus
from tests.support.cameras import Handler, answering, multipart_camera, serving
from tests.support.pictures import make_jpeg
from tests.support.processes import running
from tests.support.waiting import wait_for

SMALL, LARGE = make_jpeg(64, 48), make_jpeg(320, 240)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n\r\n"
STREAM = "HTTP/1.1 200 OK\nContent-Type: multipart/x-mixed-replace; boundary=b"


def part(payload: bytes) -> bytes:
    return b"--b\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(payload), payload)


def endless(head: bytes, *pieces: bytes, every_s: float = 0.02) -> Handler:
    """Sends the pieces one after the other, for ever."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(every_s)

    return handler


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


CHUNKED = HEAD.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")
GOOD: dict[str, Handler] = {
    "garbage-between-parts": endless(HEAD, part(SMALL), b"\x00\xff--\r\nnoise: x\r\n\r\n", os.urandom(300)),
    "size-changes": endless(HEAD, part(SMALL), part(LARGE)),
    "chunked": endless(CHUNKED, chunk(part(SMALL)[:50]), chunk(part(SMALL)[50:])),
    "some-half-frames": endless(HEAD, part(SMALL), part(LARGE[: len(LARGE) // 2])),
    "as-fast-as-it-can": endless(HEAD, part(LARGE) * 20, every_s=0),
}
BAD: dict[str, tuple[Handler, str, str]] = {
    "half-frames": (endless(HEAD, part(LARGE[:500])), "error", "no usable pictures: half a JPEG"),
    "no-pictures": (endless(HEAD, part(b"hello")), "error", "no usable pictures: not a JPEG"),
    "hundred-megabytes": (answering(STREAM, b"--b\r\nContent-Length: 100000000\r\n\r\n", 30), "error", "more than"),
    "never-ending-frame": (endless(HEAD + b"--b\r\n\r\n", bytes(1_000_000)), "error", "more than 10000000 bytes"),
    "only-garbage": (endless(HEAD, b"garbage"), "stalled", "no whole frame for 1 s"),
    "head-without-end": (endless(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"), "stalled", "did not begin a whole answer"),
    "silent": (silent, "stalled", "sent nothing for 1 s"),
    "silent-stream": (endless(HEAD, b""), "stalled", "sent nothing for 1 s"),
    "denied": (answering("HTTP/1.1 401 No\nContent-Length: 0"), "error", "401: check user name and password"),
    "nonsense": (answering("\x00\x01\x02"), "error", "does not speak HTTP"),
    "html": (answering("HTTP/1.1 200 OK\nContent-Type: text/html", b"<html>"), "error", "camera sends text/html"),
    "hangs-up": (answering(STREAM), "error", "closed the connection"),
}


async def status_of(redis: Redis, camera_id: str) -> dict[str, str]:
    answer: Any = await redis.hgetall(keys.status(camera_id))
    return {name.decode(): value.decode() for name, value in answer.items()}


async def flows_for_5_s(redis: Redis, started_s: float) -> bool:
    """Whether five seconds of the good camera's pictures came, ten a second; the status tells late, never too many."""

    async def frames() -> int:
        return int((await status_of(redis, "good"))["ingest_frames"])

    before = await frames()
    await asyncio.sleep(5)
    now = await frames()
    assert now <= 10 * (time.monotonic() - started_s) + 2, "no more than the camera's ten a second are taken"
    return now - before >= 40


async def test_no_camera_hurts_another(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    environment = {
        "REDIS_URL": redis_url,
        "INGEST_STALL_AFTER_S": "1",
        "INGEST_CONNECT_TIMEOUT_S": "1",
        "INGEST_BACKOFF_MAX_S": "0.3",
    }
    async with AsyncExitStack() as stack:
        handlers = {**GOOD, **{name: handler for name, (handler, _, _) in BAD.items()}}
        handlers["good"] = multipart_camera([SMALL], interval_s=0.05)
        for name, handler in handlers.items():
            url = await stack.enter_async_context(serving(handler))
            camera = Camera(id=name, name=name, url=f"{url}/stream", fps=10)
            await redis.hset(keys.CAMERAS, name, camera.model_dump_json())
        started_s = time.monotonic()
        ingest = stack.enter_context(running("services.ingest", environment, tmp_path / "log"))

        async def problems_told() -> bool:
            for name, (_, state, sentence) in BAD.items():
                status = await status_of(redis, name)
                # While it tries again it is connecting; the last problem stays in sight.
                is_told = status.get("ingest_state") in (state, "connecting") and sentence in status["ingest_error"]
                if not is_told or int(status["ingest_reconnects"]) < 2:
                    return False
            return True

        async def good_ones_live() -> bool:
            states = [(await status_of(redis, name)).get("ingest_state") for name in ("good", *GOOD)]
            return set(states) == {"live"}

        try:
            await wait_for(problems_told, 60, every_s=0.1)
            await wait_for(good_ones_live, every_s=0.1)
            # Where the machine is busy with something else, the camera sends less: such a second spoils no other.
            await wait_for(lambda: flows_for_5_s(redis, started_s))
        except AssertionError as error:
            raise AssertionError({name: await status_of(redis, name) for name in handlers}) from error

        async def halves_are_counted() -> bool:
            return int((await status_of(redis, "some-half-frames"))["ingest_bad_frames"]) > 5

        await wait_for(halves_are_counted, every_s=0.1)
        sizes: Any = await redis.xrange(keys.frames("size-changes"))
        assert {(fields[b"width"], fields[b"height"]) for _, fields in sizes} <= {(b"64", b"48"), (b"320", b"240")}
        assert ingest.process.poll() is None
        assert "Traceback" not in ingest.log
        assert psutil.Process(ingest.process.pid).memory_info().rss < 300_000_000
        assert ingest.stop() == 0


FAILURES = 3600
WARM_UP = 600


def held_bytes(process: psutil.Process) -> int:
    """What this process really holds: without garbage, and without what the C library keeps of freed memory."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(process.memory_info().rss)


@pytest.mark.long
@pytest.mark.timeout(180)
async def test_a_failing_camera_leaks_nothing() -> None:
    """As many failures as one a second makes in an hour, one after the other."""
    modes = [
        answering("HTTP/1.1 401 No\nContent-Length: 0"),
        answering(STREAM),
        answering(STREAM, part(SMALL) + part(LARGE)[:200]),
        answering("nonsense"),
        answering(STREAM, b"--b\r\nContent-Length: 100000000\r\n\r\n"),
        answering("HTTP/1.1 302 Found\nLocation: /again\nContent-Length: 0"),
    ]
    turn = 0

    async def failing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal turn
        turn += 1
        await modes[turn % len(modes)](reader, writer)

    async with connect("redis://127.0.0.1:1/0") as redis:
        lease = Lease("C", Lock(redis, "C"), 1000)
        lease.extend(running_s())
        status, metrics = CameraStatus(asyncio.Event()), IngestMetrics().frames
        settings = IngestSettings(stall_after_s=0.5, connect_timeout_s=0.5, backoff_max_s=0.001)
        process = psutil.Process()
        async with serving(failing) as url:
            # By name, so that names are looked up as often.
            camera = Camera(id="C", name="C", url=f"{url.replace('127.0.0.1', 'localhost')}/stream")
            reader = CameraReader(
                camera, lease, FrameWriter(redis, metrics, RedisClock(redis)), settings, status, metrics
            )
            reading = asyncio.create_task(reader.run())
            await wait_for(lambda: status.reconnects >= WARM_UP, 60)
            tasks, sockets, memory = len(asyncio.all_tasks()), process.num_fds(), held_bytes(process)
            threads = process.num_threads()
            await wait_for(lambda: status.reconnects >= FAILURES, 120)
            assert len(asyncio.all_tasks()) <= tasks + 5
            assert process.num_fds() <= sockets + 5
            assert held_bytes(process) - memory < 8_000_000
            assert process.num_threads() <= threads + 2
            assert not reading.done()
            reading.cancel()
            await asyncio.wait({reading})


@pytest.mark.long
async def test_a_failing_video_leaks_neither_threads_nor_files(tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"no video" * 100)
    async with connect("redis://127.0.0.1:1/0") as redis:
        lease = Lease("C", Lock(redis, "C"), 1000)
        lease.extend(running_s())
        status, metrics = CameraStatus(asyncio.Event()), IngestMetrics().frames
        settings = IngestSettings(stall_after_s=0.5, connect_timeout_s=0.5, backoff_max_s=0.001, hwaccel="off")
        process = psutil.Process()
        async with serving(answering("RTSP/1.0 200 OK\nCSeq: 1\nPublic: DESCRIBE")) as half_a_camera:
            rtsp = half_a_camera.replace("http", "rtsp")
            files = ((tmp_path / name).as_uri() for name in ("bad.mp4", "missing.mp4"))
            for url in ("rtsp://127.0.0.1:9/main", f"{rtsp}/main", *files):
                camera = Camera(id="C", name="C", url=url)
                reader = CameraReader(
                    camera, lease, FrameWriter(redis, metrics, RedisClock(redis)), settings, status, metrics
                )
                reading = asyncio.create_task(reader.run())
                status.reconnects = 0
                await wait_for(lambda: status.reconnects >= 50, 60)
                threads, open_files, memory = process.num_threads(), process.num_fds(), process.memory_info().rss
                tasks = len(asyncio.all_tasks())
                await wait_for(lambda: status.reconnects >= 300, 60)
                assert process.num_threads() <= threads + 2
                assert process.num_fds() <= open_files + 3
                assert len(asyncio.all_tasks()) <= tasks + 3
                assert process.memory_info().rss - memory < 8_000_000
                reading.cancel()
                await asyncio.wait({reading})
