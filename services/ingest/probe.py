"""Try a camera: what it is, how large, how fast, its first picture, or why it does not work."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing

from redis.asyncio import Redis

from libs.common.cameras import Camera, hide_credentials
from libs.common.errors import CameraStalled, FrameError, SourceCause, SourceError
from libs.common.logging import get_logger
from libs.common.probe_queue import (
    LOOK_EVERY_S,
    WORKER_EXPIRES_S,
    DiscoverRequest,
    ProbeRequest,
    ProbeResult,
    announce_worker,
    answer,
    take,
)
from libs.common.redis_errors import REDIS_ERRORS, OutageLog, describe
from libs.common.shutdown import sleep_until_stopped
from services.ingest.discovery.discover import discover
from services.ingest.jpeg import Jpeg, TooManyPixels, read_jpeg
from services.ingest.settings import IngestSettings
from services.ingest.sources.base import CapturedFrame
from services.ingest.sources.registry import source_for

_log = get_logger("probe")

WATCH_S = 3.0
AT_ONCE_MAX = 2
ASKED_FPS = 30.0
BAD_FRAMES_MAX = 5
"""After as many at the beginning a camera is given up."""


class _Counter:
    """Counts every frame that comes. Wants all of them until one is a picture, and then only a few."""

    def __init__(self) -> None:
        self.times_s: list[float] = []
        self.has_picture = False
        self._next_s = float("-inf")

    def __call__(self, at_s: float) -> bool:
        self.times_s.append(at_s)
        if self.has_picture and at_s < self._next_s:
            return False
        self._next_s = at_s + 0.5
        return True

    def lose(self) -> None:
        """What came is counted already."""

    def fps(self) -> float:
        if len(self.times_s) < 2:
            return 0.0
        return (len(self.times_s) - 1) / max(self.times_s[-1] - self.times_s[0], 1e-3)


async def probe(url: str, settings: IngestSettings, watch_s: float = WATCH_S) -> ProbeResult:
    """Read a camera for a few seconds.

    Args:
        url: a checked camera URL.
        settings: deadlines and limits, as for a registered camera.
        watch_s: how long to count frames from the first one on.

    Returns:
        What was found; a camera that does not work is a result too.
    """
    camera = Camera(id="probe", name="probe", url=url, fps=ASKED_FPS)
    counter, counted_by_us = _Counter(), _Counter()
    started = time.monotonic()
    first: CapturedFrame | None = None
    first_frame_ms, problem, bad_frames = 0, "", 0
    cause: SourceCause = "other"
    picture: Jpeg | None = None
    try:
        async with (
            asyncio.timeout(settings.connect_timeout_s + settings.stall_after_s) as deadline,
            aclosing(source_for(url)(camera, settings, counter)) as frames,
        ):
            async for frame in frames:
                if isinstance(frame, CameraStalled):
                    problem, cause = str(frame), frame.cause
                    break
                counted_by_us(time.monotonic())
                if first is None:
                    try:
                        picture, first = read_jpeg(frame.jpeg, settings.frame_max_pixels), frame
                    except TooManyPixels as error:
                        problem = str(error)
                        break
                    except FrameError as error:  # some cameras begin with half a picture
                        problem, bad_frames = f"camera sends no usable picture: {error}", bad_frames + 1
                        if bad_frames < BAD_FRAMES_MAX:
                            continue
                        break
                    counter.has_picture = True
                    first_frame_ms = round((time.monotonic() - started) * 1000)
                    deadline.reschedule(asyncio.get_running_loop().time() + watch_s)
    except SourceError as error:
        problem, cause = str(error), error.cause
    except TimeoutError:
        problem, cause = problem or "camera sent no picture in time", "silent"
    if first is None or picture is None:
        return ProbeResult(ok=False, problem=problem or "camera closed the connection", cause=cause)
    times = counter if counter.times_s else counted_by_us  # single pictures are asked for one by one
    return ProbeResult(
        ok=True,
        kind=first.kind,
        width=picture.width,
        height=picture.height,
        fps=round(times.fps(), 2),
        frame_bytes=len(picture.data),
        first_frame_ms=first_frame_ms,
        picture=picture.data,
    )


class ProbeWorker:
    """Answers those who ask through Redis, a few at once."""

    def __init__(self, redis: Redis, settings: IngestSettings) -> None:
        self._redis = redis
        self._settings = settings
        self._at_work: set[asyncio.Task[None]] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Answer until stopped; outlives Redis being away."""
        open_until_s = float("-inf")
        outage = OutageLog(_log, "no camera is tried until that is over")
        while not stop.is_set():
            try:
                if (now_s := time.monotonic()) >= open_until_s:
                    await announce_worker(self._redis)
                    open_until_s = now_s + WORKER_EXPIRES_S / 4
                if len(self._at_work) < AT_ONCE_MAX and (request := await take(self._redis)) is not None:
                    work = self._discover if isinstance(request, DiscoverRequest) else self._answer
                    task = asyncio.create_task(work(request))  # type: ignore[arg-type] # of the same kind
                    self._at_work.add(task)
                    task.add_done_callback(self._at_work.discard)
                    continue
                outage.worked()
            except REDIS_ERRORS as error:
                outage.failed(error)
            await sleep_until_stopped(stop, LOOK_EVERY_S)
        for task in self._at_work:
            task.cancel()

    async def _discover(self, request: DiscoverRequest) -> None:
        result = await discover(self._settings, request.addresses, request.user, request.password)
        _log.info("looked for cameras", found=len(result.cameras), problem=result.problem)
        try:
            await answer(self._redis, request, result)
        except REDIS_ERRORS as error:
            _log.warning("could not answer a request to look for cameras", error=describe(error))

    async def _answer(self, request: ProbeRequest) -> None:
        result = await probe(request.url, self._settings)
        _log.info("tried a camera", url=hide_credentials(request.url), ok=result.ok, problem=result.problem)
        try:
            await answer(self._redis, request, result)
        except REDIS_ERRORS as error:
            _log.warning("could not answer a request to try a camera", error=describe(error))
