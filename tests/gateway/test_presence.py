"""Viewers are counted over all gateways; a crowd costs Redis no more than a few."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

from redis.asyncio import Redis

from libs.common import keys
from libs.common.redis_clock import RedisClock
from services.gateway.presence import Presence


class Viewers:
    """A part of a gateway that has viewers."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.asked = 0

    def viewers(self) -> Counter[str]:
        """How many viewers each camera has; asked once for each write."""
        self.asked += 1
        return self.counts

    def viewers_of(self, camera_id: str) -> int:
        """How many viewers a camera has."""
        return self.counts[camera_id]


async def test_who_comes_in_a_crowd_is_counted_when_told_so_and_shares_the_write(redis: Redis) -> None:
    viewers = Viewers()
    presence = Presence(redis, [viewers], "gateway-1", RedisClock(redis))

    async def come(number: int) -> None:
        await asyncio.sleep(number / 1000)
        viewers.counts["CAM1"] += 1
        mine = viewers.counts["CAM1"]
        await presence.counted()
        told: Any = await redis.hget(keys.viewers("CAM1"), "gateway-1")
        assert int(told) >= mine

    await asyncio.gather(*(come(number) for number in range(100)))
    assert viewers.asked <= 30


async def test_numbers_are_written_after_redis_was_restarted_and_knows_no_script_any_more(redis: Redis) -> None:
    viewers = Viewers()
    presence = Presence(redis, [viewers], "gateway-1", RedisClock(redis))
    for count in (1, 2, 0):
        await redis.script_flush()
        viewers.counts["CAM1"] = count
        await presence.update()
        told: Any = await redis.hget(keys.viewers("CAM1"), "gateway-1")
        assert int(told or 0) == count
    assert await redis.zscore(keys.WATCHED, "CAM1") is not None, "who was watched is listed"


async def test_a_camera_is_listed_again_at_the_next_heartbeat_but_not_for_each_viewer(redis: Redis) -> None:
    viewers = Viewers()
    presence = Presence(redis, [viewers], "gateway-1", RedisClock(redis))
    viewers.counts["CAM1"] = 1
    await presence.update()
    await redis.delete(keys.WATCHED, keys.viewers("CAM1"))
    viewers.counts["CAM1"] = 2
    await presence.update()
    assert await redis.zscore(keys.WATCHED, "CAM1") is None
    await presence.update(everything=True)
    assert await redis.zscore(keys.WATCHED, "CAM1") is not None
    told: Any = await redis.hget(keys.viewers("CAM1"), "gateway-1")
    assert int(told) == 2
