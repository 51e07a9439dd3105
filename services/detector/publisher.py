"""Put what the detector made on the bus."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from libs.common import keys
from libs.common.bus import HashFields
from libs.common.clock import now_ms
from libs.common.messages import COUNT_EXPIRES_S, LATEST_EXPIRES_S, pack_viewer_message
from services.detector.camera import AnnotatedFrame, CameraWork
from services.detector.settings import DetectorSettings


class Publisher:
    """Writes viewer messages, occupancy, events, log and status. Raises `redis.RedisError` when Redis is away."""

    def __init__(self, redis: Redis, settings: DetectorSettings, detector: str) -> None:
        self._redis = redis
        self._settings = settings
        self._detector = detector

    async def publish(self, camera: CameraWork, frame: AnnotatedFrame) -> bool:
        """Publish one frame; the changes of state that are pending go with it, all or nothing.

        Returns:
            False if the camera is no longer this process's: then nothing was published.
        """
        camera_id = camera.camera_id
        if not camera.lease.is_valid():
            return False
        frame_count = int(await self._redis.incr(keys.count(camera_id)))
        published_at_ms = now_ms()
        metadata = frame.metadata.model_dump(by_alias=True)
        metadata["timings"]["published_at"] = published_at_ms
        message = pack_viewer_message(camera_id, frame.jpeg, metadata, frame_count, published_at_ms / 1000)
        events = len(camera.pending_events)
        pipe = self._redis.pipeline(transaction=True)
        pipe.publish(keys.live(camera_id), message)
        pipe.set(keys.latest(camera_id), message, ex=LATEST_EXPIRES_S)
        pipe.expire(keys.count(camera_id), COUNT_EXPIRES_S)
        pipe.set(keys.last_track_id(camera_id), camera.tracker.last_track_id)
        self._add_changes(pipe, camera)
        if self._log_is_due(camera, published_at_ms):
            keep_from_ms = published_at_ms - self._settings.log_keep_s * 1000
            text = frame.metadata.model_dump_json(by_alias=True)
            pipe.xadd(keys.log(camera_id), {"metadata": text}, minid=keep_from_ms, approximate=True)
        if not camera.lease.is_valid():  # asked again: the process may have been paused meanwhile
            return False
        await pipe.execute()
        _drop_first(camera, events)
        await self._redis.zadd(keys.BROADCASTERS, {camera_id: published_at_ms / 1000})
        return True

    async def publish_changes(self, camera: CameraWork) -> bool:
        """Publish pending changes of state without a frame.

        Returns:
            False if the camera is no longer this process's: then nothing was published.
        """
        if not camera.lease.is_valid():
            return False
        events = len(camera.pending_events)
        if events:
            pipe = self._redis.pipeline(transaction=True)
            self._add_changes(pipe, camera)
            await pipe.execute()
            _drop_first(camera, events)
        return True

    async def publish_status(self, camera: CameraWork, skipped: int, state: str) -> None:
        """Write the detector's fields of the camera's status."""
        counters = camera.counters
        fields: HashFields = {
            "detector_state": state,
            "detector_owner": self._detector,
            "detector_fps": f"{counters.rate.per_second():.2f}",
            "detector_frames": counters.frames,
            "detector_skipped": skipped,
            "detector_too_old": counters.too_old,
            "detector_still": counters.still,
            "detector_blind": counters.blind,
            "detector_undecodable": counters.undecodable,
            "detector_unpublished": counters.unpublished,
            "detector_disowned": counters.disowned,
            "detector_inference_ms": f"{counters.inference_ms:.1f}",
            "detector_error": counters.error,
            "detector_updated_at_ms": now_ms(),
        }
        await self._redis.hset(keys.status(camera.camera_id), mapping=fields)

    def _add_changes(self, pipe: Any, camera: CameraWork) -> None:
        if not camera.pending_events:
            return
        statuses = camera.lot.statuses
        changed = {event.space_id for event in camera.pending_events} & statuses.keys()
        for event in camera.pending_events:
            pipe.xadd(
                keys.events(camera.camera_id), event.to_fields(), maxlen=self._settings.events_keep, approximate=True
            )
        if changed:
            pipe.hset(
                keys.occupancy(camera.camera_id),
                mapping={space_id: statuses[space_id].model_dump_json() for space_id in changed},
            )

    def _log_is_due(self, camera: CameraWork, at_ms: int) -> bool:
        interval_ms = self._settings.log_interval_s * 1000
        if not interval_ms or at_ms - camera.logged_at_ms < interval_ms:
            return False
        camera.logged_at_ms = at_ms
        return True


def _drop_first(camera: CameraWork, events: int) -> None:
    for _ in range(min(events, len(camera.pending_events))):
        camera.pending_events.popleft()
