"""Put what the detector made on the bus."""

from __future__ import annotations

from typing import Any, Final

from redis.asyncio import Redis

from libs.common import keys
from libs.common.bus import HashFields, as_text
from libs.common.clock import now_ms
from libs.common.leased_transaction import LeasedTransaction
from libs.common.messages import COUNT_EXPIRES_S, LATEST_EXPIRES_S, pack_viewer_message
from services.detector.camera import CameraSession
from services.detector.frame_result import AnnotatedFrame
from services.detector.outbox import PENDING_EVENTS_MAX
from services.detector.settings import DetectorSettings

_LOG_ANSWER: Final = 3
"""Which answer of a frame's transaction is the log's; see `_add_message`."""


class Publisher:
    """Writes viewer messages, occupancy, events, log and status. Raises `redis.RedisError` when Redis is away."""

    def __init__(self, redis: Redis, settings: DetectorSettings, detector: str) -> None:
        self._redis = redis
        self._transaction = LeasedTransaction(redis)
        self._settings = settings
        self._detector = detector

    async def publish(self, camera: CameraSession, frame: AnnotatedFrame) -> bool:
        """Publish one frame; the changes of state that are pending go with it, all or nothing.

        Returns:
            False if the camera is no longer this process's: then nothing was published.
        """
        async with camera.outbox.lock:
            await self._settle(camera)
            if camera.outbox.frame_count is None:
                camera.outbox.frame_count = int(await self._redis.get(keys.count(camera.camera_id)) or 0)
            published_at_ms = now_ms()
            pipe = self._redis.pipeline(transaction=True)
            logs = camera.schedule.take_log()
            message = self._add_message(pipe, camera, frame, published_at_ms, logs=logs)
            events = self._add_changes(pipe, camera)
            if not camera.lease.is_valid():  # asked right before: the process may have been paused meanwhile
                return False
            expected, camera.outbox.frame_count = (
                camera.outbox.frame_count + 1,
                None,
            )  # not known again until Redis answers
            answers = await self._execute(pipe, camera, events, message)
            if answers is None:
                return False
            # Whoever owns the camera counts alone; if somebody broadcast it too, the next number is right again.
            camera.outbox.frame_count = int(answers[0])
            if logs:
                camera.outbox.logged_at_ms = int(as_text(answers[_LOG_ANSWER]).partition("-")[0])
            if camera.outbox.frame_count != expected:
                camera.outbox.stored_track_id = None  # perhaps Redis was emptied
        camera.counters.latency_ms = published_at_ms - frame.metadata.timings.captured_at
        await self._touch(camera, published_at_ms)
        return True

    def _add_message(self, pipe: Any, camera: CameraSession, frame: AnnotatedFrame, at_ms: int, *, logs: bool) -> bytes:
        """Add what a frame writes; the message to viewers."""
        camera_id = camera.camera_id
        metadata = frame.metadata.model_dump(by_alias=True)
        metadata["timings"]["published_at"] = at_ms
        message = pack_viewer_message(
            camera_id, frame.jpeg, metadata, (camera.outbox.frame_count or 0) + 1, at_ms / 1000
        )
        pipe.incr(keys.count(camera_id))
        pipe.publish(keys.live(camera_id), message)
        pipe.set(keys.latest(camera_id), message, ex=LATEST_EXPIRES_S)
        if logs:
            # By Redis's clock: if this machine's is ahead of it, nothing must be taken for too old.
            keep_from_ms = max(0, (camera.outbox.logged_at_ms or 0) - self._settings.log_keep_s * 1000)
            text = frame.metadata.model_dump_json(by_alias=True)
            pipe.xadd(keys.log(camera_id), {"metadata": text}, minid=keep_from_ms, approximate=True)
        return message

    async def _touch(self, camera: CameraSession, at_ms: int) -> None:
        """Once a second, tell that the camera is broadcast: fresh enough for lists of what is live."""
        if not camera.schedule.take_broadcaster():
            return
        await self._redis.zadd(keys.BROADCASTERS, {camera.camera_id: at_ms / 1000})
        await self._redis.expire(keys.count(camera.camera_id), COUNT_EXPIRES_S)

    async def publish_changes(self, camera: CameraSession) -> bool:
        """Publish pending changes of state without a frame.

        Returns:
            False if the camera is no longer this process's: then nothing was published.
        """
        async with camera.outbox.lock:
            await self._settle(camera)
            pipe = self._redis.pipeline(transaction=True)
            events = self._add_changes(pipe, camera)
            if not camera.lease.is_valid():
                return False
            return not events or await self._execute(pipe, camera, events) is not None

    async def publish_status(self, camera: CameraSession, skipped: int, state: str) -> None:
        """Write the detector's fields of the camera's status."""
        counters = camera.counters
        fields: HashFields = {
            "detector_state": state,
            "detector_owner": self._detector,
            "detector_fps": f"{counters.rate.per_second():.2f}",
            "detector_frames": counters.frames,
            "detector_skipped": skipped,
            "detector_too_old": counters.dropped["too_old"],
            "detector_still": counters.verdicts["still"],
            "detector_blind": counters.verdicts["blind"],
            "detector_undecodable": counters.dropped["undecodable"],
            "detector_unpublished": counters.dropped["redis_away"],
            "detector_disowned": counters.dropped["lease_lost"],
            "detector_inference_ms": f"{counters.inference_ms:.1f}",
            "detector_latency_ms": counters.latency_ms,
            "detector_error": counters.error,
            "detector_updated_at_ms": now_ms(),
        }
        await self._redis.hset(keys.status(camera.camera_id), mapping=fields)

    async def _execute(self, pipe: Any, camera: CameraSession, events: int, message: bytes = b"") -> list[Any] | None:
        """Run a transaction that ends with the first `events` pending changes being on the bus.

        Returns:
            The answers; None, and nothing was run, if Redis says that the camera is no longer this process's.
        """
        track_id = camera.state.last_track_id
        camera.outbox.stored_track_id, camera.outbox.is_unsettled = None, True
        answers = await self._transaction.execute(camera.lease, [command for command, _ in pipe.command_stack], message)
        if answers is None:
            camera.lease.end()
            return None
        camera.outbox.stored_track_id, camera.outbox.is_unsettled = track_id, False
        for _ in range(min(events, len(camera.outbox.events))):
            camera.outbox.events.popleft()
        return answers

    async def _settle(self, camera: CameraSession) -> None:
        """After a transaction without an answer: forget those pending changes that are in the stream all the same."""
        if not camera.outbox.is_unsettled:
            return
        answer: Any = await self._redis.xrevrange(keys.events(camera.camera_id), count=PENDING_EVENTS_MAX)
        written = [{as_text(name): as_text(value) for name, value in fields.items()} for _, fields in answer]
        missing = [event for event in camera.outbox.events if event.to_fields() not in written]
        camera.outbox.events.clear()
        camera.outbox.events.extend(missing)
        camera.outbox.is_unsettled = False

    def _add_changes(self, pipe: Any, camera: CameraSession) -> int:
        """Add the changes of state, and the last track id that they may name; how many changes there are."""
        if camera.state.last_track_id != camera.outbox.stored_track_id:
            pipe.set(keys.last_track_id(camera.camera_id), camera.state.last_track_id)
        if not camera.outbox.events:
            return 0
        # From the events, not from the lot, into which frames that come after this one may have brought more changes.
        known = {space.space_id for space in camera.state.lot.spaces}
        changed = {event.space_id: event.status() for event in camera.outbox.events if event.space_id in known}
        for event in camera.outbox.events:
            pipe.xadd(
                keys.events(camera.camera_id), event.to_fields(), maxlen=self._settings.events_keep, approximate=True
            )
        if changed:
            pipe.hset(
                keys.occupancy(camera.camera_id),
                mapping={space_id: status.model_dump_json() for space_id, status in changed.items()},
            )
        return len(camera.outbox.events)
