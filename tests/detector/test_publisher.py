"""What reaches the bus, once and in order, when answers are lost and callers meet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.bus import connect
from libs.common.spaces import OccupancyEvent, ParkingSpace, SpaceStatus
from services.detector.camera import CameraSession
from services.detector.publisher import Publisher
from services.detector.stored_camera import StoredCamera
from tests.support.cuttable_link import cuttable_link
from tests.support.detector import acquired_lock, camera_session, detector_process
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_for

OCCUPANCY = keys.occupancy("CAM1")
SPACE = ParkingSpace(space_id="A1", space_name="A1", polygon=[(0.1, 0.1), (0.2, 0.1), (0.2, 0.2)])


def change(at_ms: int) -> OccupancyEvent:
    return OccupancyEvent(space_id="A1", space_name="A1", state="free", previous="unknown", at_ms=at_ms)


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url, protocol=2) as client:
        yield client


@pytest.fixture
async def camera(redis: Redis) -> CameraSession:
    return await under_lease(redis, 60)


async def under_lease(redis: Redis, timeout_s: float) -> CameraSession:
    """A camera with two changes to tell; Redis grants its lease for so long, its holder believes in it for longer."""
    session = camera_session(detector_process(redis), StoredCamera([SPACE]), await acquired_lock(redis, timeout_s))
    session.outbox.add([change(1), change(2)])
    return session


async def times(redis: Redis) -> list[int]:
    entries: Any = await redis.xrange(keys.events("CAM1"))
    return [int(fields[b"at_ms"]) for _, fields in entries]


async def test_a_change_is_published_once_by_callers_that_meet(redis: Redis, camera: CameraSession) -> None:
    publisher = Publisher(redis, detector_process(redis))
    await asyncio.gather(*(publisher.publish_changes(camera) for _ in range(5)))
    assert await times(redis) == [1, 2]
    assert not camera.outbox.events


async def test_a_change_whose_answer_was_lost_is_not_published_again(redis: Redis, camera: CameraSession) -> None:
    publisher = Publisher(redis, detector_process(redis))
    written: Any = change(1).to_fields()
    await redis.xadd(keys.events("CAM1"), written)  # as if the connection had broken before the answer
    camera.outbox.is_unsettled = True
    assert await publisher.publish_changes(camera)
    assert await times(redis) == [1, 2]


async def test_what_is_kept_of_a_space_is_what_the_changes_that_are_published_say(
    redis: Redis, camera: CameraSession
) -> None:
    """A later frame, which is not published yet, may have changed the space again."""
    assert camera.state.lot.statuses["A1"].state == "unknown"
    assert await Publisher(redis, detector_process(redis)).publish_changes(camera)
    kept = {name: SpaceStatus.model_validate_json(text) for name, text in (await redis.hgetall(OCCUPANCY)).items()}
    assert kept == {b"A1": SpaceStatus(state="free", since_ms=2)}


async def test_a_space_that_is_gone_is_not_kept(redis: Redis, camera: CameraSession) -> None:
    camera.state.change_spaces([])
    assert await Publisher(redis, detector_process(redis)).publish_changes(camera)
    assert await times(redis) == [1, 2]
    assert not await redis.exists(OCCUPANCY)


async def test_nothing_is_published_without_the_lease(redis: Redis, camera: CameraSession) -> None:
    camera.lease.end()
    assert not await Publisher(redis, detector_process(redis)).publish_changes(camera)
    assert await times(redis) == []
    assert len(camera.outbox.events) == 2


async def test_what_a_cut_off_detector_has_sent_is_refused_when_it_arrives(
    redis: Redis, redis_server: RedisServer
) -> None:
    async with cuttable_link(redis_server.port) as link:
        far = connect(redis_server.url.replace(str(redis_server.port), str(link.port)), answer_timeout_s=20)
        camera = await under_lease(far, 0.5)
        publisher = Publisher(far, detector_process(far))
        link.cut()
        publishing = asyncio.create_task(publisher.publish_changes(camera))

        async def somebody_else_owns_it() -> bool:
            return bool(await redis.set(keys.lease("detector", "CAM1"), "detector-2", nx=True))

        await wait_for(somebody_else_owns_it)
        assert not publishing.done(), "sent, and on its way"
        link.mend()
        assert not await publishing
        assert await times(redis) == []
        assert not camera.lease.is_valid()
        await far.aclose()
