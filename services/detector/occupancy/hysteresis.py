"""When a space changes its state: it must be seen the other way for a while. Pure, with time as a value."""

from __future__ import annotations

from dataclasses import dataclass

from libs.common.spaces import ParkingSpace, SpaceState, SpaceStatus


@dataclass(frozen=True, slots=True)
class Debounce:
    """How long a space must be seen the other way before its state changes, in milliseconds."""

    occupied_after_ms: int
    free_after_ms: int

    def at(self, space: ParkingSpace) -> Debounce:
        """The debounce with one space, which may ask for its own."""
        return Debounce(
            self.occupied_after_ms if space.occupied_after_s is None else round(space.occupied_after_s * 1000),
            self.free_after_ms if space.free_after_s is None else round(space.free_after_s * 1000),
        )


@dataclass(slots=True)
class SpaceClock:
    """One space over time.

    Attributes:
        status: what is known of it now.
        differs_since_ms: since when it has been seen, without interruption, otherwise than `status` says; None if not.
        differs_as: how it has been seen since then.
    """

    status: SpaceStatus
    differs_since_ms: int | None = None
    differs_as: SpaceState = "unknown"

    def see(self, vehicle_there: bool, track_id: int | None, now_ms: int, debounce: Debounce) -> SpaceStatus | None:
        """Take in one look at the space.

        Args:
            vehicle_there: whether a vehicle stands in it in this frame.
            track_id: that vehicle's track, if it has one.
            now_ms: when the frame was captured.
            debounce: how long a change must last.

        Returns:
            The new status if this look changed the state, else None. Its `since_ms` is when the change was first seen.
        """
        seen: SpaceState = "occupied" if vehicle_there else "free"
        if seen == self.status.state:
            self.differs_since_ms = None
            return None
        was_set_back = self.differs_since_ms is not None and now_ms < self.differs_since_ms  # the clock, since then
        if self.differs_since_ms is None or self.differs_as != seen or was_set_back:
            self.differs_since_ms, self.differs_as = now_ms, seen
        needed_ms = debounce.occupied_after_ms if vehicle_there else debounce.free_after_ms
        if now_ms - self.differs_since_ms < needed_ms:
            return None
        self.status = SpaceStatus(state=seen, since_ms=self.differs_since_ms, track_id=track_id)
        self.differs_since_ms = None
        return self.status

    def lose_sight(self, now_ms: int) -> SpaceStatus | None:
        """The camera shows nothing: the state becomes unknown.

        Returns:
            The new status, or None if it was unknown already.
        """
        self.differs_since_ms = None
        if self.status.state == "unknown":
            return None
        self.status = SpaceStatus(state="unknown", since_ms=now_ms)
        return self.status
