"""A viewer of a camera whose detector is gone sees its last picture, and no space in it as free."""

from __future__ import annotations

import time
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.cameras import Camera
from libs.common.clock import now_ms
from libs.common.messages import LATEST_EXPIRES_S, pack_viewer_message
from tests.support.processes import Gateway
from tests.support.waiting import PATIENCE_S

SPACE = {"space_id": "A1", "space_name": "A 1", "bbox": {"x": 0.1, "y": 0.1, "width": 0.1, "height": 0.1}}


def message(**more: Any) -> bytes:
    """What a detector publishes of a lot with one free and one occupied space."""
    metadata = {
        "vehicle_count": 1, "occupied_spaces": 1, "free_spaces": 1, "taken_spaces": 1, "unknown_spaces": 0,
        "total_spaces": 2, "space_occupancy": [
            {**SPACE, "is_occupied": True, "state": "occupied"},
            {**SPACE, "space_id": "A2", "is_occupied": False, "state": "free"},
        ], **more,
    }  # fmt: skip
    return pack_viewer_message("gate", b"\xff\xd8\xff", metadata, 7, time.time() - 26)


async def left_behind(redis: Redis, examined_ago_ms: int, *, enabled: bool = True) -> None:
    """A registered camera, its last picture, and a detector that examined its last frame so long ago."""
    camera = Camera(id="gate", name="Gate", url="http://192.0.2.7/", enabled=enabled)
    await redis.hset(keys.CAMERAS, "gate", camera.model_dump_json())
    await redis.set(keys.latest("gate"), message(), ex=LATEST_EXPIRES_S)
    fields: Any = {
        "detector_examined_at_ms": now_ms() - examined_ago_ms,
        "detector_unknown_after_ms": 10_000,
        "detector_hold_ms": 600_000,
    }
    await redis.hset(keys.status("gate"), mapping=fields)


def states(shown: Any) -> tuple[int, list[tuple[bool, str]]]:
    metadata = shown["metadata"]
    return metadata["occupied_spaces"], [(one["is_occupied"], one["state"]) for one in metadata["space_occupancy"]]


KNOWN = (1, [(True, "occupied"), (False, "free")])
UNKNOWN = (2, [(True, "unknown"), (True, "unknown")])


@pytest.mark.parametrize(
    ("examined_ago_ms", "enabled", "expected"),
    [(1000, True, KNOWN), (11_000, True, UNKNOWN), (1000, False, UNKNOWN)],
    ids=["fresh", "old", "switched-off"],
)
async def test_a_viewer_that_comes(
    gateway: Gateway, http: aiohttp.ClientSession, redis: Redis, examined_ago_ms: int, enabled: bool, expected: Any
) -> None:
    await left_behind(redis, examined_ago_ms, enabled=enabled)
    async with http.ws_connect(gateway.viewer_url("gate")) as viewer:
        shown = await viewer.receive_json(timeout=PATIENCE_S)
    assert states(shown) == expected
    assert time.time() - shown["timestamp"] > 25, "its age can be told"
    assert shown["frame_count"] == 7


async def test_a_viewer_that_is_there_hears_when_the_spaces_become_unknown(
    gateway: Gateway, http: aiohttp.ClientSession, redis: Redis
) -> None:
    await left_behind(redis, 0)
    async with http.ws_connect(gateway.viewer_url("gate")) as viewer:
        assert states(await viewer.receive_json(timeout=PATIENCE_S)) == KNOWN
        assert states(await viewer.receive_json(timeout=PATIENCE_S)) == UNKNOWN


async def test_what_a_worker_posted_passes_as_it_came(
    gateway: Gateway, http: aiohttp.ClientSession, redis: Redis
) -> None:
    await left_behind(redis, 60_000)
    own = [{"space_id": "A1", "is_occupied": False}]
    await redis.set(keys.latest("gate"), message(space_occupancy=own), ex=LATEST_EXPIRES_S)
    async with http.ws_connect(gateway.viewer_url("gate")) as viewer:
        assert (await viewer.receive_json(timeout=PATIENCE_S))["metadata"]["space_occupancy"] == own
