"""A lot that is watched on a virtual clock: looks and motion in, changes of state out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from libs.common.camera_state import ViewCondition
from libs.common.spaces import OccupancyEvent, ParkingSpace, SpaceState, SpaceStatus
from services.detector.occupancy.hysteresis import Debounce
from services.detector.occupancy.look import Look
from services.detector.occupancy.lot import LookRules, Lot
from services.detector.view.check import View
from tests.support.vehicles import vehicles

DEBOUNCE = Debounce(occupied_after_ms=2000, free_after_ms=4000)
TIMES = LookRules(every_ms=5000, hold_ms=300_000)
SIZE = (1000, 500)


def space(number: int) -> ParkingSpace:
    left, top = 0.02 * (number % 40), 0.1 * (number // 40)
    polygon = [(left, top), (left + 0.015, top), (left + 0.015, top + 0.08), (left, top + 0.08)]
    return ParkingSpace(space_id=f"A{number}", space_name=f"A {number}", polygon=polygon)


class Watched:
    """A lot whose frames come five times a second, and whose every look has an answer."""

    def __init__(self, states: Sequence[SpaceState], at_ms: int = 0) -> None:
        spaces = [space(number) for number in range(len(states))]
        known = {
            one.space_id: SpaceStatus(state=state, since_ms=0)
            for one, state in zip(spaces, states, strict=True)
            if state != "unknown"
        }
        self.lot = Lot(spaces, known, DEBOUNCE, 0, TIMES)
        self.at_ms = at_ms
        self.events: list[OccupancyEvent] = []
        self.looks = 0

    def frames(
        self,
        seconds: float,
        probabilities: Mapping[int, float],
        condition: ViewCondition = "clear",
        *,
        moved: Sequence[int] = (),
        hidden: Sequence[int] = (),
        hidden_probabilities: Mapping[int, float] = MappingProxyType({}),
        is_confirmed: bool = False,
        is_weak: bool = False,
    ) -> list[OccupancyEvent]:
        """Frames for a while; in the first, something moves in some spaces."""
        told: list[OccupancyEvent] = []
        until_ms = self.at_ms + round(seconds * 1000)
        assert self.lot.judged is not None
        if moved:
            self.lot.judged.move(moved, self.at_ms)
        while self.at_ms < until_ms:
            told += self.lot.see(vehicles(track_ids=[]), SIZE, self.at_ms)[1]
            due = self.lot.take_due(self.at_ms)
            if due is not None:
                self.looks += bool(due)
                seen = {number: probabilities[number] for number in due if number in probabilities}
                view = View(condition, self.at_ms, is_confirmed=is_confirmed, is_weak=is_weak)
                unseen = frozenset(range(len(self.lot.spaces))) - probabilities.keys()
                seen = seen if condition == "clear" else {}
                told_hidden = {number: hidden_probabilities.get(number, 0.0) for number in seen}
                told += self.lot.look(Look(self.at_ms, view, seen, unseen, frozenset(hidden), told_hidden))
            self.at_ms += 200
        self.events += told
        return told

    @property
    def states(self) -> list[SpaceState]:
        return [status.state for status in self.lot.statuses.values()]


def described(events: Sequence[OccupancyEvent]) -> list[tuple[str, str, str | None]]:
    return [(event.space_id, event.state, event.reason) for event in events]
