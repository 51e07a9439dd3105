"""What this process costs and carries, told in Redis for whoever looks: `lotcast status`, redis-cli."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from redis.asyncio import Redis

from libs.common import keys
from libs.common.bus import HashFields
from libs.common.clock import running_s
from libs.common.logging import get_logger
from libs.common.redis_clock import RedisClock
from libs.common.redis_errors import REDIS_ERRORS, describe
from libs.common.shutdown import sleep_until_stopped
from libs.common.version import VERSION
from libs.common.vital_write import VitalWrite

_log = get_logger("load")

EVERY_S: Final = 2.0
EXPIRES_S: Final = 10
"""A process that is killed is no longer told of after this."""
_STATM: Final = Path("/proc/self/statm")


class CpuMeter:
    """How many cores this process kept busy since it was last asked."""

    def __init__(self) -> None:
        self._cpu_s = time.process_time()
        self._at_s = time.monotonic()

    def cores(self) -> float:
        """The average since the last call; 1.0 is one core."""
        cpu_s, at_s = time.process_time(), time.monotonic()
        cores = (cpu_s - self._cpu_s) / max(at_s - self._at_s, 1e-3)
        self._cpu_s, self._at_s = cpu_s, at_s
        return cores


def memory_bytes() -> int:
    """The memory this process has in RAM, as the kernel counts it (RSS); 0 where there is no /proc."""
    try:
        return int(_STATM.read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


async def report_load(
    redis: Redis,
    role: keys.Role,
    member: str,
    carried: Callable[[], HashFields],
    clock: RedisClock,
    stop: asyncio.Event,
) -> None:
    """Tell of this process until stopped, then no more; outlives Redis being away.

    Args:
        redis: the bus.
        role: what the process does.
        member: its name among its role's.
        carried: what its work is now: a number of `cameras` or of `viewers`, and what it has `dropped`.
        clock: Redis's; how far this host's is off is told, too.
        stop: ends it.
    """
    write = VitalWrite(redis)
    meter, key = CpuMeter(), keys.load(role, member)
    fixed: HashFields = {"host": socket.gethostname(), "pid": os.getpid(), "version": VERSION}
    started_s = running_s()
    while not await sleep_until_stopped(stop, EVERY_S):
        fields: HashFields = {
            **fixed,
            "cpu_cores": f"{meter.cores():.3f}",
            "memory_bytes": memory_bytes(),
            **carried(),
            "clock_skew_ms": "" if clock.skew_ms is None else clock.skew_ms,
            "started_at_ms": clock.now_ms() - round((running_s() - started_s) * 1000),
            "updated_at_ms": clock.now_ms(),
        }
        try:
            async with redis.pipeline(transaction=True) as pipe:
                await write("HSET", key, *(part for field in fields.items() for part in field), pipe=pipe)
                pipe.expire(key, EXPIRES_S)
                await pipe.execute()
        except REDIS_ERRORS as error:
            _log.debug("load not told; the next one will be", error=describe(error))
    try:
        await redis.delete(key)
    except REDIS_ERRORS as error:
        _log.debug("load not taken back; it expires", error=describe(error))
