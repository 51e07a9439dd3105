"""The detector as a real process on a real Redis: frames a second, CPU and memory."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import psutil
from redis.asyncio import Redis

from libs.common import keys
from libs.common.cameras import Camera
from libs.common.clock import now_ms
from libs.common.messages import FRAMES_MAXLEN, RawFrame
from libs.common.spaces import ParkingSpace, dump_spaces
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_for


@dataclass(frozen=True, slots=True)
class Run:
    """What a run showed.

    Attributes:
        fps: messages a second over all cameras.
        cores: that the detector had in use.
        feeding_cores: that the bench and Redis had in use.
        idle_cores: that nobody had in use.
        memory_mb: the detector's.
    """

    fps: float
    cores: float
    feeding_cores: float
    idle_cores: float
    memory_mb: float


class DetectorAtWork:
    """A detector process with cameras that send only when asked to."""

    def __init__(
        self, server: RedisServer, redis: Redis, process_id: int, names: list[str], jpegs: Sequence[bytes]
    ) -> None:
        """Take over a detector that runs.

        Args:
            server: its Redis.
            redis: a client of that.
            process_id: the detector's.
            names: of the cameras.
            jpegs: the frames, over and over; one JPEG is a lot where nothing moves.
        """
        self._server, self._redis, self._names, self._jpegs = server, redis, names, jpegs
        self._viewer: asyncio.Transport | None = None
        self._detector, self._others = psutil.Process(process_id), (psutil.Process(), psutil.Process(server.pid))

    async def watch(self, channel: Callable[[str], str] | None) -> None:
        """Subscribe to a channel of every camera, and to no other any more; None: to nothing."""
        if self._viewer is not None:
            self._viewer.abort()
            self._viewer = None
        if channel is not None:
            channels = [channel(name) for name in self._names]
            loop = asyncio.get_running_loop()
            self._viewer, _ = await loop.create_connection(lambda: _Viewer(channels), "127.0.0.1", self._server.port)

    async def measure(self, camera_fps: float, seconds: float, settle_s: float) -> Run:
        """Feed it frames and see what comes out.

        Args:
            camera_fps: frames a second of each camera.
            seconds: how long it is measured.
            settle_s: how long before that, once all cameras are drawn.
        """
        stop = threading.Event()
        feeding = asyncio.create_task(
            asyncio.to_thread(_feed, self._server, self._names, self._jpegs, camera_fps, stop)
        )
        try:
            await self._until_all_are_drawn()
            await asyncio.sleep(settle_s)
            before, spent, started = await self._count(), self._cpu_seconds(), time.monotonic()
            await asyncio.sleep(seconds)
            elapsed = time.monotonic() - started
            drawn = await self._count() - before
            own, others, idle = ((now - then) / elapsed for now, then in zip(self._cpu_seconds(), spent, strict=True))
            return Run(drawn / elapsed, own, others, idle, self._detector.memory_info().rss / 1e6)
        finally:
            stop.set()
            await feeding

    def _cpu_seconds(self) -> tuple[float, float, float]:
        """Of the detector, of the others, of nobody."""
        own, *others = (sum(process.cpu_times()[:2]) for process in (self._detector, *self._others))
        return own, sum(others), psutil.cpu_times().idle

    async def _count(self) -> int:
        return sum(int(count or 0) for count in await self._counts())

    async def _counts(self) -> list[bytes | str | None]:
        return await self._redis.mget([keys.count(name) for name in self._names])

    async def _until_all_are_drawn(self) -> None:
        before = await self._counts()

        async def all_are_drawn() -> bool:
            pairs = zip(await self._counts(), before, strict=True)
            return all(int(now or 0) >= int(then or 0) + 5 for now, then in pairs)

        await wait_for(all_are_drawn, 60, every_s=0.1)


@asynccontextmanager
async def detector_at_work(
    model: str,
    jpegs: Sequence[bytes],
    spaces: Sequence[ParkingSpace],
    *,
    cameras: int,
    watched: bool,
    environment: dict[str, str],
) -> AsyncIterator[DetectorAtWork]:
    """A detector process on a Redis of its own.

    Args:
        model: the detection model.
        jpegs: as `DetectorAtWork` has them.
        spaces: of every camera.
        cameras: how many.
        watched: whether somebody has subscribed to every camera.
        environment: settings of the detector.
    """
    names = [f"CAM{number}" for number in range(cameras)]
    process = detector = None
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            async with Redis.from_url(server.url, protocol=2) as redis:
                for name in names:
                    await redis.set(keys.spaces(name), dump_spaces(list(spaces)))
                    await redis.hset(keys.CAMERAS, name, Camera(id=name, name=name, url="http://h/").model_dump_json())
                settings = {"REDIS_URL": server.url, "DETECTOR_MODEL": model, "LOG_LEVEL": "WARNING", **environment}
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "services.detector", env={**os.environ, **settings}
                )
                detector = DetectorAtWork(server, redis, process.pid, names, jpegs)
                await detector.watch(keys.live if watched else None)
                yield detector
        finally:
            if detector is not None:
                await detector.watch(None)
            if process is not None:
                process.terminate()
                await process.wait()
            server.stop()


def _feed(server: RedisServer, names: list[str], jpegs: Sequence[bytes], fps: float, stop: threading.Event) -> None:
    """Send frames of all cameras in turn, out of step, as cameras are, until stopped."""
    with server.client() as redis:
        due = time.monotonic()
        for number in count():
            turn, camera = divmod(number, len(names))
            frame = RawFrame(turn, now_ms(), 1280, 720, jpegs[(turn + 7 * camera) % len(jpegs)])
            fields: Any = frame.to_fields()
            redis.xadd(keys.frames(names[camera]), fields, maxlen=FRAMES_MAXLEN, approximate=False)
            due += 1 / (fps * len(names))
            if stop.wait(max(0.0, due - time.monotonic())):
                return


class _Viewer(asyncio.BufferedProtocol):
    """Subscribes to channels and throws away what comes."""

    def __init__(self, channels: list[str]) -> None:
        self._channels = channels
        self._buffer = bytearray(1 << 20)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(f"SUBSCRIBE {' '.join(self._channels)}\r\n".encode())  # type: ignore[attr-defined] # a TCP transport writes

    def get_buffer(self, sizehint: int) -> bytearray:
        return self._buffer
