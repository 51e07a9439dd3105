"""What reading a frame from Redis and publishing it cost alone: CPU seconds a frame, the detector's and Redis's."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
from redis.asyncio import Redis
from redis.asyncio.lock import Lock

from libs.common import keys
from libs.common.bus import connect
from libs.common.clock import now_ms, running_s
from libs.common.leases import Lease
from libs.common.messages import RawFrame
from libs.common.redis_clock import RedisClock
from libs.common.redis_memory import RedisMemoryWatch
from libs.common.spaces import ParkingSpace
from services.detector.camera import CameraSession
from services.detector.frame_result import AnnotatedFrame
from services.detector.metrics import DetectorMetrics
from services.detector.process import DetectorProcess
from services.detector.publisher import Publisher
from services.detector.settings import DetectorSettings
from services.detector.stored_camera import StoredCamera
from tests.support.redis_server import RedisServer

ROUNDS = 200
DETECTOR = "bench"
LEASE_S = 600


async def measure_bus(
    jpegs: Sequence[bytes], frames: Sequence[AnnotatedFrame], spaces: Sequence[ParkingSpace]
) -> dict[str, float]:
    """CPU seconds a frame of reading and of publishing, over a real Redis, and of what Redis itself does for the two.

    Args:
        jpegs: as cameras send them.
        frames: as the detector makes them.
        spaces: of the camera.
    """
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            async with connect(server.url) as redis:
                process = psutil.Process(server.pid)
                read = await _cpu_seconds(await _reading(redis, jpegs), process)
                publish = await _cpu_seconds(await _publishing(redis, frames, spaces), process)
                return {"read": read[0], "publish": publish[0], "redis": read[1] + publish[1]}
        finally:
            server.stop()


async def _reading(redis: Redis, jpegs: Sequence[bytes]) -> Callable[[int], Awaitable[Any]]:
    stream = keys.frames("CAM1")
    await redis.xgroup_create(stream, keys.DETECTOR_GROUP, mkstream=True)
    for number in range(ROUNDS):
        fields: Any = RawFrame(number, now_ms(), 1280, 720, jpegs[number % len(jpegs)]).to_fields()
        await redis.xadd(stream, fields)

    async def read(_: int) -> None:
        answer: Any = await redis.xreadgroup(keys.DETECTOR_GROUP, DETECTOR, {stream: ">"}, count=1, noack=True)
        RawFrame.from_fields(*answer[0][1][0])

    return read


async def _publishing(
    redis: Redis, frames: Sequence[AnnotatedFrame], spaces: Sequence[ParkingSpace]
) -> Callable[[int], Awaitable[Any]]:
    lock = Lock(redis, keys.lease("detector", "CAM1"), timeout=LEASE_S, thread_local=False)
    assert await lock.acquire(token=DETECTOR)
    lease = Lease("CAM1", lock, LEASE_S)
    lease.extend(running_s())
    process = DetectorProcess(
        DETECTOR, DetectorSettings(), DetectorMetrics(), RedisClock(redis), RedisMemoryWatch(redis)
    )
    camera = CameraSession(lease, StoredCamera(spaces), process)
    publisher = Publisher(redis, process)

    async def publish(number: int) -> None:
        assert await publisher.publish(camera, frames[number % len(frames)])

    return publish


async def _cpu_seconds(stage: Callable[[int], Awaitable[Any]], redis: psutil.Process) -> tuple[float, float]:
    """CPU seconds a frame of this thread and of Redis."""
    started, served = time.thread_time(), redis.cpu_times()
    for number in range(ROUNDS):
        await stage(number)
    after = redis.cpu_times()
    in_redis = after.user + after.system - served.user - served.system
    return (time.thread_time() - started) / ROUNDS, in_redis / ROUNDS
