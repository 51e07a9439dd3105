"""Read the newest frames of all cameras from their streams, as one consumer of the group `detectors`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import RedisError, ResponseError

from libs.common import keys
from libs.common.clock import now_ms
from libs.common.errors import MessageError
from libs.common.logging import get_logger
from libs.common.messages import FRAMES_MAXLEN, RawFrame
from libs.common.shutdown import sleep_until_stopped
from services.detector.latest_frames import LatestFrames, PendingFrame
from services.detector.metrics import DetectorMetrics

_log = get_logger("reader")

Entry = tuple[bytes, dict[bytes, bytes]]
StreamAnswer = list[tuple[bytes, list[Entry]]]

BLOCK_MS = 500
"""How long one read waits; also how soon a change of cameras is noticed."""
IDLE_S = 0.05
"""How often one without cameras looks whether it has one: part of the time that a camera is away after a failure."""

IDLE_CONSUMER_MS = 3_600_000


class FrameReader:
    """Moves frames from the streams into `LatestFrames`; where several of a camera wait, only the newest."""

    def __init__(
        self,
        redis: Redis,
        consumer: str,
        cameras: Callable[[], Collection[str]],
        latest_frames: LatestFrames,
        metrics: DetectorMetrics,
    ) -> None:
        """Prepare.

        Args:
            redis: a client whose answers may take longer than `BLOCK_MS`.
            consumer: this process's name in the group.
            cameras: the ids of the cameras to read, asked before every read.
            latest_frames: where frames go.
            metrics: where frames are counted.
        """
        self._redis = redis
        self._metrics = metrics
        self._consumer = consumer
        self._cameras = cameras
        self._latest_frames = latest_frames
        self._joined: set[str] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Read until stopped; outlives Redis being away."""
        away = False
        while not stop.is_set():
            try:
                await self._read_once(stop)
                if away:
                    _log.info("redis is back; reading frames again")
                away = False
            except (RedisError, OSError) as error:
                self._joined.clear()
                if not away:
                    _log.warning("cannot read frames; trying again until redis is back", error=str(error))
                away = True
                await sleep_until_stopped(stop, 0.5)
        await self._leave()

    async def _read_once(self, stop: asyncio.Event) -> None:
        cameras = sorted(self._cameras())
        self._joined &= set(cameras)
        if not cameras:
            await sleep_until_stopped(stop, IDLE_S)
            return
        for camera_id in cameras:
            if camera_id not in self._joined:
                await self._join(camera_id)
        try:
            answer = await self._redis.xreadgroup(
                keys.DETECTOR_GROUP,
                self._consumer,
                {keys.frames(camera_id): ">" for camera_id in cameras},
                count=FRAMES_MAXLEN,
                block=BLOCK_MS,
                noack=True,
            )
        except ResponseError as error:
            if not str(error).startswith(("NOGROUP", "UNBLOCKED")):
                raise
            self._joined.clear()  # somebody deleted a stream or emptied Redis; the next round joins again
            return
        read_at_ms = now_ms()
        by_stream = {keys.frames(camera_id).encode(): camera_id for camera_id in cameras}
        for stream, entries in cast(StreamAnswer, answer or []):
            self._deliver(by_stream[stream], entries, read_at_ms)

    def _deliver(self, camera_id: str, entries: list[Entry], read_at_ms: int) -> None:
        if not entries:
            return
        self._latest_frames.skipped[camera_id] += len(entries) - 1
        self._metrics.frames.drop("receive", "newer", len(entries) - 1)
        frame_id, fields = entries[-1]
        try:
            frame = RawFrame.from_fields(frame_id, fields)
        except MessageError as error:
            self._latest_frames.skipped[camera_id] += 1
            self._metrics.frames.drop("receive", "garbled")
            _log.warning("frame skipped", camera=camera_id, error=str(error))
            return
        self._metrics.frames.count("receive")
        self._metrics.frames.took("stream_to_detector", (read_at_ms - int(frame_id.partition(b"-")[0])) / 1000)
        if self._latest_frames.put(PendingFrame(camera_id, frame, read_at_ms)):
            self._metrics.frames.drop("detect", "newer")

    async def _join(self, camera_id: str) -> None:
        stream = keys.frames(camera_id)
        try:
            await self._redis.xgroup_create(stream, keys.DETECTOR_GROUP, id="$", mkstream=True)
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        for consumer in await self._redis.xinfo_consumers(stream, keys.DETECTOR_GROUP):
            if int(consumer["idle"]) > IDLE_CONSUMER_MS:  # a detector that was killed could not take its name away
                await self._redis.xgroup_delconsumer(stream, keys.DETECTOR_GROUP, consumer["name"])
        self._joined.add(camera_id)

    async def _leave(self) -> None:
        for camera_id in self._joined:
            try:
                await self._redis.xgroup_delconsumer(keys.frames(camera_id), keys.DETECTOR_GROUP, self._consumer)
            except (RedisError, OSError) as error:
                _log.info("could not leave the group", camera=camera_id, error=str(error))
                return
