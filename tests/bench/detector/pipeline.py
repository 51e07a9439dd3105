"""The detector as a real process on a real Redis: frames a second, CPU and memory."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import psutil
from redis.asyncio import Redis

from libs.common import keys
from libs.common.cameras import Camera
from libs.common.clock import now_ms
from libs.common.spaces import ParkingSpace, dump_spaces
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_for

SETTLES_S = 8.0
"""At the start every space is unknown and looked at closely; a still lot must not pay for that."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a run showed: messages a second over all cameras, the process's cores in use, its memory in MB."""

    fps: float
    cores: float
    memory_mb: float


async def run_detector(
    folder: Path,
    model: str,
    jpegs: Sequence[bytes],
    spaces: Sequence[ParkingSpace],
    *,
    cameras: int,
    camera_fps: float,
    seconds: float,
    watched: bool,
    environment: dict[str, str],
) -> Run:
    """Feed frames to a detector process and see what comes out.

    Args:
        folder: for redis-server.
        model: the detection model.
        jpegs: the frames, over and over; one JPEG is a lot where nothing moves.
        spaces: of every camera.
        cameras: how many.
        camera_fps: frames a second of each.
        seconds: how long it is measured, once all cameras are drawn and the first close looks are over.
        watched: whether somebody has subscribed to every camera.
        environment: settings of the detector.
    """
    server = RedisServer(folder)
    server.start()
    names = [f"CAM{number}" for number in range(cameras)]
    process = viewer = feeding = None
    stop = threading.Event()
    try:
        async with Redis.from_url(server.url, protocol=2) as redis:
            for name in names:
                await redis.set(keys.spaces(name), dump_spaces(list(spaces)))
                await redis.hset(keys.CAMERAS, name, Camera(id=name, name=name, url="http://h/").model_dump_json())
            settings = {"REDIS_URL": server.url, "DETECTOR_MODEL": model, "LOG_LEVEL": "WARNING", **environment}
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "services.detector", env={**os.environ, **settings}
            )
            feeding = asyncio.create_task(asyncio.to_thread(_feed, server, names, jpegs, camera_fps, stop))
            if watched:
                loop = asyncio.get_running_loop()
                viewer, _ = await loop.create_connection(lambda: _Viewer(names), "127.0.0.1", server.port)
            await _until_all_are_drawn(redis, names)
            await asyncio.sleep(SETTLES_S)
            observed = psutil.Process(process.pid)
            counts, cpu, started = await _counts(redis, names), observed.cpu_times(), time.monotonic()
            await asyncio.sleep(seconds)
            elapsed = time.monotonic() - started
            drawn = await _counts(redis, names) - counts
            after = observed.cpu_times()
            cores = (after.user + after.system - cpu.user - cpu.system) / elapsed
            return Run(drawn / elapsed, cores, observed.memory_info().rss / 1e6)
    finally:
        stop.set()
        if feeding is not None:
            await feeding
        if viewer is not None:
            viewer.abort()
        if process is not None:
            process.terminate()
            await process.wait()
        server.stop()


# The frames lie in Redis already and are copied there, so that feeding takes next to none of the cores' time.
_FEED = """
redis.call('XADD', KEYS[1], 'MAXLEN', 4, '*', 'seq', ARGV[1], 'captured_at', ARGV[2], 'width', 1280, 'height', 720,
    'jpeg', redis.call('HGET', 'bench:jpegs', ARGV[3]))
"""


def _feed(server: RedisServer, names: list[str], jpegs: Sequence[bytes], fps: float, stop: threading.Event) -> None:
    """Send frames of all cameras in turn, out of step, as cameras are, until stopped."""
    with server.client() as redis:
        redis.hset("bench:jpegs", mapping=dict(enumerate(jpegs)))
        feed = redis.register_script(_FEED)
        due = time.monotonic()
        for number in count():
            turn, camera = divmod(number, len(names))
            feed([keys.frames(names[camera])], [turn, now_ms(), (turn + 7 * camera) % len(jpegs)])
            due += 1 / (fps * len(names))
            if stop.wait(max(0.0, due - time.monotonic())):
                return


class _Viewer(asyncio.BufferedProtocol):
    """Subscribes to cameras and throws away what comes."""

    def __init__(self, names: list[str]) -> None:
        self._names = names
        self._buffer = bytearray(1 << 20)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        channels = " ".join(keys.live(name) for name in self._names)
        transport.write(f"SUBSCRIBE {channels}\r\n".encode())  # type: ignore[attr-defined] # a TCP transport writes

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._buffer


async def _counts(redis: Redis, names: list[str]) -> int:
    return sum(int(count or 0) for count in await redis.mget([keys.count(name) for name in names]))


async def _until_all_are_drawn(redis: Redis, names: list[str]) -> None:
    async def all_are_drawn() -> bool:
        return all(int(count or 0) >= 5 for count in await redis.mget([keys.count(name) for name in names]))

    await wait_for(all_are_drawn, 60, every_s=0.1)
