"""What of one camera has still to reach Redis, and what Redis has already. The publisher alone writes here."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from libs.common.spaces import OccupancyEvent

PENDING_EVENTS_MAX: Final = 1000


class Outbox:
    """The changes of state that are not in Redis yet, and where the stored numbers stand.

    Attributes:
        events: changes of state that wait for Redis, oldest first; at most `PENDING_EVENTS_MAX`.
        dropped: how many were dropped because more than these waited.
        lock: held while something is published: one transaction at a time.
        frame_count: the camera's number of messages in Redis; None if it must be read first.
        stored_track_id: the greatest track id that Redis has; None if that is not known.
        logged_at_ms: when the detection log got its last entry, by Redis's clock; None before the first.
        is_unsettled: a transaction got no answer, so its changes may or may not be in Redis.
    """

    def __init__(self) -> None:
        self.events: deque[OccupancyEvent] = deque()
        self.dropped = 0
        self.lock = asyncio.Lock()
        self.frame_count: int | None = None
        self.stored_track_id: int | None = None
        self.logged_at_ms: int | None = None
        self.is_unsettled = False

    def add(self, events: Sequence[OccupancyEvent]) -> None:
        """Keep changes of state until they are in Redis; beyond the limit the oldest are dropped and counted."""
        self.events.extend(events)
        while len(self.events) > PENDING_EVENTS_MAX:
            self.events.popleft()
            self.dropped += 1
