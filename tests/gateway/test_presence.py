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
