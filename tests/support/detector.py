"""Parts of a detector for tests in one process."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock

from redis.asyncio import Redis
from redis.asyncio.lock import Lock

from libs.common import keys
from libs.common.clock import running_s
from libs.common.leases import Lease
from libs.common.redis_clock import RedisClock
from libs.common.redis_memory import RedisMemoryWatch
from services.detector.camera import CameraSession
from services.detector.metrics import DetectorMetrics
from services.detector.process import DetectorProcess
from services.detector.settings import DetectorSettings
from services.detector.stored_camera import StoredCamera

CAMERA = "CAM1"
DETECTOR = "detector-1"


def detector_process(redis: Redis | None = None, settings: DetectorSettings | None = None) -> DetectorProcess:
    """A process whose clock is this machine's and whose Redis has room, as long as nobody asks it."""
    client: Any = redis or Mock()
    return DetectorProcess(
        DETECTOR, settings or DetectorSettings(), DetectorMetrics(), RedisClock(client), RedisMemoryWatch(client)
    )


def camera_session(
    process: DetectorProcess, stored: StoredCamera | None = None, lock: Any = None, camera_id: str = CAMERA
) -> CameraSession:
    """A camera whose lease this process believes in; Redis does not know it unless `lock` is held there."""
    lease = Lease(camera_id, lock or Mock(), timeout_s=60)
    lease.extend(running_s())
    return CameraSession(lease, stored or StoredCamera(), process)


async def acquired_lock(redis: Redis, timeout_s: float = 60, camera_id: str = CAMERA) -> Lock:
    """The camera's lease in Redis, granted to this process."""
    lock = Lock(redis, keys.lease("detector", camera_id), timeout=timeout_s, thread_local=False)
    assert await lock.acquire(token=DETECTOR)
    return lock
