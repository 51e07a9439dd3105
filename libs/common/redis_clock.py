"""Redis's clock in every process: ages, heartbeats and orders are judged by it, never by comparing two hosts' clocks.

The time is estimated from round trips of `TIME`, as NTP does it: the shortest recent round trip says best how far
Redis's clock is ahead of this machine's steady clock (Mills, RFC 5905, section 10). A wall clock that is set, here or
on another host, moves nothing; only Redis's own clock counts.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from redis.asyncio import Redis

from libs.common.clock import now_ms, running_s
from libs.common.logging import get_logger
from libs.common.redis_errors import REDIS_ERRORS, describe
from libs.common.shutdown import sleep_until_stopped

_log = get_logger("clock")

EVERY_S: Final = 1.0
KEPT_S: Final = 60.0
"""A sample that was good is not believed for longer, since two clocks drift apart."""
DRIFT_SHARE: Final = 0.0005
"""How far two clocks may drift apart in a second; 500 ppm is the most that NTP corrects."""
SKEW_MAX_MS: Final = 500
SKEW_OVER_MS: Final = 400
"""A skew that was told is over below this."""

SKEW_METRIC: Final = "lotcast_clock_skew_seconds"
SKEW_ABOUT: Final = "This host's clock minus Redis's; frames are judged by Redis's clock alone."


@dataclass(frozen=True, slots=True)
class _Sample:
    """Redis's time minus `running_s`, in seconds, with how wrong it may be, and when it was taken."""

    offset_s: float
    error_s: float
    at_s: float

    def error_at(self, at_s: float) -> float:
        return self.error_s + DRIFT_SHARE * (at_s - self.at_s)


def describe_skew(host: str, skew_ms: int) -> str | None:
    """A sentence about a host whose clock differs from Redis's by more than half a second; None if it does not.

    Args:
        host: its name.
        skew_ms: its clock minus Redis's.
    """
    if abs(skew_ms) <= SKEW_MAX_MS:
        return None
    return (
        f"the clock of host {host} is {abs(skew_ms) / 1000:.1f} s {'ahead of' if skew_ms > 0 else 'behind'} Redis's: "
        "let both hosts set their clocks by NTP"
    )


async def ask_now_ms(redis: Redis) -> int:
    """Milliseconds since the epoch by Redis's clock, asked for now; for what happens too seldom for a `RedisClock`.

    Raises:
        redis.RedisError: Redis is away.
    """
    seconds, microseconds = await redis.time()
    return int(seconds) * 1000 + int(microseconds) // 1000


class RedisClock(Collector):
    """Tells Redis's time without asking each time; a Prometheus collector of the local clock's skew.

    Until the first answer it tells this machine's wall clock.
    """

    def __init__(self, redis: Redis, *, wall_ms: Callable[[], int] = now_ms) -> None:
        """Know nothing yet.

        Args:
            redis: whose clock.
            wall_ms: this machine's wall clock, milliseconds since the epoch.
        """
        self._redis = redis
        self._wall_ms = wall_ms
        self._best: _Sample | None = None
        self._is_skew_told = False

    @property
    def is_known(self) -> bool:
        """Whether Redis has told its time."""
        return self._best is not None

    def now_ms(self) -> int:
        """Milliseconds since the epoch by Redis's clock."""
        return self._wall_ms() if self._best is None else int((running_s() + self._best.offset_s) * 1000)

    @property
    def skew_ms(self) -> int | None:
        """How far this machine's wall clock is ahead of Redis's; negative if behind, None if not known yet."""
        return None if self._best is None else self._wall_ms() - self.now_ms()

    def from_local_ms(self, local_ms: int) -> int:
        """A recent time of this machine's wall clock by Redis's clock; both in milliseconds since the epoch."""
        return local_ms - (self.skew_ms or 0)

    def skew_problem(self) -> str | None:
        """A sentence if the clocks differ by more than half a second, with this host's name; None if they agree."""
        return None if self.skew_ms is None else describe_skew(socket.gethostname(), self.skew_ms)

    async def sync(self) -> None:
        """Ask Redis once.

        Raises:
            redis.RedisError: Redis is away.
        """
        asked_s = running_s()
        seconds, microseconds = await self._redis.time()
        answered_s = running_s()
        # Redis looked at its clock somewhere between question and answer.
        error_s = (answered_s - asked_s) / 2
        offset_s = int(seconds) + int(microseconds) / 1_000_000 - (asked_s + error_s)
        self._take(_Sample(offset_s, error_s, answered_s))

    async def run(self, stop: asyncio.Event) -> None:
        """Ask every second until stopped; outlives Redis being away."""
        while not stop.is_set():
            try:
                await self.sync()
            except REDIS_ERRORS as error:
                _log.debug("cannot ask redis for its time; going on with what is known", error=describe(error))
            await sleep_until_stopped(stop, EVERY_S)

    def collect(self) -> Iterator[Metric]:
        """The skew, if it is known."""
        skew = GaugeMetricFamily(SKEW_METRIC, SKEW_ABOUT)
        if (skew_ms := self.skew_ms) is not None:
            skew.add_metric([], skew_ms / 1000)
        yield skew

    def _take(self, sample: _Sample) -> None:
        best = self._best
        if best is None or sample.at_s - best.at_s > KEPT_S or sample.error_s <= best.error_at(sample.at_s):
            self._best = sample
        elif abs(sample.offset_s - best.offset_s) > sample.error_s + best.error_at(sample.at_s):
            self._best = sample  # both cannot be right: Redis's clock was set, or this is another server
        self._tell_skew()

    def _tell_skew(self) -> None:
        problem, skew_ms = self.skew_problem(), self.skew_ms or 0
        if problem is not None and not self._is_skew_told:
            self._is_skew_told = True
            _log.warning(problem, host=socket.gethostname(), skew_s=round(skew_ms / 1000, 1))
        elif self._is_skew_told and abs(skew_ms) < SKEW_OVER_MS:
            self._is_skew_told = False
            _log.info("this host's clock agrees with redis's again", host=socket.gethostname())
