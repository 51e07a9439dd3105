"""`python -m bench.ingest.writes`: what a frame costs Redis and this process, plain and in both ways under a lease."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import cycle
from pathlib import Path

from redis.asyncio import Redis

from libs.common import keys
from libs.common.bus import connect
from libs.common.leased_append import Append, LeasedAppend
from libs.common.leased_transaction import LeasedTransaction, Write
from libs.common.messages import FRAMES_MAXLEN
from tests.support.leases import held_lease
from tests.support.redis_server import RedisServer

CAMERAS = 100
JPEG_BYTES = 50_000
BATCHES = (1, 10, 40)
SECONDS = 2.0

Writer = Callable[[Sequence[Append]], Awaitable[object]]


async def _measure(redis: Redis, write: Writer, batches: Sequence[Sequence[Append]]) -> tuple[float, float]:
    """CPU of Redis and of this process in µs a frame."""
    written, own_s, redis_s = 0, time.process_time(), await _redis_cpu_s(redis)
    until_s = time.perf_counter() + SECONDS
    for batch in cycle(batches):
        if time.perf_counter() > until_s:
            break
        await write(batch)
        written += len(batch)
    return (await _redis_cpu_s(redis) - redis_s) * 1e6 / written, (time.process_time() - own_s) * 1e6 / written


async def _redis_cpu_s(redis: Redis) -> float:
    used = await redis.info("cpu")
    return float(used["used_cpu_user"]) + float(used["used_cpu_sys"])


async def run(url: str) -> None:
    """Measure each way with each size of a batch, and print a row for each."""
    redis = connect(url)
    fields = ("seq", 1, "captured_at", 1, "width", 1280, "height", 720, "jpeg", os.urandom(JPEG_BYTES))
    leases = [await held_lease(redis, "ingest", f"CAM{number}") for number in range(CAMERAS)]
    appends = [Append(lease, keys.frames(lease.camera_id), FRAMES_MAXLEN, fields) for lease in leases]
    transaction, append = LeasedTransaction(redis), LeasedAppend(redis)

    async def plain(batch: Sequence[Append]) -> None:
        pipe = redis.pipeline(transaction=False)
        for one in batch:
            pipe.execute_command(*one.command())
        await pipe.execute()

    async def by_script(batch: Sequence[Append]) -> None:
        await transaction.execute_each([Write(one.lease, [one.command()]) for one in batch])

    sys.stdout.write("| way | frames a batch | Redis, µs a frame | own process, µs a frame |\n|---|---|---|---|\n")
    for size in BATCHES:
        batches = [appends[at : at + size] for at in range(0, CAMERAS, size)]
        for name, write in (("plain XADD", plain), ("script", by_script), ("XADD, then check", append.append_each)):
            redis_us, own_us = await _measure(redis, write, batches)
            sys.stdout.write(f"| {name} | {size} | {redis_us:.0f} | {own_us:.0f} |\n")
            sys.stdout.flush()
    await redis.aclose()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        server.start()
        try:
            asyncio.run(run(server.url))
        finally:
            server.stop()
