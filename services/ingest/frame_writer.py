"""Writes frames to Redis: one writer for all cameras. While Redis is slow it keeps only each camera's newest frame."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import replace
from itertools import chain
from weakref import WeakKeyDictionary

from redis.asyncio import Redis

from libs.common import keys
from libs.common.leased_append import Append, LeasedAppend
from libs.common.leases import Lease
from libs.common.logging import get_logger
from libs.common.messages import FRAMES_MAXLEN, RawFrame
from libs.common.monitoring.metrics import FrameMetrics
from libs.common.redis_clock import RedisClock
from libs.common.redis_errors import REDIS_ERRORS, OutageLog
from libs.common.shutdown import sleep_until_stopped

_log = get_logger("writer")

BATCH_BYTES = 2_000_000
"""Approximate size of a batch: a busy Redis takes it well within the deadline for its answer."""

GATHER_S = 0.005
"""Batches begin this long after one another at least, so that frames of several cameras share what a batch costs: our
process 190 µs, as much as six frames in it. A frame that comes alone does not wait."""

CLOCK_SET_MS = 5000
"""A frame that is older than its predecessor by more than this means that a clock was set; the new time is used."""


class FrameWriter:
    """Takes frames from the readers and writes them in batches.

    Attributes:
        dropped: frames by camera that were replaced by a newer one, or lost while Redis was away.
        clock: Redis's, which dates the frames.
    """

    def __init__(self, redis: Redis, metrics: FrameMetrics, clock: RedisClock) -> None:
        self.dropped: Counter[str] = Counter()
        self.clock = clock
        self._newest_ms: WeakKeyDictionary[Lease, int] = WeakKeyDictionary()
        self._stream = LeasedAppend(redis)
        self._metrics = metrics
        self._newest: dict[str, tuple[Lease, RawFrame]] = {}
        self._filled = asyncio.Event()

    def offer(self, lease: Lease, frame: RawFrame) -> None:
        """Queue a frame to be written if its lease still holds then. It replaces one that still waits.

        The frame carries this machine's time; it is written with Redis's time, which never steps back.
        """
        frame = replace(frame, captured_at_ms=self._date(lease, frame.captured_at_ms))
        if lease.camera_id in self._newest:
            self._drop(lease.camera_id, "replaced")
        self._newest[lease.camera_id] = lease, frame
        self._filled.set()

    def _date(self, lease: Lease, local_ms: int) -> int:
        captured_at_ms, newest_ms = self.clock.from_local_ms(local_ms), self._newest_ms.get(lease, 0)
        if newest_ms - CLOCK_SET_MS < captured_at_ms < newest_ms:
            captured_at_ms = newest_ms
        self._newest_ms[lease] = captured_at_ms
        return captured_at_ms

    async def run(self, stop: asyncio.Event) -> None:
        """Write until stopped; outlives Redis being away."""
        outage = OutageLog(_log, "frames are dropped until that is over")
        stopping = asyncio.create_task(self._wake_when(stop))
        began_s = float("-inf")
        try:
            while not stop.is_set():
                await self._filled.wait()
                if (early_s := began_s + GATHER_S - time.monotonic()) > 0:
                    await asyncio.sleep(early_s)
                self._filled.clear()
                began_s = time.monotonic()
                batch = self._take_batch()
                if not batch:
                    continue
                try:
                    await self._write(batch)
                    outage.worked()
                except REDIS_ERRORS as error:
                    for camera_id in batch:
                        self._drop(camera_id, "redis_away")
                    outage.failed(error)
                    await sleep_until_stopped(stop, 0.2)
        finally:
            stopping.cancel()

    async def _wake_when(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._filled.set()

    def _take_batch(self) -> dict[str, tuple[Lease, RawFrame]]:
        """Take the frames that have waited longest; the others stay for the next batch, or are replaced."""
        batch: dict[str, tuple[Lease, RawFrame]] = {}
        size_bytes = 0
        while self._newest and size_bytes < BATCH_BYTES:
            camera_id = next(iter(self._newest))
            batch[camera_id] = self._newest.pop(camera_id)
            size_bytes += len(batch[camera_id][1].jpeg)
        if self._newest:
            self._filled.set()
        return batch

    async def _write(self, batch: dict[str, tuple[Lease, RawFrame]]) -> None:
        """Write a batch, without the frames that may not be written.

        Raises:
            redis.RedisError: Redis is away or refuses them all. A refusal for one camera does not affect the others.
        """
        for camera_id, (lease, _) in list(batch.items()):
            # Checked last: the process may have been paused since the frame came.
            if not lease.is_valid():
                self._drop(camera_id, "lease_lost")
                del batch[camera_id]
        if not batch:
            return
        answers = await self._stream.append_each([_append(lease, frame) for lease, frame in batch.values()])
        problems = [answer for answer in answers if isinstance(answer, Exception)]
        if len(problems) == len(answers):
            raise problems[0]
        written_at_ms = self.clock.now_ms()
        for (camera_id, (_, frame)), answer in zip(batch.items(), answers, strict=True):
            if answer is None or isinstance(answer, Exception):
                self._drop(camera_id, "lease_lost" if answer is None else "redis_away")
                continue
            self._metrics.count("write")
            self._metrics.took("capture_to_stream", (written_at_ms - frame.captured_at_ms) / 1000)

    def _drop(self, camera_id: str, cause: str) -> None:
        self.dropped[camera_id] += 1
        self._metrics.drop("write", cause)


def _append(lease: Lease, frame: RawFrame) -> Append:
    fields = tuple(chain.from_iterable(frame.to_fields().items()))
    return Append(lease, keys.frames(lease.camera_id), FRAMES_MAXLEN, fields)
