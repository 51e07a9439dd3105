"""Brings frames from blocking code, which runs in its own thread, into the event loop."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from libs.common.errors import CameraStalled
from libs.common.logging import get_logger
from services.ingest.sources.base import Captured, CapturedFrame, Wanted

_log = get_logger("thread")

Frames = Callable[[threading.Event], Iterator[CapturedFrame | CameraStalled | None]]
"""Called in the thread with an event that is set when frames are no longer wanted. None stands for a picture that came
and was not wanted, as a sign of life. A yielded stall is reported to the consumer while the thread cleans up."""


@dataclass(frozen=True, slots=True)
class SilenceLimits:
    """How long to wait for a picture, wanted or not; seconds.

    Attributes:
        first_s: for the first one. The blocking code has its own deadlines, which are shorter in total.
        next_s: for every other one.
    """

    first_s: float
    next_s: float


async def frames_from_thread(frames: Frames, limits: SilenceLimits, wanted: Wanted) -> AsyncGenerator[Captured, None]:
    """Run an iterator in a thread. The newest frame waits for the consumer and replaces an older one.

    The thread has ended when this generator has: nothing reads the camera any more.

    Args:
        frames: the iterator.
        limits: longer without a picture is a stall.
        wanted: notified of frames that were replaced.

    Raises:
        SourceError: what the iterator raised, or that it was silent.
    """
    loop = asyncio.get_running_loop()
    slot: asyncio.Queue[CapturedFrame | BaseException | None] = asyncio.Queue(maxsize=1)
    stop, ended = threading.Event(), asyncio.Event()
    silent_after_s = time.monotonic() + limits.first_s

    def offer(item: CapturedFrame | BaseException | None) -> None:
        if slot.full():
            slot.get_nowait()
            wanted.lose()
        slot.put_nowait(item)

    def tell(function: Callable[..., None], *arguments: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: the process ends
            loop.call_soon_threadsafe(function, *arguments)

    def work() -> None:
        nonlocal silent_after_s
        end: BaseException | None = None
        try:
            for frame in frames(stop):
                silent_after_s = time.monotonic() + limits.next_s
                if frame is not None and not stop.is_set():
                    tell(offer, frame)
        except BaseException as error:  # of whatever kind: it is raised where the frames are read
            end = error
        tell(offer, end)
        tell(ended.set)

    threading.Thread(target=work, name="video", daemon=True).start()
    try:
        while True:
            try:
                async with asyncio.timeout(silent_after_s - time.monotonic()):
                    item = await slot.get()
            except TimeoutError as error:
                if time.monotonic() < silent_after_s:
                    continue  # pictures came, and none was wanted
                stall = CameraStalled("camera sends no whole picture in time")
                yield stall
                raise stall from error
            if item is None:
                return
            if isinstance(item, CameraStalled):
                yield item
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()
        try:
            async with asyncio.timeout(limits.first_s + 1):
                await ended.wait()
        except TimeoutError:
            _log.error("a thread does not end; it is left alone")
