"""Which cameras this detector works on, and their spaces, kept in step with Redis."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from redis.asyncio import Redis

from libs.common import keys
from libs.common.camera_state import ViewCondition
from libs.common.leased_transaction import LeasedTransaction
from libs.common.leases import Lease, Leases
from libs.common.logging import get_logger
from libs.common.monitoring.liveness import LivenessCheck
from libs.common.redis_errors import REDIS_ERRORS, OutageLog, RedisFault, classify, describe
from services.detector.backoff import Backoff
from services.detector.camera import CameraSession
from services.detector.latest_frames import LatestFrames
from services.detector.process import DetectorProcess
from services.detector.publisher import Publisher
from services.detector.stored_camera import StoredSpaces, read_camera, read_enabled, read_versions
from services.detector.switched_off import SwitchedOff

_log = get_logger("cameras")

STUCK_AFTER_S = 15.0
"""A round takes a few seconds where Redis does not answer; one that takes longer will not end."""
GIVE_UP_S = 2.0
EVERY_S = 1.0
"""How often cameras and spaces are looked up and status is written."""


class CameraManager:
    """The cameras of this detector.

    Attributes:
        cameras: their sessions, by id.
        liveness: beats with every round, whether Redis answers or not.
    """

    def __init__(
        self,
        redis: Redis,
        leases: Leases,
        publisher: Publisher,
        latest_frames: LatestFrames,
        process: DetectorProcess,
    ) -> None:
        self.cameras: dict[str, CameraSession] = {}
        self.liveness = LivenessCheck("look-up of cameras", STUCK_AFTER_S)
        self._leases = leases
        self._redis = redis
        self._transaction = LeasedTransaction(redis)
        self._publisher = publisher
        self._latest_frames = latest_frames
        self._process = process
        self._switched_off = SwitchedOff(redis, process.settings.events_keep)
        self._failures: dict[str, Backoff] = {}
        self._unreadable: dict[str, str] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Keep in step until stopped; outlives Redis being away."""
        outage = OutageLog(_log, "cannot look up cameras; going on with those known")
        while not stop.is_set():
            self.liveness.beat()
            try:
                await self._step("live")
                outage.worked()
            except REDIS_ERRORS as error:
                outage.failed(error)
            await self._pause(stop)
        try:
            for camera in list(self.cameras.values()):
                await self._report(camera, "stopped")
        except REDIS_ERRORS as error:
            _log.info("could not report the stop", error=describe(error))
        await asyncio.gather(*(self._give_up(camera_id, is_off=False) for camera_id in list(self.cameras)))

    def view_conditions(self) -> dict[str, ViewCondition]:
        """What each camera's last picture that was looked at showed of the lot, by camera id."""
        return {camera_id: camera.judging.view.condition for camera_id, camera in list(self.cameras.items())}

    async def _pause(self, stop: asyncio.Event) -> None:
        """Wait for the next step: a second, or less if a camera is won or lost."""
        waits = [asyncio.create_task(stop.wait()), asyncio.create_task(self._leases.changed.wait())]
        await asyncio.wait(waits, timeout=EVERY_S, return_when=asyncio.FIRST_COMPLETED)
        for wait in waits:
            wait.cancel()

    async def _step(self, state: str) -> None:
        self._leases.changed.clear()
        enabled, disabled = await read_enabled(self._redis)
        self._leases.share(enabled.keys())
        held = self._leases.held()
        await self._give_up_lost(held, disabled)
        if self._leases.speaks_for_all() and self._process.memory.may_write("events"):
            await self._switched_off.close(disabled)
        for camera_id in self._failures.keys() - held.keys():
            del self._failures[camera_id]
        versions = await read_versions(self._redis, sorted(held))
        for camera_id, lease in sorted(held.items()):
            if camera_id in enabled:
                await self._step_camera(lease, versions[camera_id], enabled[camera_id].motion_threshold, state)

    async def _give_up_lost(self, held: Mapping[str, Lease], disabled: Collection[str]) -> None:
        lost = [camera_id for camera_id, camera in self.cameras.items() if held.get(camera_id) is not camera.lease]
        await asyncio.gather(*(self._give_up(camera_id, is_off=camera_id in disabled) for camera_id in lost))

    async def _give_up(self, camera_id: str, *, is_off: bool) -> None:
        """Stop working on a camera; when its last frame is done, let the next owner begin.

        Args:
            camera_id: which.
            is_off: somebody switched it off, so its spaces are unknown from now on.
        """
        camera = self.cameras.pop(camera_id)
        self._unreadable.pop(camera_id, None)
        self._latest_frames.forget(camera_id)
        await camera.sequence.wait_idle(GIVE_UP_S)
        if is_off and camera.sequence.is_idle:
            camera.outbox.add(camera.state.lose_view("camera off"))
            try:
                await self._publisher.publish_changes(camera)
                await self._publisher.publish_status(camera, 0, "off")
            except REDIS_ERRORS as error:
                _log.warning("could not tell that a camera is off", camera=camera_id, error=describe(error))
        await self._leases.release(camera.lease)
        _log.info("camera given up", camera=camera_id)

    async def _step_camera(
        self, lease: Lease, stored: StoredSpaces, motion_threshold: float | None, state: str
    ) -> None:
        """One camera's part of a step; what goes wrong with it, unless Redis is away, is this camera's alone."""
        backoff = self._failures.setdefault(lease.camera_id, Backoff())
        if backoff.rests:
            return
        try:
            camera = await self._sync_camera(lease, stored)
            camera.change_motion_threshold(motion_threshold)
            await self._report(camera, state)
            backoff.worked()
        except Exception as error:  # a boundary: one camera's trouble is its own
            if isinstance(error, REDIS_ERRORS) and classify(error) is not RedisFault.OURS:
                raise
            is_new = backoff.failed(error)
            problem = f"{type(error).__name__}: {error}; trying again in {backoff.delay_s:.0f} s"
            if is_new:
                _log.error("camera failed; the others go on", camera=lease.camera_id, error=problem, exc_info=error)
            await self._report_failure(lease, problem)

    async def _sync_camera(self, lease: Lease, stored: StoredSpaces) -> CameraSession:
        """Take the camera over, or follow its spaces if they were changed."""
        camera_id = lease.camera_id
        camera = self.cameras.get(camera_id)
        if camera is None:
            found = await read_camera(self._redis, camera_id)
            lease.begin()
            camera = self.cameras[camera_id] = CameraSession(lease, found, self._process)
            self._note_problem(camera_id, found.problem)
            _log.info("camera taken", camera=camera_id, spaces=len(found.spaces))
            if stored.states == len(found.spaces) == len(found.statuses):
                camera.outbox.stored_states = {name: status.state for name, status in found.statuses.items()}
                return camera
        elif stored.version == camera.outbox.spaces_version and (
            stored.states == len(camera.state.lot.spaces) or camera_id in self._unreadable
        ):
            return camera
        async with camera.sequence.in_order():
            await self._follow_spaces(camera)
        return camera

    async def _follow_spaces(self, camera: CameraSession) -> None:
        """Take over the stored spaces, and have Redis keep the states of just these; in the order of the frames."""
        found = await read_camera(self._redis, camera.camera_id)
        if found.spaces_version != camera.outbox.spaces_version:
            _log.info("spaces changed", camera=camera.camera_id, spaces=len(found.spaces))
            camera.state.change_spaces(found.spaces)
            camera.outbox.spaces_version = found.spaces_version
        self._note_problem(camera.camera_id, found.problem)
        if not found.problem:
            states = {space_id: status.state for space_id, status in found.statuses.items()}
            await self._publisher.publish_all_states(camera, states)

    def _note_problem(self, camera_id: str, problem: str) -> None:
        if problem:
            self._unreadable[camera_id] = problem
        else:
            self._unreadable.pop(camera_id, None)

    async def _report(self, camera: CameraSession, state: str) -> None:
        if not camera.lease.is_valid():
            return  # another process speaks for it now
        if camera.sequence.is_idle and camera.schedule.is_without_frames():
            camera.outbox.add(camera.state.lose_view("view lost"))
        await self._publisher.publish_changes(camera)
        camera.counters.error = self._unreadable.get(camera.camera_id) or camera.counters.error
        await self._publisher.publish_status(camera, self._latest_frames.skipped[camera.camera_id], state)

    async def _report_failure(self, lease: Lease, problem: str) -> None:
        """Tell in the camera's status why nothing of it is processed."""
        parts = ("detector_error", problem, "detector_updated_at_ms", self._process.clock.now_ms())
        try:
            await self._transaction.execute(lease, [("HSET", keys.status(lease.camera_id), *parts)])
        except REDIS_ERRORS as error:
            _log.debug("could not tell of a camera's failure", camera=lease.camera_id, error=describe(error))
