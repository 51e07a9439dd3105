"""What a detector concludes about spaces reaches Redis with the camera's status, and the camera's next owner."""

from __future__ import annotations

import asyncio
from unittest.mock import Mock

import numpy as np
import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.bus import as_bytes
from libs.common.proposals import KEEP_S, SpaceProposal, StoredGround, load_proposals
from services.detector.camera import CameraSession
from services.detector.proposals import proposer
from services.detector.proposals.camera_proposals import take_sample
from services.detector.proposals.places import Place
from services.detector.proposals.propose import ProposedSpaces, propose
from services.detector.proposals.proposer import run_proposer
from services.detector.publisher import Publisher
from services.detector.stored_camera import read_camera
from tests.support.detector import CAMERA, acquired_lock, camera_session, detector_process
from tests.support.vehicles import vehicles
from tests.support.waiting import wait_for

GREY = np.full((90, 160, 3), 128, np.uint8)
KEY = keys.proposals(CAMERA)
PROPOSAL = SpaceProposal(polygon=[(0.1, 0.2), (0.2, 0.2), (0.22, 0.3), (0.08, 0.3)], confidence=0.5)


async def concluded(redis: Redis) -> CameraSession:
    """A camera with conclusions that Redis does not have yet."""
    camera = camera_session(detector_process(redis), lock=await acquired_lock(redis))
    camera.proposals.conclude([Place((0.1, 0.1, 0.2, 0.3), 1, 60_000, 5)], ProposedSpaces([PROPOSAL]))
    return camera


async def test_proposals_go_with_the_status_once_and_reach_the_next_owner(redis: Redis) -> None:
    camera, publisher = await concluded(redis), Publisher(redis, detector_process(redis))
    assert await publisher.publish_status(camera, 0, "live")
    stored_text = await redis.get(KEY)
    assert stored_text is not None
    assert load_proposals(as_bytes(stored_text)).proposals == [PROPOSAL]
    assert KEEP_S - 5 <= await redis.ttl(KEY) <= KEEP_S
    await redis.delete(KEY)
    assert await publisher.publish_status(camera, 0, "live")
    assert not await redis.exists(KEY), "nothing new, nothing written"

    camera.proposals.conclude([], ProposedSpaces([PROPOSAL]))
    assert await publisher.publish_status(camera, 0, "live")
    stored = await read_camera(redis, CAMERA)
    assert camera_session(detector_process(redis), stored).proposals.concluded.proposals == [PROPOSAL]


async def test_proposals_wait_while_redis_is_full_and_are_not_written_without_the_lease(redis: Redis) -> None:
    camera, process = await concluded(redis), detector_process(redis)
    full = Publisher(redis, process)
    process.memory.may_write = Mock(return_value=False)  # type: ignore[method-assign] # Redis is full
    assert await full.publish_status(camera, 0, "live")
    assert not await redis.exists(KEY)
    assert camera.proposals.unstored is not None
    await redis.set(keys.lease("detector", CAMERA), "another")
    assert not await Publisher(redis, detector_process(redis)).publish_status(camera, 0, "live")
    assert not await redis.exists(KEY)


async def test_conclusions_are_drawn_for_each_camera_and_a_failure_is_that_cameras_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proposer, "EVERY_S", 0.01)
    cameras = {name: camera_session(detector_process(), camera_id=name) for name in ("BAD", "GOOD")}
    for camera in cameras.values():
        for sample in range(1, 13):
            boxes = [(100 + 90 * number, 200, 180 + 90 * number, 260) for number in range(5)]
            camera.proposals.see(take_sample(vehicles(*boxes), GREY, (1280, 720), sample * 5_000))
    cameras["BAD"].proposals.aspect = -1.0

    def failing(places: list[Place], aspect: float, ground: StoredGround | None) -> ProposedSpaces:
        assert aspect > 0
        return propose(places, aspect, ground)

    monkeypatch.setattr(proposer, "propose", failing)
    stop = asyncio.Event()
    running = asyncio.create_task(run_proposer(cameras, stop))
    await wait_for(lambda: cameras["GOOD"].proposals.unstored)
    stop.set()
    await running
    assert len(load_proposals(cameras["GOOD"].proposals.unstored).places) == 5
    assert cameras["BAD"].proposals.unstored is None
