"""Compare what the detector told of a day with the day's truth. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from bench.day.lot import Change
from bench.day.plan import Span
from libs.common.spaces import OccupancyEvent

WITHIN_S: Final = 10.0
"""How far an event's time may be from the truth's, and how long after it may be told."""


@dataclass(frozen=True, slots=True)
class Told:
    """An event, and when the detector told it, seconds since the beginning."""

    event: OccupancyEvent
    at_s: float


@dataclass(slots=True)
class Verdict:
    """What became of the changes of one lot.

    Attributes:
        changes: how many there were in truth.
        right: told in their order and in time.
        late: told in their order, further than ten seconds from the truth.
        missed: never told.
        invented: told without an arrival or departure, and first looks that were wrong.
        hidden_changes: changes, of all, that happened while the lot could not be seen.
        unknown: how often a space became unknown while the lot was hidden, which is right.
        unknown_unasked: how often one became unknown while it could be seen, in words.
        delays_s: from each change that was right to its telling; from the end of what hid it, where something did.
        errors_s: of the times that these events bear, likewise.
    """

    changes: int = 0
    right: int = 0
    late: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    hidden_changes: int = 0
    unknown: int = 0
    unknown_unasked: list[str] = field(default_factory=list)
    delays_s: list[float] = field(default_factory=list)
    errors_s: list[float] = field(default_factory=list)

    @property
    def equals_truth(self) -> bool:
        """Whether the events are the truth's: same order of states for each space, times within ten seconds."""
        return self.right == self.changes and not (self.late or self.missed or self.invented or self.unknown_unasked)


def compare(
    spaces: Iterable[str],
    at_first: Collection[str],
    changes: Sequence[Change],
    told: Sequence[Told],
    hidden: list[Span],
) -> Verdict:
    """Hold each space's events against its truth.

    A space's states are compared without `unknown`: what is regained as it was before is no event. Where the lot was
    hidden when a vehicle came or left, the event is due when it can be seen again.

    Args:
        spaces: ids of all.
        at_first: those that are occupied at the beginning.
        changes: in truth, in order.
        told: by the detector, in order.
        hidden: when the lot may be hidden.
    """
    verdict = Verdict()
    for space in spaces:
        own = [change for change in changes if change.space == space]
        events = [one for one in told if one.event.space_id == space]
        _compare_space(verdict, space in at_first, own, events, hidden)
    verdict.delays_s.sort()
    return verdict


def _compare_space(
    verdict: Verdict, is_occupied: bool, changes: list[Change], told: list[Told], hidden: list[Span]
) -> None:
    states = _known(verdict, told, hidden)
    verdict.changes += len(changes)
    if not states:
        verdict.missed += [f"{_clock(change.at_s)} {change.space}" for change in changes]
        return
    first, *others = states
    if first.event.state != ("occupied" if is_occupied else "free") and not _span_at(first.at_s, hidden):
        verdict.invented.append(f"{_line(first)} (first look)")
    for number, change in enumerate(changes):
        span = _span_at(change.at_s, hidden)
        verdict.hidden_changes += span is not None
        due_s = change.at_s if span is None else span[1]
        until_s = changes[number + 1].at_s if number + 1 < len(changes) else float("inf")
        wanted = "occupied" if change.is_occupied else "free"
        match = next(
            (
                one
                for one in others
                if one.event.state == wanted and change.at_s - WITHIN_S <= one.at_s <= until_s + WITHIN_S
            ),
            None,
        )
        if match is None:
            verdict.missed.append(f"{_clock(change.at_s)} {change.space} {wanted}")
            continue
        verdict.invented += [_line(one) for one in others[: others.index(match)]]
        others = others[others.index(match) + 1 :]
        delay_s, error_s = match.at_s - due_s, match.event.at_ms / 1000 - due_s
        earliest_s = change.at_s - due_s - WITHIN_S
        if earliest_s <= delay_s <= WITHIN_S and earliest_s <= error_s <= WITHIN_S:
            verdict.right += 1
            verdict.delays_s.append(round(max(0.0, delay_s), 1))
            verdict.errors_s.append(round(error_s, 1))
        else:
            verdict.late.append(f"{_clock(change.at_s)} {change.space} {wanted}: told {delay_s:+.0f} s")
    verdict.invented += [_line(one) for one in others]


def _known(verdict: Verdict, told: list[Told], hidden: list[Span]) -> list[Told]:
    """The events that change what is known: without `unknown` and what is regained as it was."""
    states: list[Told] = []
    for one in told:
        if one.event.state == "unknown":
            if _span_at(one.at_s, hidden):
                verdict.unknown += 1
            else:
                verdict.unknown_unasked.append(_line(one))
        elif not states or states[-1].event.state != one.event.state:
            states.append(one)
    return states


def _span_at(at_s: float, spans: list[Span]) -> Span | None:
    return next((span for span in spans if span[0] <= at_s <= span[1]), None)


def _line(told: Told) -> str:
    return f"{_clock(told.at_s)} {told.event.space_id} {told.event.state} ({told.event.reason})"


def _clock(at_s: float) -> str:
    return f"{int(at_s // 3600):02d}:{int(at_s // 60 % 60):02d}:{int(at_s % 60):02d}"
