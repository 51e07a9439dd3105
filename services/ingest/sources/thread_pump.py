"""Frames from code that blocks, in a thread of its own, into the event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterator

from libs.common.errors import CameraStalled, LotcastError
from services.ingest.sources.base import CapturedFrame

JOIN_S = 1.0


async def frames_from_thread(
    frames: Callable[[threading.Event], Iterator[CapturedFrame]], silent_s: float
) -> AsyncGenerator[CapturedFrame, None]:
    """Run an iterator in a thread; the newest frame waits for the consumer, older ones give way to it.

    Args:
        frames: called in the thread with an event that is set when nobody wants frames any more.
        silent_s: longer without a frame is a stall.

    Raises:
        SourceError: what the iterator raised, or that it was silent.
    """
    loop = asyncio.get_running_loop()
    slot: asyncio.Queue[CapturedFrame | LotcastError | None] = asyncio.Queue(maxsize=1)
    stop = threading.Event()

    def offer(item: CapturedFrame | LotcastError | None) -> None:
        if slot.full():
            slot.get_nowait()
        slot.put_nowait(item)

    def hand_over(item: CapturedFrame | LotcastError | None) -> None:
        if not stop.is_set():
            loop.call_soon_threadsafe(offer, item)

    def work() -> None:
        end: LotcastError | None = None
        try:
            for frame in frames(stop):
                hand_over(frame)
        except LotcastError as error:
            end = error
        hand_over(end)

    thread = threading.Thread(target=work, name="video", daemon=True)
    thread.start()
    try:
        while True:
            async with asyncio.timeout(silent_s):
                item = await slot.get()
            if item is None:
                return
            if isinstance(item, LotcastError):
                raise item
            yield item
    except TimeoutError as error:
        raise CameraStalled(f"no frame for {silent_s:g} s") from error
    finally:
        stop.set()
        # A thread inside libav ends at its own deadline; it holds nothing that anybody waits for.
        await asyncio.to_thread(thread.join, JOIN_S)
