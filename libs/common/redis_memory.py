"""How full Redis is, who may still write, and what to say about it.

A full Redis stops history first and pictures last. What is vital (leases, heartbeats, frames, `latest`, `count`, live
messages, states of spaces) goes on by scripts that Redis lets run beyond `maxmemory`, and each of these keys has a
bound of its own. History asks `may_write` before it writes, and is trimmed all the same.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Literal

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from redis.asyncio import Redis

from libs.common.bus import as_text
from libs.common.logging import get_logger
from libs.common.redis_errors import FULL_SENTENCE, REDIS_ERRORS, describe
from libs.common.shutdown import sleep_until_stopped

_log = get_logger("redis_memory")

EVERY_S: Final = 1.0
OLD_AFTER_S: Final = 15.0
"""Older numbers are not told: they would look as if Redis were fine."""

History = Literal["log", "crops", "counts", "events"]
"""What a full Redis does without, in the order in which it stops."""

STOPS_AT: Final[Mapping[History, float]] = {"log": 0.90, "crops": 0.93, "counts": 0.96, "events": 0.99}
"""The share of `maxmemory` from which each is no longer written. The last hundredth is left to what is vital."""

_SAVES: Final = ("rdb_last_bgsave_status", "aof_last_write_status", "aof_last_bgrewrite_status")
SAVE_FAILED: Final = (
    "Redis cannot save its data to disk, so what changed since is lost at its next stop: is the disk full?"
)


class MemoryLevel(StrEnum):
    """How full Redis is: nothing has stopped, some of the history has, all of it has."""

    OK = "ok"
    TIGHT = "tight"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class RedisMemory:
    """What Redis says of itself.

    Attributes:
        used_bytes: now.
        uncounted_bytes: of these, buffers that Redis does not hold against `maxmemory`.
        limit_bytes: `maxmemory`; 0 is no limit.
        evicted_keys: removed for want of memory, since Redis started.
        save_failed: whether its last try to save its data to disk failed.
        asked_at_s: when, on the monotonic clock.
    """

    used_bytes: int
    uncounted_bytes: int
    limit_bytes: int
    evicted_keys: int
    save_failed: bool
    asked_at_s: float

    @property
    def share(self) -> float:
        """How much of the limit is used; 0.0 without a limit."""
        return (self.used_bytes - self.uncounted_bytes) / self.limit_bytes if self.limit_bytes else 0.0

    @property
    def level(self) -> MemoryLevel:
        """How full it is."""
        if not self.may_write("events"):
            return MemoryLevel.FULL
        return MemoryLevel.OK if self.may_write("log") else MemoryLevel.TIGHT

    @classmethod
    def from_info(cls, told: Mapping[str, Any]) -> RedisMemory:
        """Read the answer of INFO, with its sections `memory`, `stats` and `persistence`; asked just now."""
        return cls(
            used_bytes=int(told["used_memory"]),
            uncounted_bytes=int(told.get("mem_not_counted_for_evict", 0)),
            limit_bytes=int(told.get("maxmemory", 0)),
            evicted_keys=int(told.get("evicted_keys", 0)),
            save_failed=any(as_text(told.get(field, "ok")) != "ok" for field in _SAVES),
            asked_at_s=time.monotonic(),
        )

    def may_write(self, history: History) -> bool:
        """Whether there is room for a kind of history."""
        return self.share < STOPS_AT[history]

    def problems(self) -> list[str]:
        """What is wrong with memory and disk and what to do, a sentence each; empty if all is well."""
        found = []
        if self.level is MemoryLevel.FULL:
            found.append(f"{FULL_SENTENCE}; pictures go on, history is not written")
        elif self.level is MemoryLevel.TIGHT:
            stopped = ", ".join(kind for kind in STOPS_AT if not self.may_write(kind))
            found.append(
                f"Redis is almost full ({self.share:.0%} of its maxmemory) and these are not written: {stopped}; "
                "raise its maxmemory, or register fewer cameras, or keep less history"
            )
        if self.save_failed:
            found.append(SAVE_FAILED)
        return found


class RedisMemoryWatch(Collector):
    """Asks every second; tells what it heard last, also to Prometheus."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._told = MemoryLevel.OK
        self._is_save_told = False
        self.last: RedisMemory | None = None

    @property
    def level(self) -> MemoryLevel:
        """How full Redis is; `OK` while that is not known."""
        return self.last.level if self._is_fresh() and self.last is not None else MemoryLevel.OK

    def may_write(self, history: History) -> bool:
        """Whether a kind of history may be written now; yes while that is not known."""
        return self.last is None or not self._is_fresh() or self.last.may_write(history)

    def problem(self) -> str | None:
        """What is wrong with Redis's memory or disk and what to do; None if all is well, or nothing is known."""
        return "; ".join(self.last.problems()) or None if self.last is not None and self._is_fresh() else None

    async def run(self, stop: asyncio.Event) -> None:
        """Ask until stopped; outlives Redis being away."""
        while not stop.is_set():
            try:
                await self.ask()
            except REDIS_ERRORS as error:
                _log.debug("cannot ask redis about its memory", error=describe(error))
            await sleep_until_stopped(stop, EVERY_S)

    async def ask(self) -> None:
        """Ask once.

        Raises:
            redis.RedisError: Redis is away.
        """
        pipe = self._redis.pipeline(transaction=False)
        for section in ("memory", "stats", "persistence"):
            pipe.info(section)
        answers = await pipe.execute()
        self.last = RedisMemory.from_info({name: value for answer in answers for name, value in answer.items()})
        self._tell()

    def _tell(self) -> None:
        """Log each change once."""
        assert self.last is not None
        level = self.level
        if level is not self._told:
            self._told = level
            if level is MemoryLevel.OK:
                _log.info("redis has room again; everything is written", used=f"{self.last.share:.0%}")
            else:
                _log.warning(self.problem() or "", used=f"{self.last.share:.0%}")
        if self.last.save_failed != self._is_save_told:
            self._is_save_told = self.last.save_failed
            if self.last.save_failed:
                _log.error(SAVE_FAILED)
            else:
                _log.info("redis saves its data again")

    def _is_fresh(self) -> bool:
        return self.last is not None and time.monotonic() - self.last.asked_at_s < OLD_AFTER_S

    def collect(self) -> Iterator[Metric]:
        """The last numbers, unless they are old."""
        used = GaugeMetricFamily("lotcast_redis_memory_bytes", "Memory that Redis uses.")
        limit = GaugeMetricFamily("lotcast_redis_memory_limit_bytes", "Redis's maxmemory; 0 where it has none.")
        full = GaugeMetricFamily(
            "lotcast_redis_full", "1 while Redis is full: no history is written, and somebody must act."
        )
        evicted = CounterMetricFamily("lotcast_redis_evicted_keys", "Keys that Redis removed for want of memory.")
        if self.last is not None and self._is_fresh():
            used.add_metric([], self.last.used_bytes)
            limit.add_metric([], self.last.limit_bytes)
            full.add_metric([], self.level is MemoryLevel.FULL)
            evicted.add_metric([], self.last.evicted_keys)
        yield from (used, limit, full, evicted)
