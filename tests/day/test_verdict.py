"""The day's truth beside what was told: each kind of fault is found, and what is right is no fault."""

from __future__ import annotations

import pytest

from bench.day.lot import Change
from bench.day.verdict import Told, Verdict, compare
from libs.common.spaces import OccupancyEvent, SpaceState

HIDDEN = [(1000.0, 1600.0)]
CHANGES = [Change(100, "A1", True), Change(500, "A1", False)]


def told(*entries: tuple[float, SpaceState], space: str = "A1") -> list[Told]:
    return [
        Told(
            OccupancyEvent(space_id=space, space_name=space, state=state, previous="unknown", at_ms=int(at * 1000)), at
        )
        for at, state in entries
    ]


def verdict_of(events: list[Told], changes: list[Change] = CHANGES, first: tuple[str, ...] = ()) -> Verdict:
    return compare(["A1"], first, changes, events, HIDDEN)


def test_what_is_told_in_order_and_in_time_equals_the_truth() -> None:
    verdict = verdict_of(told((5, "free"), (104, "occupied"), (509, "free")))
    assert verdict.equals_truth
    assert (verdict.right, verdict.delays_s) == (2, [4.0, 9.0])


@pytest.mark.parametrize(
    ("entries", "fault"),
    [
        pytest.param([(5, "free"), (104, "occupied")], "missed", id="a departure never told"),
        pytest.param([(5, "free"), (104, "occupied"), (520, "free")], "late", id="told after twenty seconds"),
        pytest.param([(5, "free"), (80, "occupied"), (504, "free")], "missed", id="told long before it happened"),
        pytest.param(
            [(5, "free"), (104, "occupied"), (300, "free"), (310, "occupied"), (504, "free")],
            "invented",
            id="a flicker",
        ),
        pytest.param([(5, "occupied"), (504, "free")], "invented", id="a first look that was wrong"),
        pytest.param(
            [(5, "free"), (104, "occupied"), (300, "unknown"), (310, "occupied"), (504, "free")],
            "unknown_unasked",
            id="unknown though it can be seen",
        ),
    ],
)
def test_each_fault_is_found(entries: list[tuple[float, SpaceState]], fault: str) -> None:
    verdict = verdict_of(told(*entries))
    assert getattr(verdict, fault)
    assert not verdict.equals_truth


def test_nothing_told_at_all_misses_everything() -> None:
    verdict = verdict_of([])
    assert len(verdict.missed) == 2


def test_unknown_while_hidden_is_right_and_what_is_regained_is_no_event() -> None:
    verdict = verdict_of(told((5, "free"), (1300, "unknown"), (1604, "free")), changes=[])
    assert verdict.equals_truth
    assert verdict.unknown == 1


def test_what_changed_while_hidden_is_due_when_it_can_be_seen() -> None:
    changes = [Change(1200, "A1", True)]
    assert verdict_of(told((5, "free"), (1606, "occupied")), changes).equals_truth
    assert verdict_of(told((5, "free"), (1203, "occupied")), changes).equals_truth, "it was seen in spite of the fog"
    assert verdict_of(told((5, "free"), (1640, "occupied")), changes).late
    assert verdict_of(told((5, "free")), changes).missed
