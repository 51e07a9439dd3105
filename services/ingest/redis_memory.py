"""How full Redis is, for Prometheus. Ingest asks, since it may use INFO anyway; another exporter is not needed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common.logging import get_logger
from libs.common.shutdown import sleep_until_stopped

_log = get_logger("redis_memory")

EVERY_S: Final = 5.0
OLD_AFTER_S: Final = 3 * EVERY_S
"""Older numbers are not told: they would look as if Redis were fine."""


@dataclass(frozen=True, slots=True)
class RedisMemory:
    """What Redis says of itself.

    Attributes:
        used_bytes: now.
        limit_bytes: `maxmemory`; 0 is no limit.
        evicted_keys: removed for want of memory, since Redis started.
        asked_at_s: when, on the monotonic clock.
    """

    used_bytes: int
    limit_bytes: int
    evicted_keys: int
    asked_at_s: float


class RedisMemoryWatch(Collector):
    """Asks every few seconds; tells what it heard last."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.last: RedisMemory | None = None

    async def run(self, stop: asyncio.Event) -> None:
        """Ask until stopped; outlives Redis being away."""
        while not stop.is_set():
            try:
                self.last = await self._ask()
            except (RedisError, OSError) as error:
                _log.debug("cannot ask redis about its memory", error=str(error))
            await sleep_until_stopped(stop, EVERY_S)

    async def _ask(self) -> RedisMemory:
        pipe = self._redis.pipeline(transaction=False)
        pipe.info("memory")
        pipe.info("stats")
        memory, stats = await pipe.execute()
        return RedisMemory(
            int(memory["used_memory"]), int(memory["maxmemory"]), int(stats["evicted_keys"]), time.monotonic()
        )

    def collect(self) -> Iterator[Metric]:
        """The last numbers, unless they are old."""
        used = GaugeMetricFamily("lotcast_redis_memory_bytes", "Memory that Redis uses.")
        limit = GaugeMetricFamily("lotcast_redis_memory_limit_bytes", "Redis's maxmemory; 0 where it has none.")
        evicted = CounterMetricFamily("lotcast_redis_evicted_keys", "Keys that Redis removed for want of memory.")
        if self.last is not None and time.monotonic() - self.last.asked_at_s < OLD_AFTER_S:
            used.add_metric([], self.last.used_bytes)
            limit.add_metric([], self.last.limit_bytes)
            evicted.add_metric([], self.last.evicted_keys)
        yield from (used, limit, evicted)
