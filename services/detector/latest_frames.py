"""The newest unread frame of every camera: a newer one takes the place of an older one, which is counted.

A camera may have a share of the workers only, so that one whose frames take long does not keep the others waiting.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass

from libs.common.messages import RawFrame


@dataclass(frozen=True, slots=True)
class PendingFrame:
    """One frame on its way to a worker.

    Attributes:
        camera_id: whose frame it is.
        frame: the frame.
        read_at_ms: when it was read from the bus.
    """

    camera_id: str
    frame: RawFrame
    read_at_ms: int


class LatestFrames:
    """Holds at most one frame a camera; cameras are served in the order in which their frames arrived.

    Attributes:
        skipped: frames by camera that a newer one replaced before they were taken.
    """

    def __init__(self) -> None:
        self.skipped: Counter[str] = Counter()
        self._pending: OrderedDict[str, PendingFrame] = OrderedDict()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._at_work: Counter[str] = Counter()
        self._is_closed = False

    def put(self, pending: PendingFrame) -> bool:
        """Leave a frame; it replaces an older one of its camera and keeps that one's place in the order.

        Returns:
            True if it replaced one.
        """
        replaces = pending.camera_id in self._pending
        if replaces:
            self.skipped[pending.camera_id] += 1
        self._pending[pending.camera_id] = pending
        self._wake_one()
        return replaces

    async def take(self, share: int | None = None) -> PendingFrame | None:
        """The frame that has waited longest; waits until there is one. None once `close` was called.

        Args:
            share: a camera that has so many frames taken and not given back (`done`) waits; None: no camera does.
        """
        while (camera_id := self._next(share)) is None and not self._is_closed:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                if waiter.done() and not waiter.cancelled():
                    self._wake_one()  # it was woken for a frame that somebody else must now take
                raise
        if self._is_closed or camera_id is None:
            return None
        self._at_work[camera_id] += 1
        if self._pending.keys() - {camera_id}:
            self._wake_one()  # another camera's frame may have waited for this one's worker to pass it over
        return self._pending.pop(camera_id)

    def done(self, camera_id: str) -> None:
        """A frame of the camera that was taken needs its worker no more."""
        self._at_work[camera_id] -= 1
        if self._at_work[camera_id] <= 0:
            del self._at_work[camera_id]
        if self._pending:
            self._wake_one()

    def forget(self, camera_id: str) -> None:
        """Drop a camera's count; whoever takes what waits of it finds that it is gone."""
        self.skipped.pop(camera_id, None)

    def close(self) -> None:
        """Give out no more frames; whoever waits for one gets None."""
        self._is_closed = True
        while self._waiting:
            self._wake_one()

    def _next(self, share: int | None) -> str | None:
        for camera_id in self._pending:
            if share is None or self._at_work[camera_id] < share:
                return camera_id
        return None

    def _wake_one(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
