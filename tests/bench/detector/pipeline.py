"""The detector as a real process on a real Redis: frames a second, CPU and memory."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from redis.asyncio import Redis

from libs.common import keys
from libs.common.cameras import Camera
from libs.common.clock import now_ms
from libs.common.messages import RawFrame
from libs.common.spaces import ParkingSpace, dump_spaces
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_for


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
        seconds: how long it is measured, once all cameras are drawn.
        watched: whether somebody has subscribed to every camera.
        environment: settings of the detector.
    """
    server = RedisServer(folder)
    server.start()
    names = [f"CAM{number}" for number in range(cameras)]
    process = None
    tasks: list[asyncio.Task[None]] = []
    try:
        async with Redis.from_url(server.url, protocol=2) as redis:
            for name in names:
                await redis.set(keys.spaces(name), dump_spaces(list(spaces)))
                await redis.hset(keys.CAMERAS, name, Camera(id=name, name=name, url="http://h/").model_dump_json())
            settings = {"REDIS_URL": server.url, "DETECTOR_MODEL": model, "LOG_LEVEL": "WARNING", **environment}
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "services.detector", env={**os.environ, **settings}
            )
            tasks.append(asyncio.create_task(_feed(redis, names, jpegs, camera_fps)))
            if watched:
                tasks.append(asyncio.create_task(_watch(redis, names)))
            await _until_all_are_drawn(redis, names)
            observed = psutil.Process(process.pid)
            counts, cpu, started = await _counts(redis, names), observed.cpu_times(), time.monotonic()
            await asyncio.sleep(seconds)
            elapsed = time.monotonic() - started
            drawn = await _counts(redis, names) - counts
            after = observed.cpu_times()
            cores = (after.user + after.system - cpu.user - cpu.system) / elapsed
            return Run(drawn / elapsed, cores, observed.memory_info().rss / 1e6)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if process is not None:
            process.terminate()
            await process.wait()
        server.stop()


async def _feed(redis: Redis, names: list[str], jpegs: Sequence[bytes], fps: float) -> None:
    number, due = 0, time.monotonic()
    while True:
        pipe = redis.pipeline(transaction=False)
        for offset, name in enumerate(names):
            jpeg = jpegs[(number + 7 * offset) % len(jpegs)]
            fields: Any = RawFrame(number, now_ms(), 1280, 720, jpeg).to_fields()
            pipe.xadd(keys.frames(name), fields, maxlen=4, approximate=False)
        await pipe.execute()
        number += 1
        due += 1 / fps
        await asyncio.sleep(max(0.0, due - time.monotonic()))


async def _watch(redis: Redis, names: list[str]) -> None:
    async with redis.pubsub(ignore_subscribe_messages=True) as pubsub:
        await pubsub.subscribe(*(keys.live(name) for name in names))
        while True:
            await pubsub.get_message(timeout=1.0)


async def _counts(redis: Redis, names: list[str]) -> int:
    return sum(int(count or 0) for count in await redis.mget([keys.count(name) for name in names]))


async def _until_all_are_drawn(redis: Redis, names: list[str]) -> None:
    async def all_are_drawn() -> bool:
        return all(int(count or 0) >= 5 for count in await redis.mget([keys.count(name) for name in names]))

    await wait_for(all_are_drawn, 60, every_s=0.1)
