"""The order of one camera's frames, while workers carry several of them at the same time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager


class FrameOrder:
    """One frame's place in the order of its camera's frames.

    Attributes:
        drawn: set, from any thread, once the frame has been tracked and drawn, or will not be.
        ended: done, on the loop, once the frame has been published, or will not be.
    """

    def __init__(self, before: FrameOrder | None) -> None:
        """Take the place after another frame; for the running loop."""
        self.drawn = threading.Event()
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._before = before

    @contextmanager
    def tracking(self) -> Iterator[None]:
        """In a worker's thread: wait until the frame before has been drawn, and let the next one follow afterwards."""
        if self._before is not None:
            # The worker that draws the frame before needs nothing from this thread.
            self._before.drawn.wait()
        try:
            yield
        finally:
            self.drawn.set()

    async def before_has_ended(self) -> None:
        """On the loop: wait until the frame before has been published, or has failed."""
        if self._before is not None and not self._before.ended.done():
            await asyncio.wait({self._before.ended})

    def end(self) -> None:
        """On the loop: this frame has been published, or has failed."""
        self.drawn.set()
        self.ended.set_result(None)
        self._before = None  # or each frame would keep all frames before it in memory


class FrameSequence:
    """Gives each frame of a camera, and each change of its spaces, a place in one order. For the running loop."""

    def __init__(self) -> None:
        self._last: FrameOrder | None = None

    @property
    def last(self) -> FrameOrder | None:
        """The place that was given last."""
        return self._last

    @property
    def is_idle(self) -> bool:
        """Whether no frame is under way."""
        return self._last is None or self._last.ended.done()

    def take_place(self) -> FrameOrder:
        """The next place. The caller must `end` it, after the frame before has ended."""
        self._last = FrameOrder(self._last)
        return self._last

    @asynccontextmanager
    async def in_order(self) -> AsyncIterator[None]:
        """Do something between two frames: those taken before have ended, and later ones are not tracked yet."""
        place = self.take_place()
        await place.before_has_ended()
        try:
            yield
        finally:
            place.end()

    async def wait_idle(self, timeout_s: float) -> None:
        """Wait until no frame is under way, at most `timeout_s` seconds."""
        if self._last is not None and not self._last.ended.done():
            await asyncio.wait({self._last.ended}, timeout=timeout_s)
