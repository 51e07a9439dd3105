"""The reader of frames against a real redis-server."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from redis.asyncio import Redis

from libs.common import keys
from libs.common.clock import now_ms
from libs.common.messages import RawFrame
from services.detector.camera import CameraSession
from services.detector.latest_frames import LatestFrames
from services.detector.process import DetectorProcess
from services.detector.reader import FrameReader
from tests.support.detector import acquired_lock, camera_session, detector_process
from tests.support.waiting import PATIENCE_S, wait_for


async def test_a_camera_that_is_deleted_disturbs_no_other(redis: Redis) -> None:
    """Redis 7 ends a read of several streams with an error when one of them is deleted meanwhile."""
    process = detector_process(redis)
    cameras = {camera_id: await leased(redis, process, camera_id) for camera_id in ("CAM1", "CAM2")}
    latest_frames = LatestFrames()
    reader = FrameReader(redis, cameras, latest_frames, process)
    stop = asyncio.Event()
    with structlog.testing.capture_logs() as logs:
        reading = asyncio.create_task(reader.run(stop))
        await wait_for(lambda: is_blocked_in_a_read(redis))
        await redis.delete(keys.frames("CAM1"))
        fields: Any = RawFrame(7, now_ms(), 1280, 720, b"\xff\xd8picture").to_fields()
        await redis.xadd(keys.frames("CAM2"), fields)
        pending = await asyncio.wait_for(latest_frames.take(), PATIENCE_S)
        stop.set()
        await reading
    assert pending is not None
    assert (pending.camera_id, pending.frame.seq) == ("CAM2", 7)
    assert logs == [], "nothing has failed"


async def leased(redis: Redis, process: DetectorProcess, camera_id: str) -> CameraSession:
    return camera_session(process, lock=await acquired_lock(redis, camera_id=camera_id), camera_id=camera_id)


async def is_blocked_in_a_read(redis: Redis) -> bool:
    return int((await redis.info("clients"))["blocked_clients"]) == 1
