"""What of one camera has still to reach Redis, and what Redis has already. The publisher alone writes here."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Collection, Mapping, Sequence
from typing import Final

from libs.common.spaces import OccupancyEvent, SpaceState, SpaceStatus

PENDING_EVENTS_MAX: Final = 1000


class Outbox:
    """The changes of state that are not in Redis yet, and where the stored values stand.

    Attributes:
        events: changes of state that wait for Redis, oldest first; at most `PENDING_EVENTS_MAX`.
        dropped: how many were dropped because more than these waited.
        lock: held while something is published: one transaction at a time.
        frame_count: the camera's number of messages in Redis; None if it must be read first.
        stored_track_id: the greatest track id that Redis has; None if that is not known.
        stored_states: by space id, the states in Redis after the last transaction; None if that is not known.
        spaces_version: the SHA-1, hexadecimal, of the stored spaces that this process works with.
        is_unsettled: a transaction got no answer, so its changes may or may not be in Redis.
        counts_changed: a space changed its state since the counts got their last entry.
        vehicles: how many were counted in the last frame.
    """

    def __init__(self, spaces_version: str = "") -> None:
        self.events: deque[OccupancyEvent] = deque()
        self.dropped = 0
        self.lock = asyncio.Lock()
        self.frame_count: int | None = None
        self.stored_track_id: int | None = None
        self.stored_states: dict[str, SpaceState] | None = None
        self.spaces_version = spaces_version
        self.is_unsettled = False
        self.counts_changed = False
        self.vehicles = 0
        self._hashed = 0

    def add(self, events: Sequence[OccupancyEvent]) -> None:
        """Keep changes of state until they are in Redis; beyond the limit the oldest are dropped and counted."""
        self.events.extend(events)
        self.counts_changed |= bool(events)
        while len(self.events) > PENDING_EVENTS_MAX:
            self.events.popleft()
            self._hashed = max(0, self._hashed - 1)
            self.dropped += 1

    def unstored_statuses(self) -> dict[str, SpaceStatus]:
        """What the changes say of their spaces, by id, where Redis's hash does not have it yet."""
        # From the events, not from the lot, into which frames that come after these may have brought more changes.
        return {event.space_id: event.status() for event in list(self.events)[self._hashed :]}

    def take_out(self, events: int) -> None:
        """The hash has all changes; the first `events` of them are in the stream, too."""
        for _ in range(min(events, len(self.events))):
            self.events.popleft()

    def note_hashed(self, statuses: Mapping[str, SpaceStatus], pending: int) -> None:
        """The hash has these statuses now; `pending` changes are still to be written to the stream."""
        self._hashed = min(pending, len(self.events))
        if self.stored_states is not None:
            self.stored_states |= {space_id: status.state for space_id, status in statuses.items()}

    def keep_only(self, space_ids: Collection[str]) -> None:
        """Forget the changes of spaces that are gone; their history was closed when they were removed."""
        self.replace([event for event in self.events if event.space_id in space_ids])

    def replace(self, events: Sequence[OccupancyEvent]) -> None:
        """Keep other changes instead."""
        self.events = deque(events)
        self._hashed = 0
