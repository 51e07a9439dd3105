"""Which cameras are read, kept in step with Redis: added, changed, disabled and removed without a restart."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common import keys
from libs.common.bus import HashFields, as_text
from libs.common.cameras import Camera
from libs.common.clock import now_ms
from libs.common.errors import ConfigurationError
from libs.common.logging import get_logger
from libs.common.shutdown import sleep_until_stopped
from services.ingest.camera_reader import CameraReader, CameraStatus
from services.ingest.cameras_file import CameraEntry, describe_problem, register
from services.ingest.frame_writer import FrameWriter
from services.ingest.settings import IngestSettings

_log = get_logger("roster")

EVERY_S = 1.0
"""How often the cameras are looked up and their status is written; a change of state is written at once."""


@dataclass(slots=True)
class _Reading:
    reader: CameraReader
    task: asyncio.Task[None]


class Roster:
    """The cameras of this ingest."""

    def __init__(
        self,
        redis: Redis,
        writer: FrameWriter,
        settings: IngestSettings,
        owner: str,
        entries: Sequence[CameraEntry] = (),
    ) -> None:
        """Prepare.

        Args:
            redis: the bus.
            writer: where the cameras' frames go.
            settings: of this service.
            owner: this process, for the status.
            entries: the configured cameras.
        """
        self._redis = redis
        self._entries = entries
        self._redis_run_id: str | None = None
        self._writer = writer
        self._settings = settings
        self._owner = owner
        self._readings: dict[str, _Reading] = {}
        self._bad: dict[str, str] = {}
        self._disabled: set[str] = set()
        self._changed = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Keep in step until stopped; outlives Redis being away."""
        away = False
        while not stop.is_set():
            try:
                await self._restore_if_emptied()
                await self._step()
                away = False
            except (RedisError, OSError) as error:
                if not away:
                    _log.warning("cannot look up cameras; going on with those known", error=str(error))
                away = True
            await self._pause(stop)
        await asyncio.gather(*(self._end(camera_id) for camera_id in list(self._readings)))

    async def _restore_if_emptied(self) -> None:
        """Register the configured cameras again where Redis was started anew and kept nothing.

        Cameras that somebody removed stay removed: then it is the same server.
        """
        if not self._entries:
            return
        run_id = str((await self._redis.info("server"))["run_id"])
        if self._redis_run_id not in (None, run_id) and not await self._redis.exists(keys.CAMERAS):
            _log.warning("redis came back empty; registering the configured cameras again")
            await register(self._redis, self._entries)
        self._redis_run_id = run_id

    async def _pause(self, stop: asyncio.Event) -> None:
        """Wait for the next step: a second, or less if a camera's state changes."""
        waits = [asyncio.create_task(reading.reader.status.changed.wait()) for reading in self._readings.values()]
        waits.append(asyncio.create_task(stop.wait()))
        await asyncio.wait(waits, timeout=EVERY_S, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()
        # Not more than ten times a second, however often states change.
        await sleep_until_stopped(stop, 0.1)

    async def _step(self) -> None:
        wanted = await self._look_up()
        for camera_id in self._readings.keys() - wanted.keys():
            await self._end(camera_id)
        for camera_id, camera in wanted.items():
            reading = self._readings.get(camera_id)
            if reading is not None and reading.reader.camera != camera:
                _log.info("camera changed", camera=camera_id)
                await self._end(camera_id)
                reading = None
            if reading is None:
                self._begin(camera)
        await self._report()

    async def _look_up(self) -> dict[str, Camera]:
        """The enabled cameras; what is wrong with an entry is said once, and shown in that camera's status."""
        wanted, bad, disabled = {}, {}, set()
        for key, text in (await self._redis.hgetall(keys.CAMERAS)).items():
            camera_id = as_text(key)
            try:
                camera = Camera.model_validate_json(text)
                if camera.id != camera_id:
                    raise ConfigurationError(f"id: the entry says {camera.id!r} and stands under {camera_id!r}")
            except ValidationError as error:
                bad[camera_id] = describe_problem(error)
            except ConfigurationError as error:
                bad[camera_id] = str(error)
            else:
                if camera.enabled:
                    wanted[camera_id] = camera
                else:
                    disabled.add(camera_id)
        for camera_id in bad.keys() - self._bad.keys():
            _log.error("bad camera entry; it is not read", camera=camera_id, problem=bad[camera_id])
        self._bad, self._disabled = bad, disabled
        return wanted

    def _begin(self, camera: Camera) -> None:
        reader = CameraReader(camera, self._writer, self._settings)
        self._readings[camera.id] = _Reading(reader, asyncio.create_task(reader.run(), name=f"camera {camera.id}"))

    async def _end(self, camera_id: str) -> None:
        reading = self._readings.pop(camera_id)
        reading.task.cancel()
        await asyncio.wait({reading.task}, timeout=2.0)

    async def _report(self) -> None:
        pipe = self._redis.pipeline(transaction=False)
        for camera_id, reading in self._readings.items():
            if reading.task.done() and not reading.task.cancelled() and (error := reading.task.exception()):
                raise error
            reading.reader.status.changed.clear()
            pipe.hset(keys.status(camera_id), mapping=self._fields(camera_id, reading.reader))
        idle = [(camera_id, CameraStatus("error", problem)) for camera_id, problem in self._bad.items()]
        idle += [(camera_id, CameraStatus("disabled")) for camera_id in self._disabled]
        for camera_id, status in idle:
            fields: HashFields = {
                "ingest_state": status.state,
                "ingest_error": status.error,
                "ingest_fps": "0",
                "ingest_updated_at_ms": now_ms(),
            }
            pipe.hset(keys.status(camera_id), mapping=fields)
        await pipe.execute()

    def _fields(self, camera_id: str, reader: CameraReader) -> HashFields:
        status = reader.status
        return {
            "ingest_state": status.state,
            "ingest_error": status.error,
            "ingest_fps": f"{status.rate.per_second():.2f}",
            "ingest_frames": status.frames,
            "ingest_dropped": reader.pacer.dropped + self._writer.dropped[camera_id],
            "ingest_bad_frames": status.bad_frames,
            "ingest_reconnects": status.reconnects,
            "ingest_owner": self._owner,
            "ingest_last_frame_at_ms": status.last_frame_at_ms,
            "ingest_updated_at_ms": now_ms(),
        }
