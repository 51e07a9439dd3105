"""Which cameras this process reads, kept in step with Redis and with the other ingests, without a restart."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

from redis.asyncio import Redis

from libs.common import keys
from libs.common.bus import HashFields
from libs.common.cameras import Camera
from libs.common.leased_transaction import LeasedTransaction, Unleased, Write
from libs.common.leases import Lease, Leases
from libs.common.logging import get_logger
from libs.common.monitoring.liveness import LivenessCheck
from libs.common.monitoring.metrics import FrameMetrics
from libs.common.redis_errors import REDIS_ERRORS, OutageLog
from libs.common.shutdown import sleep_until_stopped
from services.ingest.camera_reader import CameraReader
from services.ingest.directory import CameraDirectory, Listing
from services.ingest.frame_writer import FrameWriter
from services.ingest.settings import IngestSettings
from services.ingest.status import CameraStatus, idle_fields

_log = get_logger("cameras")

EVERY_S = 1.0
"""How often the cameras are looked up and their status is written; a change of state is written at once."""
STUCK_AFTER_S = 15.0
"""A round takes a few seconds while Redis does not answer; a longer one is stuck."""
END_S = 0.5
"""How long to wait for a reader to disconnect before another process may take its camera. A reader that waits inside
libav for a silent camera needs as long as libav's deadline; until then nobody gets its camera."""
REST_S = 30.0
"""How long a reader rests after an unexpected error."""


@dataclass(slots=True)
class _Reading:
    camera: Camera
    lease: Lease
    status: CameraStatus
    task: asyncio.Task[None]
    broke_at_s: float | None = None

    def has_rested(self) -> bool:
        """Whether a reader that broke may begin again."""
        return self.broke_at_s is not None and time.monotonic() - self.broke_at_s > REST_S


class CameraManager:
    """The cameras of this process.

    Attributes:
        liveness_checks: beat with every round of its loops, whether Redis answers or not.
    """

    def __init__(
        self,
        redis: Redis,
        directory: CameraDirectory,
        leases: Leases,
        writer: FrameWriter,
        settings: IngestSettings,
        metrics: FrameMetrics,
    ) -> None:
        """Prepare.

        Args:
            redis: the bus.
            directory: the cameras there are.
            leases: which of them are this process's; run beside this.
            writer: where the cameras' frames go.
            settings: of this service.
            metrics: what readers count.
        """
        self._listing_pulse = LivenessCheck("look-up of cameras", STUCK_AFTER_S)
        self._readers_pulse = LivenessCheck("care for readers", STUCK_AFTER_S)
        self.liveness_checks = (self._listing_pulse, self._readers_pulse)
        self._redis = redis
        self._transaction = LeasedTransaction(redis)
        self._directory = directory
        self._leases = leases
        self._writer = writer
        self._settings = settings
        self._metrics = metrics
        self._listing = Listing()
        self._readings: dict[str, _Reading] = {}
        self._leaving: dict[str, asyncio.Task[None]] = {}
        self._removed: set[str] = set()
        self._state_changed = asyncio.Event()

    def statuses(self) -> Mapping[str, CameraStatus]:
        """The cameras that are read here, by id."""
        return {camera_id: reading.status for camera_id, reading in self._readings.items()}

    def listed(self) -> Mapping[str, int]:
        """How many cameras stand in Redis, by kind."""
        listing = self._listing
        return {"wanted": len(listing.wanted), "disabled": len(listing.disabled), "bad": len(listing.bad)}

    async def run(self, stop: asyncio.Event) -> None:
        """Keep in step until stopped; outlives Redis being away."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep_listing(stop))
            group.create_task(self._keep_readers(stop))

    async def _keep_listing(self, stop: asyncio.Event) -> None:
        """Look up the cameras every second, and report on them; sooner if a state changes."""
        outage = OutageLog(_log, "going on with the cameras that are known")
        looked_up_s = float("-inf")
        while not stop.is_set():
            self._listing_pulse.beat()
            self._state_changed.clear()
            try:
                if time.monotonic() - looked_up_s >= EVERY_S:
                    looked_up_s = time.monotonic()
                    self._listing = await self._directory.look_up()
                    self._leases.share(self._listing.wanted.keys())
                    self._leases.changed.set()
                await self._report()
                outage.worked()
            except REDIS_ERRORS as error:
                outage.failed(error)
            await _pause(self._state_changed, stop)

    async def _keep_readers(self, stop: asyncio.Event) -> None:
        """Keep one reader for each of our cameras. Separate from the listing, so that an expired lease ends its reader
        at once even while Redis does not answer."""
        while not stop.is_set():
            self._readers_pulse.beat()
            self._leases.changed.clear()
            held, wanted = self._leases.held(), self._listing.wanted
            await self._end(
                [
                    reading
                    for camera_id, reading in self._readings.items()
                    if held.get(camera_id) is not reading.lease
                    or not reading.camera.is_read_like(wanted.get(camera_id))
                    or reading.has_rested()
                ]
            )
            for camera_id, lease in self._leases.held().items():
                if camera_id in wanted and camera_id not in self._readings and camera_id not in self._leaving:
                    self._begin(wanted[camera_id], lease)
            await _pause(self._leases.changed, stop)
        await self._end(list(self._readings.values()), give_up=True)
        if self._leaving:
            for leaving in self._leaving.values():
                leaving.cancel()
            await asyncio.wait(self._leaving.values())

    def _begin(self, camera: Camera, lease: Lease) -> None:
        lease.begin()
        status = CameraStatus(self._state_changed)
        reader = CameraReader(camera, lease, self._writer, self._settings, status, self._metrics)
        task = asyncio.create_task(reader.run(), name=f"camera {camera.id}")
        self._readings[camera.id] = _Reading(camera, lease, status, task)

    async def _end(self, readings: list[_Reading], *, give_up: bool = False) -> None:
        """Stop readers, and release the leases of cameras that are no longer ours, or of all of them."""
        if not readings:
            return
        for reading in readings:
            reading.task.cancel()
        _, late = await asyncio.wait({reading.task for reading in readings}, timeout=END_S)
        held = self._leases.held()
        over: list[Lease] = []
        for reading in readings:
            camera_id = reading.camera.id
            del self._readings[camera_id]
            del self._writer.dropped[camera_id]
            if camera_id not in self._listing:
                self._removed.add(camera_id)
                self._state_changed.set()
            is_ours = not give_up and held.get(camera_id) is reading.lease
            wanted = self._listing.wanted.get(camera_id)
            if is_ours and wanted is not None and wanted.url != reading.camera.url:
                continue  # what is read next is elsewhere
            if reading.task in late and not give_up:
                self._leaving[camera_id] = asyncio.create_task(self._let_go(reading))
            elif not is_ours:
                over.append(reading.lease)
        await asyncio.gather(*(self._leases.release(lease) for lease in over))

    async def _let_go(self, reading: _Reading) -> None:
        """Hold a camera's lease until its reader has ended, so that nobody reads it twice."""
        _log.info("a reader has not disconnected from its camera yet", camera=reading.camera.id)
        try:
            await asyncio.wait({reading.task})
        finally:
            del self._leaving[reading.camera.id]
            if self._leases.held().get(reading.camera.id) is not reading.lease:
                await self._leases.release(reading.lease)
            self._leases.changed.set()

    async def _report(self) -> None:
        writes = []
        for camera_id, reading in self._readings.items():
            self._look_after(reading)
            fields = reading.status.fields(self._leases.member, self._writer.dropped[camera_id], self._writer.clock)
            writes.append(_status(reading.lease, fields))
        if self._leases.speaks_for_all():
            for camera_id, problem in self._listing.bad.items():
                writes.append(
                    _status(Unleased("ingest", camera_id), idle_fields("error", problem, "", self._writer.clock))
                )
            for camera_id in self._listing.disabled:
                writes.append(
                    _status(Unleased("ingest", camera_id), idle_fields("disabled", "", "", self._writer.clock))
                )
        if writes:
            for answer in await self._transaction.execute_each(writes):
                if isinstance(answer, Exception):
                    raise answer
        removed = self._removed - self._readings.keys()
        if removed:  # with redis-cli, which deletes no more than the entry
            await self._redis.delete(*(key for one in removed for key in (keys.status(one), keys.frames(one))))
        self._removed -= removed

    def _look_after(self, reading: _Reading) -> None:
        """Report a reader that failed unexpectedly and restart it later; the other cameras go on."""
        if reading.broke_at_s is not None or not reading.task.done() or reading.task.cancelled():
            return
        if (error := reading.task.exception()) is not None:
            reading.broke_at_s = time.monotonic()
            reading.status.set("error", f"ingest has a fault with this camera ({type(error).__name__}); see its log")
            _log.error("a reader failed unexpectedly; restarting it later", camera=reading.camera.id, exc_info=error)


def _status(lease: Lease | Unleased, fields: HashFields) -> Write:
    """The write of a camera's status."""
    return Write(lease, [("HSET", keys.status(lease.camera_id), *chain.from_iterable(fields.items()))])


async def _pause(event: asyncio.Event, stop: asyncio.Event) -> None:
    """Wait for at most a second, until something happens, and for at least 50 ms."""
    if await sleep_until_stopped(stop, 0.05):
        return
    waits = {asyncio.create_task(event.wait()), asyncio.create_task(stop.wait())}
    await asyncio.wait(waits, timeout=EVERY_S, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
