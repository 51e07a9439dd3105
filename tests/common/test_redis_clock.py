"""Redis's time without asking each time, whatever this machine's wall clock says."""

from __future__ import annotations

import asyncio
import time

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from libs.common.clock import now_ms
from libs.common.redis_clock import RedisClock


async def redis_now_ms(redis: Redis) -> int:
    seconds, microseconds = await redis.time()
    return int(seconds) * 1000 + int(microseconds) // 1000


async def sync(clock: RedisClock) -> float:
    """Ask for the time; by how many ms the clock may be off then: the answer was on its way for as long."""
    began_s = time.monotonic()
    await clock.sync()
    return 50 + (time.monotonic() - began_s) * 1000


@pytest.mark.parametrize("ahead_ms", [-3000, 0, 3000])
async def test_the_wall_clock_of_this_machine_does_not_matter(fake_redis: Redis, ahead_ms: int) -> None:
    clock = RedisClock(fake_redis, wall_ms=lambda: now_ms() + ahead_ms)
    assert not clock.is_known
    off_ms = await sync(clock)
    assert clock.now_ms() == pytest.approx(await redis_now_ms(fake_redis), abs=off_ms)
    assert clock.skew_ms == pytest.approx(ahead_ms, abs=off_ms)
    assert clock.from_local_ms(now_ms() + ahead_ms) == pytest.approx(await redis_now_ms(fake_redis), abs=off_ms)


async def test_it_goes_on_without_redis_and_while_the_wall_clock_is_set(fake_redis: Redis) -> None:
    wall_ms = now_ms()
    clock = RedisClock(fake_redis, wall_ms=lambda: wall_ms)
    off_ms = await sync(clock)
    wall_ms += 3_600_000
    await asyncio.sleep(0.2)
    assert clock.now_ms() == pytest.approx(await redis_now_ms(fake_redis), abs=off_ms)


async def test_a_skew_is_told_once_with_the_host_and_once_when_it_is_over(fake_redis: Redis) -> None:
    ahead = {"ms": 0}
    clock = RedisClock(fake_redis, wall_ms=lambda: now_ms() + ahead["ms"])
    with capture_logs() as lines:
        for ahead["ms"] in (3000, 3000, 450, 0, 0, -3000):
            await clock.sync()
    told = [line["event"] for line in lines]
    assert len(told) == 3
    assert "3.0 s ahead of Redis's" in told[0]
    assert "agrees" in told[1]
    assert "3.0 s behind Redis's" in told[2]
    assert lines[0]["host"] in told[0]


class _SetClock(Redis):
    """A Redis whose clock is set, which the real one's cannot be by its client."""

    ahead_s = 0.0
    delay_s = 0.0

    async def time(self, **_: object) -> tuple[int, int]:
        now_s = time.time() + self.ahead_s
        await asyncio.sleep(self.delay_s)
        return int(now_s), round((now_s % 1) * 1_000_000)


async def test_a_redis_whose_clock_is_set_is_followed_at_once() -> None:
    redis = _SetClock()
    clock = RedisClock(redis)
    await clock.sync()
    redis.ahead_s = -60.0
    await clock.sync()
    assert clock.now_ms() == pytest.approx(now_ms() - 60_000, abs=50)


async def test_a_slow_answer_does_not_spoil_a_good_one() -> None:
    redis = _SetClock()
    clock = RedisClock(redis)
    await clock.sync()
    redis.delay_s = 0.3
    await clock.sync()
    assert clock.now_ms() == pytest.approx(now_ms(), abs=20)
