"""One measurement: a farm of cameras, a Redis, and one reader of them all on a core of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import urllib.request
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from redis.asyncio import Redis

from libs.common import keys
from libs.common.cameras import Camera
from tests.support.processes import ROOT

READY_S = 60.0
SETTLE_S = 1.0
"""After the cameras have paused, for what is on its way to arrive."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one reader did with the cameras' frames in a while.

    Attributes:
        cameras: how many.
        sent: frames that the cameras sent, a second.
        written: frames that came to Redis, a second.
        lost: of those sent, in all; the cameras pause while frames are counted, so that none is on its way.
        core: share of one core that the reader used.
        cpu_ms: CPU time a frame.
        memory_mb: resident.
    """

    cameras: int
    sent: float
    written: float
    lost: int
    core: float
    cpu_ms: float
    memory_mb: float


def cores() -> tuple[set[int], set[int]]:
    """A core for the reader, and the others for cameras and Redis."""
    available = sorted(os.sched_getaffinity(0))
    return {available[0]}, set(available[1:]) or {available[0]}


@contextmanager
def started(arguments: Sequence[str], on: set[int], environment: dict[str, str] | None = None) -> Iterator[Any]:
    """A Python module as a process on the given cores; ended at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        os.sched_setaffinity(process.pid, on)
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def farm(jpeg: Path, fps: float) -> Iterator[str]:
    """Running cameras; their address."""
    with started(["bench.ingest.camera_farm", "--jpeg", str(jpeg), "--fps", str(fps)], cores()[1]) as process:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"


async def measure_ingest(
    redis: Redis, redis_url: str, address: str, cameras: int, fps: float, seconds: float
) -> Measurement:
    """Our ingest with that many cameras."""
    await redis.flushall()
    ids = [f"CAM{number}" for number in range(cameras)]
    for camera_id in ids:
        # A higher cap than the cameras' rate, so that every frame is wanted: what is missing was lost.
        camera = Camera(id=camera_id, name=camera_id, url=f"{address}/{camera_id}", fps=min(60.0, 2 * fps))
        await redis.hset(keys.CAMERAS, camera_id, camera.model_dump_json())
    with started(["services.ingest"], cores()[0], {"REDIS_URL": redis_url, "LOG_LEVEL": "ERROR"}) as process:

        async def written() -> int:
            """`entries-added` counts what was ever added; it is read at once, where the status is a second old."""
            pipe = redis.pipeline(transaction=False)
            for camera_id in ids:
                pipe.xinfo_stream(keys.frames(camera_id))
            answers: list[Any] = await pipe.execute(raise_on_error=False)
            return sum(answer["entries-added"] for answer in answers if isinstance(answer, dict))

        async def all_live() -> bool:
            states = [await redis.hget(keys.status(camera_id), "ingest_state") for camera_id in ids]
            return all(state == b"live" for state in states)

        await _wait(all_live)
        return await _measure(process.pid, address, cameras, seconds, written)


async def measure_usual_way(redis_url: str, address: str, cameras: int, seconds: float) -> Measurement:
    """OpenCV in threads with that many cameras."""
    urls = [f"{address}/{number}" for number in range(cameras)]
    with started(["bench.ingest.usual_way", "--redis", redis_url, *urls], cores()[0]) as process:
        client = Redis.from_url(redis_url)

        async def written() -> int:
            pipe = client.pipeline(transaction=False)
            for number in range(cameras):
                pipe.xinfo_stream(f"usual:{number}")
            answers: list[Any] = await pipe.execute(raise_on_error=False)
            return sum(answer["entries-added"] for answer in answers if isinstance(answer, dict))

        async def all_live() -> bool:
            return len(await client.keys("usual:*")) == cameras

        await _wait(all_live)
        try:
            return await _measure(process.pid, address, cameras, seconds, written)
        finally:
            await client.aclose()


async def _measure(
    pid: int, address: str, cameras: int, seconds: float, written: Callable[[], Awaitable[int]]
) -> Measurement:
    await asyncio.sleep(3)  # connections and caches settle
    process = psutil.Process(pid)
    loop = asyncio.get_running_loop()

    async def count() -> tuple[int, int]:
        await asyncio.to_thread(_ask, address, "pause")
        await asyncio.sleep(SETTLE_S)
        return await asyncio.to_thread(_ask, address, "sent"), await written()

    def used() -> tuple[float, float]:
        cpu = process.cpu_times()
        return loop.time(), cpu.user + cpu.system

    before = await count()
    await asyncio.to_thread(_ask, address, "resume")
    began = used()
    await asyncio.sleep(seconds)
    ended = used()
    after = await count()
    lasted, cpu_s = (then - first for first, then in zip(began, ended, strict=True))
    sent, arrived = (then - first for first, then in zip(before, after, strict=True))
    await asyncio.to_thread(_ask, address, "resume")
    return Measurement(
        cameras=cameras,
        sent=sent / lasted,
        written=arrived / lasted,
        lost=int(sent - arrived),
        core=cpu_s / lasted,
        cpu_ms=1000 * cpu_s / max(arrived, 1),
        memory_mb=process.memory_info().rss / 1e6,
    )


def _ask(address: str, what: str) -> int:
    with urllib.request.urlopen(f"{address}/{what}", timeout=5) as answer:
        return int(answer.read())


async def _wait(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(READY_S):
        while not await condition():  # noqa: ASYNC110 - other processes have no event to wait for
            await asyncio.sleep(0.2)
