"""Write the pictures of changes to Redis, beside everything else: nothing waits for them, and what fails is dropped."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from redis.asyncio import Redis

from libs.common import keys
from libs.common.bus import as_text
from libs.common.event_crops import CROPS_AN_HOUR, CROPS_EXPIRE_S
from libs.common.leased_transaction import Command, LeasedTransaction
from libs.common.logging import get_logger
from libs.common.redis_errors import REDIS_ERRORS, describe
from libs.common.shutdown import sleep_until_stopped
from services.detector.camera import CameraSession
from services.detector.metrics import CropsOutcome
from services.detector.process import DetectorProcess

_log = get_logger("crops")

EVERY_S: Final = 0.5
KEPT_MS: Final = CROPS_EXPIRE_S * 1000


class CropBudget:
    """How many of a camera's changes have pictures in Redis now, whoever wrote them."""

    def __init__(self, written_ms: list[int]) -> None:
        """Start from when pictures were written, oldest first, ms since the epoch by Redis's clock."""
        self._written_ms = deque(written_ms, maxlen=CROPS_AN_HOUR)

    def take(self, now_ms: int) -> bool:
        """Whether one more may be written now; it then counts as written."""
        while self._written_ms and not 0 <= now_ms - self._written_ms[0] <= KEPT_MS:
            self._written_ms.popleft()
        if len(self._written_ms) >= CROPS_AN_HOUR:
            return False
        self._written_ms.append(now_ms)
        return True


class CropWriter:
    """Writes what the cameras' outboxes for pictures hold."""

    def __init__(self, redis: Redis, cameras: Mapping[str, CameraSession], process: DetectorProcess) -> None:
        """Prepare.

        Args:
            redis: where they go.
            cameras: of this process, by id.
            process: this process.
        """
        self._redis = redis
        self._cameras = cameras
        self._process = process
        self._transaction = LeasedTransaction(redis)
        self._budgets: dict[str, tuple[CameraSession, CropBudget]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Write until stopped; outlives Redis being away."""
        while not stop.is_set():
            await self.write_all()
            await sleep_until_stopped(stop, EVERY_S)

    async def write_all(self) -> None:
        """Write what waits now."""
        self._budgets = {name: one for name, one in self._budgets.items() if self._cameras.get(name) is one[0]}
        for camera in list(self._cameras.values()):
            self._count("too_many", camera.crops.dropped)
            camera.crops.dropped = 0
            waiting = camera.crops.take()
            if not waiting:
                continue
            if not self._process.memory.may_write("crops"):
                self._count("redis_full", len(waiting))
                continue
            try:
                await self._write(camera, waiting)
            except REDIS_ERRORS as error:
                self._count("redis_away", len(waiting))
                _log.debug("pictures of changes are lost", camera=camera.camera_id, error=describe(error))

    async def _write(self, camera: CameraSession, waiting: list[tuple[str, bytes]]) -> None:
        budget = await self._budget_of(camera, {event_id for event_id, _ in waiting})
        commands: list[Command] = [
            ("SET", keys.crops(camera.camera_id, event_id), packed, "EX", CROPS_EXPIRE_S)
            for event_id, packed in waiting
            if budget.take(self._process.clock.now_ms())
        ]
        self._count("too_many", len(waiting) - len(commands))
        if not commands:
            return
        is_written = camera.lease.is_valid() and await self._transaction.execute(camera.lease, commands) is not None
        self._count("written" if is_written else "lease_lost", len(commands))

    async def _budget_of(self, camera: CameraSession, ours: set[str]) -> CropBudget:
        """The camera's budget; of a camera that was taken over, the last hour's events count as having pictures."""
        known = self._budgets.get(camera.camera_id)
        if known is not None:
            return known[1]
        since_ms = self._process.clock.now_ms() - KEPT_MS
        rows: Any = await self._redis.xrevrange(
            keys.events(camera.camera_id), min=max(0, since_ms), count=CROPS_AN_HOUR + len(ours)
        )
        told = [as_text(event_id) for event_id, fields in rows if b"unknown" not in fields.values()]
        budget = CropBudget([int(one.partition("-")[0]) for one in reversed(told) if one not in ours])
        self._budgets[camera.camera_id] = camera, budget
        return budget

    def _count(self, outcome: CropsOutcome, changes: int) -> None:
        self._process.metrics.count_crops(outcome, changes)
