"""Viewers of every camera through the proxy, which come back when they are cut off and note when each picture came."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgpack
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

COME_BACK_AFTER_S: Final = 0.5


@dataclass
class Viewer:
    """What one viewer saw.

    Attributes:
        camera_id: whom it watches.
        arrivals_s: when each new picture came, on `time.monotonic`'s clock.
        detectors: who made each of them.
        closings: the code of every end of its connection; 1006 is an end without a word.
        refusals: attempts to connect that failed.
    """

    camera_id: str
    arrivals_s: list[float] = field(default_factory=list)
    detectors: list[str] = field(default_factory=list)
    closings: list[int] = field(default_factory=list)
    refusals: int = 0
    _last: float = 0.0

    def take(self, message: bytes | str) -> None:
        """Note a picture, unless it is one that was seen: a viewer that comes back is shown the last one at once."""
        if isinstance(message, str):
            return  # a keepalive
        content: dict[str, Any] = msgpack.unpackb(message)
        if content["timestamp"] > self._last:
            self._last = content["timestamp"]
            self.arrivals_s.append(time.monotonic())
            self.detectors.append(content["metadata"]["detector"])

    def longest_gap_s(self, since_s: float, until_s: float) -> float:
        """The longest time without a new picture that touches the span."""
        times = [at for at in list(self.arrivals_s) if at < until_s]
        gaps = [later - earlier for earlier, later in zip(times, [*times[1:], until_s], strict=True) if later > since_s]
        return max(gaps, default=until_s - since_s)

    def pictures(self, since_s: float) -> int:
        """How many new pictures came since then."""
        return sum(at > since_s for at in list(self.arrivals_s))


class Crowd:
    """Viewers in a thread of their own, so that a test can do one thing after another meanwhile."""

    def __init__(self, port: int, camera_ids: Sequence[str]) -> None:
        self.viewers = [Viewer(camera_id) for camera_id in camera_ids]
        self._port = port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._tasks: list[asyncio.Task[None]] = []

    def __enter__(self) -> Crowd:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start(), self._loop).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self) -> None:
        self._tasks = [asyncio.create_task(self._watch(viewer)) for viewer in self.viewers]

    async def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _watch(self, viewer: Viewer) -> None:
        url = f"ws://127.0.0.1:{self._port}/ws/viewer/detection?camera_id={viewer.camera_id}&format=binary"
        while True:
            try:
                async with connect(url, open_timeout=5, close_timeout=1, max_size=None, compression=None) as connection:
                    try:
                        async for message in connection:
                            viewer.take(message)
                    except ConnectionClosed:
                        pass  # noted below, like an end in order
                    viewer.closings.append(connection.close_code or 1006)
            except (OSError, InvalidHandshake, EOFError):
                viewer.refusals += 1
            await asyncio.sleep(COME_BACK_AFTER_S)
