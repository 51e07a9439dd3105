"""SIGTERM while many watch: pictures go on until each viewer is closed, one after the other; nothing is an error."""

from __future__ import annotations

import asyncio
import json
import signal
import struct
import time
from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.cameras import Camera
from services.gateway.serving.server import STOP_MAX_S
from tests.gateway.feeding import publish
from tests.gateway.raw_viewer import BINARY, CLOSE, RawViewer
from tests.support.processes import Gateway
from tests.support.waiting import wait_for

pytestmark = pytest.mark.slow

VIEWERS = 500
FPS = 10
WATCH = "/ws/viewer/detection?camera_id=CAM1&format=binary"


class Seen:
    """What one viewer saw: when pictures came, and when and how it was closed."""

    def __init__(self) -> None:
        self.pictures_s: list[float] = []
        self.closed_s = 0.0
        self.code = 0

    async def watch(self, viewer: RawViewer) -> None:
        while True:
            opcode, payload = await viewer.frame(timeout_s=20)
            if opcode == BINARY:
                self.pictures_s.append(time.monotonic())
            elif opcode == CLOSE:
                self.closed_s = time.monotonic()
                (self.code,) = struct.unpack("!H", payload[:2])
                await viewer.send(CLOSE, payload[:2])
                viewer.close()
                return


async def feed(redis: Redis) -> None:
    number = 0
    while True:
        number += 1
        await publish(redis, number, jpeg_bytes=2_000)
        await asyncio.sleep(1 / FPS)


@pytest.mark.timeout(180)
async def test_five_hundred_viewers(gateway: Gateway, redis: Redis) -> None:
    viewers = [await RawViewer.connect(gateway.address, WATCH) for _ in range(VIEWERS)]
    feeding = asyncio.create_task(feed(redis))
    seen = [Seen() for _ in viewers]
    watching = [asyncio.create_task(one.watch(viewer)) for one, viewer in zip(seen, viewers, strict=True)]
    await wait_for(lambda: all(len(one.pictures_s) >= 3 for one in seen), timeout_s=30)
    stopped_s = time.monotonic()
    gateway.service.process.send_signal(signal.SIGTERM)
    await asyncio.gather(*watching)
    code = await asyncio.to_thread(gateway.service.process.wait, 20)
    took_s = time.monotonic() - stopped_s
    feeding.cancel()

    assert code == 0
    assert took_s < STOP_MAX_S
    assert {one.code for one in seen} == {1001}
    frozen_s = [one.closed_s - one.pictures_s[-1] for one in seen]
    assert max(frozen_s) < 1.0, "pictures go on until the close"
    closed_s = sorted(one.closed_s - stopped_s for one in seen)
    assert closed_s[-1] - closed_s[0] > 1.0, "viewers are closed one after the other"
    assert _most_within(closed_s, 0.2) < VIEWERS / 3, "and never many at once"
    levels = [json.loads(line)["level"] for line in gateway.service.log.splitlines()]
    assert "error" not in levels
    assert "exceeded" not in gateway.service.log


def _most_within(times_s: list[float], span_s: float) -> int:
    return max(sum(at_s <= other < at_s + span_s for other in times_s) for at_s in times_s)


async def test_a_viewer_that_does_not_answer_and_a_slow_request_hold_up_nothing(gateway: Gateway, redis: Redis) -> None:
    silent = await RawViewer.connect(gateway.address, WATCH)
    host, _, port = gateway.address.partition(":")
    _, endless = await asyncio.open_connection(host, int(port))
    endless.write(b"POST /api/cameras HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
    await endless.drain()
    await publish(redis, 1)
    started = time.monotonic()
    assert await asyncio.to_thread(gateway.service.stop, signal.SIGTERM, 20) == 0
    assert time.monotonic() - started < 6
    assert "exceeded" not in gateway.service.log
    assert '"level": "error"' not in gateway.service.log
    silent.close()
    endless.close()


async def test_a_stream_ends_with_a_whole_picture(gateway: Gateway, redis: Redis) -> None:
    camera = Camera(id="CAM1", name="one", url="rtsp://camera.example/")
    await redis.hset(keys.CAMERAS, "CAM1", camera.model_dump_json())
    await publish(redis, 1)
    feeding = asyncio.create_task(feed(redis))
    async with aiohttp.ClientSession() as http, http.get(f"{gateway.url}/api/cameras/CAM1/stream.mjpg") as stream:
        assert stream.status == 200
        await stream.content.readexactly(2_000)
        stopping = asyncio.create_task(asyncio.to_thread(gateway.service.stop))
        rest = await stream.content.read()
        assert await stopping == 0
    feeding.cancel()
    assert rest.endswith(b"\r\n"), "the stream ended as HTTP wants it, after a picture"


@pytest.fixture(autouse=True)
def _many_files(tmp_path: Path) -> None:
    """Five hundred sockets on this side, too."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
