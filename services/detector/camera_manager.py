"""Which cameras this detector works on, and their spaces, kept in step with Redis."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common import keys
from libs.common.bus import as_bytes, as_text
from libs.common.cameras import Camera
from libs.common.leases import Lease, Leases
from libs.common.logging import get_logger
from libs.common.monitoring.liveness import LivenessCheck
from libs.common.spaces import SpaceStatus, load_spaces
from services.detector.camera import CameraSession
from services.detector.camera_state import StoredCamera
from services.detector.latest_frames import LatestFrames
from services.detector.publisher import Publisher

_log = get_logger("cameras")

OpenSession = Callable[[Lease, StoredCamera], CameraSession]

STUCK_AFTER_S = 15.0
"""A round takes a few seconds where Redis does not answer; one that takes longer will not end."""
GIVE_UP_S = 2.0
EVERY_S = 1.0
"""How often cameras and spaces are looked up and status is written."""


class CameraManager:
    """The cameras of this detector.

    Attributes:
        cameras: their work, by id.
        liveness: beats with every round, whether Redis answers or not.
    """

    def __init__(
        self,
        redis: Redis,
        leases: Leases,
        publisher: Publisher,
        latest_frames: LatestFrames,
        open_session: OpenSession,
    ) -> None:
        self.cameras: dict[str, CameraSession] = {}
        self.liveness = LivenessCheck("look-up of cameras", STUCK_AFTER_S)
        self._leases = leases
        self._redis = redis
        self._publisher = publisher
        self._latest_frames = latest_frames
        self._open_session = open_session
        self._space_texts: dict[str, bytes | None] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Keep in step until stopped; outlives Redis being away."""
        away = False
        while not stop.is_set():
            self.liveness.beat()
            try:
                await self._step("live")
                away = False
            except (RedisError, OSError) as error:
                if not away:
                    _log.warning("cannot look up cameras; going on with those known", error=str(error))
                away = True
            await self._pause(stop)
        try:
            await self._report("stopped")
        except (RedisError, OSError) as error:
            _log.info("could not report the stop", error=str(error))
        await asyncio.gather(*(self._give_up(camera_id) for camera_id in list(self.cameras)))

    async def _pause(self, stop: asyncio.Event) -> None:
        """Wait for the next step: a second, or less if a camera is won or lost."""
        waits = [asyncio.create_task(stop.wait()), asyncio.create_task(self._leases.changed.wait())]
        await asyncio.wait(waits, timeout=EVERY_S, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    async def _step(self, state: str) -> None:
        self._leases.changed.clear()
        enabled = await self._enabled_cameras()
        self._leases.share(enabled.keys())
        held = self._leases.held()
        lost = [camera_id for camera_id, camera in self.cameras.items() if held.get(camera_id) is not camera.lease]
        await asyncio.gather(*(self._give_up(camera_id) for camera_id in lost))
        for camera_id, lease in sorted(held.items()):
            await self._sync_camera(camera_id, lease)
            if camera_id in enabled:
                self.cameras[camera_id].change_motion_threshold(enabled[camera_id].motion_threshold)
        await self._report(state)

    async def _give_up(self, camera_id: str) -> None:
        """Stop working on a camera; when its last frame is done, let the next owner begin."""
        camera = self.cameras.pop(camera_id)
        self._space_texts.pop(camera_id, None)
        self._latest_frames.forget(camera_id)
        await camera.sequence.wait_idle(GIVE_UP_S)
        await self._leases.release(camera.lease)
        _log.info("camera given up", camera=camera_id)

    async def _report(self, state: str) -> None:
        for camera in list(self.cameras.values()):
            if not camera.lease.is_valid():
                continue  # somebody else speaks for it now
            if camera.sequence.is_idle and camera.schedule.is_without_frames():
                camera.outbox.add(camera.state.lose_view())
            await self._publisher.publish_changes(camera)
            await self._publisher.publish_status(camera, self._latest_frames.skipped[camera.camera_id], state)

    async def _enabled_cameras(self) -> dict[str, Camera]:
        enabled = {}
        for camera_id, text in (await self._redis.hgetall(keys.CAMERAS)).items():
            try:
                camera = Camera.model_validate_json(text)
            except ValidationError:
                continue  # ingest, which reads the camera, says what is wrong with it
            if camera.enabled and camera.id == as_text(camera_id):
                enabled[camera.id] = camera
        return enabled

    async def _sync_camera(self, camera_id: str, lease: Lease) -> None:
        answer = await self._redis.get(keys.spaces(camera_id))
        text = None if answer is None else as_bytes(answer)
        known = self.cameras.get(camera_id)
        if known is not None and self._space_texts.get(camera_id) == text:
            return
        self._space_texts[camera_id] = text
        try:
            spaces = load_spaces(text)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(step) for step in first["loc"])
            _log.error("bad spaces; working without them", camera=camera_id, field=where, problem=first["msg"])
            spaces = []
        if known is not None:
            _log.info("spaces changed", camera=camera_id, spaces=len(spaces))
            async with known.sequence.in_order():
                known.state.change_spaces(spaces)
            return
        last_track_id = int(await self._redis.get(keys.last_track_id(camera_id)) or 0)
        statuses = await self._known_statuses(camera_id)
        lease.begin()
        self.cameras[camera_id] = self._open_session(lease, StoredCamera(spaces, statuses, last_track_id))
        _log.info("camera taken", camera=camera_id, spaces=len(spaces))

    async def _known_statuses(self, camera_id: str) -> dict[str, SpaceStatus]:
        statuses = {}
        for space_id, text in (await self._redis.hgetall(keys.occupancy(camera_id))).items():
            try:
                statuses[as_text(space_id)] = SpaceStatus.model_validate_json(text)
            except (ValidationError, json.JSONDecodeError):
                _log.warning("unreadable occupancy is taken as unknown", camera=camera_id, space=as_text(space_id))
        return statuses
