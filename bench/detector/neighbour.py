"""What a camera of 3840x2160 costs its neighbour of 640x360 in one detector: latency with and without it, in turn."""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

import cv2
import msgpack
import numpy as np
from redis.asyncio import Redis

from libs.common import keys
from libs.common.cameras import Camera
from libs.common.clock import now_ms
from libs.common.messages import FRAMES_MAXLEN, RawFrame
from libs.common.spaces import ParkingSpace, dump_spaces
from services.detector.pictures import decode, encode
from tests.support.redis_server import RedisServer

SMALL, LARGE = "SMALL", "LARGE"
SIZES: Final = {SMALL: (640, 360), LARGE: (3840, 2160)}
SETTLE_S: Final = 5.0
STARTS_S: Final = 15.0
QUALITY: Final = 80


@dataclass(frozen=True, slots=True)
class Latency:
    """Of one spell: from captured to published, ms.

    Attributes:
        median: half of the pictures are quicker.
        p95: all but one of twenty are quicker.
        fps: pictures a second.
    """

    median: float
    p95: float
    fps: float

    @classmethod
    def of(cls, took_ms: Sequence[float], seconds: float) -> Latency:
        """Of so many pictures in that time; at least one."""
        return cls(float(np.median(took_ms)), float(np.percentile(took_ms, 95)), len(took_ms) / seconds)


class TwoCameras:
    """A detector with both cameras, and what is published of the small one."""

    def __init__(self, server: RedisServer, redis: Redis, jpegs: dict[str, list[bytes]], fps: float) -> None:
        """Take over a detector that runs.

        Args:
            server: its Redis.
            redis: a client of that.
            jpegs: the frames of each camera, over and over.
            fps: frames a second of each camera.
        """
        self._server, self._redis, self._jpegs, self._fps = server, redis, jpegs, fps

    async def spell(self, with_neighbour: bool, seconds: float, settle_s: float = SETTLE_S) -> Latency:
        """How long the small camera's pictures take for a while.

        Args:
            with_neighbour: whether the large one sends, too.
            seconds: how long it is measured.
            settle_s: how long before that.
        """
        stop = threading.Event()
        cameras = [SMALL, LARGE] if with_neighbour else [SMALL]
        feeding = [
            asyncio.create_task(
                asyncio.to_thread(_feed, self._server, name, self._jpegs[name], self._fps, stop)
            )
            for name in cameras
        ]  # fmt: skip
        took_ms: list[float] = []
        try:
            async with self._redis.pubsub() as subscription:
                await subscription.subscribe(keys.live(SMALL))
                begins = time.monotonic() + settle_s
                while time.monotonic() < begins + seconds:
                    message: Any = await subscription.get_message(ignore_subscribe_messages=True, timeout=1)
                    if message is not None and time.monotonic() >= begins:
                        timings = msgpack.unpackb(message["data"])["metadata"]["timings"]
                        took_ms.append(timings["published_at"] - timings["captured_at"])
        finally:
            stop.set()
            await asyncio.gather(*feeding)
        return Latency.of(took_ms, seconds)


@asynccontextmanager
async def two_cameras(
    model: str, pictures: Sequence[bytes], spaces: Sequence[ParkingSpace], fps: float, watched: bool
) -> AsyncIterator[TwoCameras]:
    """A detector process, with the settings that users have, on a Redis of its own.

    Args:
        model: the detection model.
        pictures: JPEGs that both cameras show, each in its size.
        spaces: of both.
        fps: frames a second of each.
        watched: whether somebody watches the large camera, too.
    """
    jpegs = {name: [_resized(one, size) for one in pictures] for name, size in SIZES.items()}
    with tempfile.TemporaryDirectory() as folder:
        server = RedisServer(Path(folder))
        server.start()
        process = None
        try:
            async with Redis.from_url(server.url, protocol=2) as redis, redis.pubsub() as viewer:
                for name in SIZES:
                    await redis.set(keys.spaces(name), dump_spaces(list(spaces)))
                    await redis.hset(keys.CAMERAS, name, Camera(id=name, name=name, url="http://h/").model_dump_json())
                await viewer.subscribe(*[keys.live(name) for name in (SIZES if watched else [SMALL])])
                drain = asyncio.create_task(_drain(viewer))
                settings = {"REDIS_URL": server.url, "DETECTOR_MODEL": model, "LOG_LEVEL": "WARNING"}
                process = await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "services.detector", env={**os.environ, **settings}
                )
                yield TwoCameras(server, redis, jpegs, fps)
                drain.cancel()
        finally:
            if process is not None:
                process.terminate()
                await process.wait()
            server.stop()


async def measure_neighbour(
    model: str, pictures: Sequence[bytes], spaces: Sequence[ParkingSpace], options: NeighbourOptions
) -> list[tuple[Latency, Latency]]:
    """The small camera's latency alone and beside the large one, in turn.

    Args:
        model: the detection model.
        pictures: JPEGs of 1280x720.
        spaces: of both cameras.
        options: how long, how often.
    """
    async with two_cameras(model, pictures, spaces, options.fps, options.watched) as cameras:
        await cameras.spell(True, options.seconds / 4, STARTS_S)
        return [
            (await cameras.spell(False, options.seconds), await cameras.spell(True, options.seconds))
            for _ in range(options.rounds)
        ]


@dataclass(frozen=True, slots=True)
class NeighbourOptions:
    """How it is measured.

    Attributes:
        seconds: of each spell.
        rounds: of two spells each.
        fps: frames a second of each camera.
        watched: whether somebody watches the large camera, too.
    """

    seconds: float
    rounds: int
    fps: float = 10.0
    watched: bool = False


def neighbour_table(rounds: Sequence[tuple[Latency, Latency]]) -> list[str]:
    """The lines of a table: each round, and what the neighbour adds in the median of all rounds."""
    lines = ["| alone: median, p95, ms | beside 3840x2160: median, p95, ms | added to p95, ms |", "|---|---|---|"]
    for alone, beside in rounds:
        lines.append(
            f"| {alone.median:.0f}, {alone.p95:.0f} ({alone.fps:.1f}/s) | {beside.median:.0f}, {beside.p95:.0f} "
            f"({beside.fps:.1f}/s) | {beside.p95 - alone.p95:+.0f} |"
        )
    added = float(np.median([beside.p95 - alone.p95 for alone, beside in rounds]))
    return [*lines, f"| | median of the rounds | {added:+.0f} |"]


def _resized(jpeg: bytes, size: tuple[int, int]) -> bytes:
    return encode(np.asarray(cv2.resize(decode(jpeg), size, interpolation=cv2.INTER_AREA), np.uint8), QUALITY)


async def _drain(subscription: Any) -> None:
    async for _ in subscription.listen():
        pass


def _feed(server: RedisServer, name: str, jpegs: Sequence[bytes], fps: float, stop: threading.Event) -> None:
    """Send a camera's frames until stopped."""
    with server.client() as redis:
        due = time.monotonic()
        for number in count():
            fields: Any = RawFrame(number, now_ms(), *SIZES[name], jpegs[number % len(jpegs)]).to_fields()
            redis.xadd(keys.frames(name), fields, maxlen=FRAMES_MAXLEN, approximate=False)
            due += 1 / fps
            if stop.wait(max(0.0, due - time.monotonic())):
                return
