"""One viewer's place in the hub: one picture on its way, one waiting; a newer one takes the waiting one's place."""

from __future__ import annotations

import asyncio

from services.gateway.hub.prepared import PreparedMessage


class ViewerSlot:
    """The picture that waits for one viewer.

    Attributes:
        skipped: pictures that a newer one replaced before the viewer could take them.
    """

    def __init__(self) -> None:
        self.skipped = 0
        self._waiting: PreparedMessage | None = None
        self._filled = asyncio.Event()

    def offer(self, message: PreparedMessage) -> bool:
        """Leave a picture; it replaces one that still waits.

        Returns:
            False if it replaced one.
        """
        replaced = self._waiting is not None
        self.skipped += replaced
        self._waiting = message
        self._filled.set()
        return not replaced

    async def take(self) -> PreparedMessage:
        """The picture that waits; waits until there is one."""
        await self._filled.wait()
        self._filled.clear()
        message, self._waiting = self._waiting, None
        assert message is not None
        return message

    @property
    def is_empty(self) -> bool:
        """Whether no picture waits."""
        return self._waiting is None
