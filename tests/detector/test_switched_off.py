"""A camera that was switched off while no detector had it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.bus import connect
from libs.common.cameras import Camera
from libs.common.spaces import ParkingSpace, SpaceStatus, dump_spaces
from services.detector.settings import DetectorSettings
from services.detector.switched_off import SwitchedOff
from tests.support.leases import held_lease
from tests.support.redis_server import own_access

SPACES = [
    ParkingSpace(space_id=name, space_name=f"Space {name}", polygon=[(0, 0), (1, 0), (1, 1)])
    for name in ("A1", "A2", "A3")
]


@pytest.fixture
async def detectors(redis_url: str, tmp_path: Path) -> AsyncIterator[Redis]:
    """A client with no more rights than a detector has."""
    access = own_access("detector", redis_url, tmp_path)
    given: dict[str, Any] = {
        "redis_url": access["REDIS_URL"],
        "redis_password_file": access.get("REDIS_PASSWORD_FILE"),
    }
    client = connect(DetectorSettings(**given).redis)
    yield client
    await client.aclose()


async def left_behind(redis: Redis) -> None:
    """One space occupied, one free, one unknown, as a detector left them that was killed."""
    camera = Camera(id="CAM1", name="CAM1", url="http://camera.example/", enabled=False)
    await redis.hset(keys.CAMERAS, "CAM1", camera.model_dump_json())
    await redis.set(keys.spaces("CAM1"), dump_spaces(SPACES))
    states: list[SpaceStatus] = [
        SpaceStatus(state="occupied", since_ms=5, track_id=7),
        SpaceStatus(state="free", since_ms=6),
        SpaceStatus(state="unknown", since_ms=7, reason="view lost"),
    ]
    for space, status in zip(SPACES, states, strict=True):
        await redis.hset(keys.occupancy("CAM1"), space.space_id, status.model_dump_json(exclude_none=True))


async def events(redis: Redis) -> list[dict[bytes, bytes]]:
    rows: Any = await redis.xrange(keys.events("CAM1"))
    return [fields for _, fields in rows]


async def statuses(redis: Redis) -> dict[bytes, SpaceStatus]:
    stored: Any = await redis.hgetall(keys.occupancy("CAM1"))
    return {space_id: SpaceStatus.model_validate_json(text) for space_id, text in stored.items()}


async def test_its_open_states_are_closed_once_and_say_why(redis: Redis, detectors: Redis) -> None:
    await left_behind(redis)
    switched_off = SwitchedOff(detectors, 1000)
    await switched_off.close({"CAM1"})
    await switched_off.close({"CAM1"})
    told = await events(redis)
    shown = [(one[b"space_id"], one[b"previous"], one[b"state"], one[b"reason"], one.get(b"track_id")) for one in told]
    assert sorted(shown) == [
        (b"A1", b"occupied", b"unknown", b"camera off", b"7"),
        (b"A2", b"free", b"unknown", b"camera off", None),
    ]
    assert told[0][b"space_name"] == b"Space A1"
    stored = await statuses(redis)
    assert {status.state for status in stored.values()} == {"unknown"}
    assert stored[b"A1"].reason == "camera off"
    assert stored[b"A1"].since_ms == int(told[0][b"at_ms"])
    assert stored[b"A3"].since_ms == 7, "it was unknown already"


async def test_a_camera_that_a_detector_has_is_left_to_it_until_it_lets_go(redis: Redis, detectors: Redis) -> None:
    await left_behind(redis)
    lease = await held_lease(redis, "detector", "CAM1")
    switched_off = SwitchedOff(detectors, 1000)
    await switched_off.close({"CAM1"})
    assert await events(redis) == []
    await lease.lock.release()
    await switched_off.close({"CAM1"})
    assert len(await events(redis)) == 2


async def test_it_is_looked_at_again_after_it_was_on(redis: Redis, detectors: Redis) -> None:
    await left_behind(redis)
    switched_off = SwitchedOff(detectors, 1000)
    await switched_off.close({"CAM1"})
    await switched_off.close(set())
    await redis.hset(keys.occupancy("CAM1"), "A1", SpaceStatus(state="free", since_ms=9).model_dump_json())
    await switched_off.close({"CAM1"})
    assert len(await events(redis)) == 3


async def test_nothing_of_a_deleted_camera_comes_back(redis: Redis, detectors: Redis) -> None:
    await left_behind(redis)
    await redis.hdel(keys.CAMERAS, "CAM1")
    await SwitchedOff(detectors, 1000).close({"CAM1"})
    assert await events(redis) == []
