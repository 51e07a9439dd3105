"""Read the newest frames of all cameras from their streams, as one consumer of the group `detectors`."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import cast

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from libs.common import keys
from libs.common.clock import running_s
from libs.common.errors import MessageError
from libs.common.leased_transaction import LeasedTransaction
from libs.common.logging import get_logger
from libs.common.messages import FRAMES_MAXLEN, RawFrame
from libs.common.redis_errors import REDIS_ERRORS, OutageLog, RedisFault, classify, describe
from libs.common.shutdown import sleep_until_stopped
from services.detector.camera import CameraSession
from services.detector.latest_frames import LatestFrames, PendingFrame
from services.detector.process import DetectorProcess

_log = get_logger("reader")

Entry = tuple[bytes, dict[bytes, bytes]]
StreamAnswer = list[tuple[bytes, list[Entry]]]

BLOCK_MS = 500
"""How long one read waits; also how soon a change of cameras is noticed."""
IDLE_S = 0.05
"""How often a reader without cameras looks for one: part of the time that a camera is away after a failure."""

IDLE_CONSUMER_MS = 3_600_000
REFUSED_RETRY_S = 5.0
"""How long a camera is left out whose stream is none."""


class FrameReader:
    """Moves frames from the streams into `LatestFrames`; where several of a camera wait, only the newest."""

    def __init__(
        self,
        redis: Redis,
        cameras: Mapping[str, CameraSession],
        latest_frames: LatestFrames,
        process: DetectorProcess,
    ) -> None:
        """Prepare.

        Args:
            redis: a client whose answers may take longer than `BLOCK_MS`.
            cameras: the cameras to read, by id.
            latest_frames: where frames go.
            process: this process; its name is that of the consumer in the group.
        """
        self._redis = redis
        self._transaction = LeasedTransaction(redis)
        self._metrics = process.metrics.frames
        self._clock = process.clock
        self._consumer = process.name
        self._cameras = cameras
        self._latest_frames = latest_frames
        self._joined: set[str] = set()
        self._refused: dict[str, float] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Read until stopped; outlives Redis being away."""
        outage = OutageLog(_log, "cannot read frames; trying again until it is over")
        while not stop.is_set():
            try:
                await self._read_once(stop)
                outage.worked()
            except REDIS_ERRORS as error:
                self._joined.clear()
                outage.failed(error)
                await sleep_until_stopped(stop, 0.5)
        await self._leave()

    async def _read_once(self, stop: asyncio.Event) -> None:
        self._joined &= self._cameras.keys()
        for camera_id in sorted(self._cameras.keys() - self._joined):
            await self._try_to_join(camera_id)
        cameras = sorted(self._joined)
        if not cameras:
            await sleep_until_stopped(stop, IDLE_S)
            return
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
            if "NOGROUP" not in str(error) and "UNBLOCKED" not in str(error) and "WRONGTYPE" not in str(error):
                raise
            # Somebody deleted a stream, put something else in its place, or emptied Redis; the next round joins again.
            self._joined.clear()
            return
        by_stream = {keys.frames(camera_id).encode(): camera_id for camera_id in cameras}
        for stream, entries in cast(StreamAnswer, answer or []):
            self._deliver(by_stream[stream], entries)

    def _deliver(self, camera_id: str, entries: list[Entry]) -> None:
        camera = self._cameras.get(camera_id)
        if not entries or camera is None:
            return
        self._latest_frames.skipped[camera_id] += len(entries) - 1
        self._metrics.drop("receive", "newer", len(entries) - 1)
        frame_id, fields = entries[-1]
        try:
            frame = RawFrame.from_fields(frame_id, fields)
        except MessageError as error:
            self._latest_frames.skipped[camera_id] += 1
            problem = str(error).removeprefix(f"frame {frame_id.decode()} ")
            if camera.counters.fail("receive", "garbled", f"a frame in the stream {problem}"):
                _log.warning("frame skipped", camera=camera_id, frame=frame_id.decode(), problem=problem)
            return
        # Redis's clock made the id. A frame captured after that, or read before, was so by a clock that is off.
        stored_at_ms = int(frame_id.partition(b"-")[0])
        read_at_ms = max(self._clock.now_ms(), stored_at_ms)
        if frame.captured_at_ms > stored_at_ms:
            frame = replace(frame, captured_at_ms=stored_at_ms)
        self._metrics.count("receive")
        self._metrics.took("stream_to_detector", (read_at_ms - stored_at_ms) / 1000)
        if self._latest_frames.put(PendingFrame(camera_id, frame, read_at_ms)):
            self._metrics.drop("detect", "newer")

    async def _try_to_join(self, camera_id: str) -> None:
        """Join the group of a camera's stream; a key that is no stream is that camera's trouble alone."""
        if running_s() < self._refused.get(camera_id, 0.0):
            return
        camera = self._cameras.get(camera_id)
        if camera is None:
            return
        try:
            await self._join(camera)
            self._refused.pop(camera_id, None)
        except ResponseError as error:
            if classify(error) is not RedisFault.OURS:
                raise
            self._refused[camera_id] = running_s() + REFUSED_RETRY_S
            if camera.counters.fail("receive", "garbled", f"cannot read its frames: {describe(error)}"):
                _log.error("cannot read a camera's frames; trying again", camera=camera_id, error=describe(error))

    async def _join(self, camera: CameraSession) -> None:
        stream = keys.frames(camera.camera_id)
        try:
            # Under the lease, or this would bring back the stream of a camera that was deleted.
            answers = await self._transaction.execute(
                camera.lease, [("XGROUP", "CREATE", stream, keys.DETECTOR_GROUP, "$", "MKSTREAM")]
            )
            if answers is None:
                return
        except ResponseError as error:
            if "BUSYGROUP" not in str(error):
                raise
        for consumer in await self._redis.xinfo_consumers(stream, keys.DETECTOR_GROUP):
            if int(consumer["idle"]) > IDLE_CONSUMER_MS:  # a detector that was killed could not take its name away
                await self._redis.xgroup_delconsumer(stream, keys.DETECTOR_GROUP, consumer["name"])
        self._joined.add(camera.camera_id)

    async def _leave(self) -> None:
        for camera_id in self._joined:
            try:
                await self._redis.xgroup_delconsumer(keys.frames(camera_id), keys.DETECTOR_GROUP, self._consumer)
            except REDIS_ERRORS as error:
                _log.info("could not leave the group", camera=camera_id, error=describe(error))
                return
