"""The newest unread frame of every camera: a newer one takes the place of an older one, which is counted."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from dataclasses import dataclass

from libs.common.messages import RawFrame


@dataclass(frozen=True, slots=True)
class Letter:
    """One frame on its way to a lane.

    Attributes:
        camera_id: whose frame it is.
        frame: the frame.
        read_at_ms: when it was read from the bus.
    """

    camera_id: str
    frame: RawFrame
    read_at_ms: int


class Mailbox:
    """Holds at most one frame a camera; cameras are served in the order in which their frames arrived.

    Attributes:
        skipped: frames by camera that a newer one replaced before they were taken.
    """

    def __init__(self) -> None:
        self.skipped: Counter[str] = Counter()
        self._letters: OrderedDict[str, Letter] = OrderedDict()
        self._filled = asyncio.Condition()

    async def put(self, letter: Letter) -> None:
        """Leave a frame; it replaces an older one of its camera and keeps that one's place in the order."""
        async with self._filled:
            if letter.camera_id in self._letters:
                self.skipped[letter.camera_id] += 1
            self._letters[letter.camera_id] = letter
            self._filled.notify()

    async def take(self) -> Letter:
        """The frame that has waited longest; waits until there is one."""
        async with self._filled:
            await self._filled.wait_for(lambda: bool(self._letters))
            return self._letters.popitem(last=False)[1]

    def forget(self, camera_id: str) -> None:
        """Drop what waits of a camera, and its count."""
        self._letters.pop(camera_id, None)
        self.skipped.pop(camera_id, None)
