"""Twenty minutes of a rendered lot, with every disturbance once."""

from __future__ import annotations

import itertools

import pytest

from bench.day.lot import LotDay
from bench.day.replay import SEED, lot_day, play_day
from services.detector.settings import DetectorSettings
from tests.support.remembered import remembering_engine, remembering_judge

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]  # renders and judges some 600 pictures


@pytest.fixture(scope="module")
def day() -> LotDay:
    return lot_day("north", SEED, is_excerpt=True)


def test_the_events_of_an_excerpt_are_its_truth(day: LotDay) -> None:
    settings = DetectorSettings(model="demo", workers=1)
    engine = remembering_engine(settings)
    result = play_day(day, engine, remembering_judge(settings, engine), settings, lambda at_s, so_far: None)
    assert set(result.seen) >= {"bump", "lorry", "thick fog", "rain", "snowfall", "night", "clear day", "dusk and dawn"}
    verdict = result.verdict
    assert verdict.changes == len(day.changes) == 6
    assert (verdict.late, verdict.missed, verdict.invented, verdict.unknown_unasked) == ([], [], [], [])
    assert verdict.equals_truth
    for ordinary in ("rain", "lorry", "night", "snowfall", "dusk and dawn", "clear day"):
        assert {what for what, _ in result.unclear} & {ordinary} == set(), "the view check was set off"


def test_a_day_has_quick_frames_round_changes_and_slow_ones_else(day: LotDay) -> None:
    times = list(day.times())
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert max(gaps) <= 5.001
    for change in day.changes:
        near = [at_s for at_s in times if abs(at_s - change.at_s) <= 2]
        assert len(near) >= 8, "two frames a second in the excerpt"


def test_the_truth_of_any_second_is_known(day: LotDay) -> None:
    assert day.occupied(0) == day.at_first
    for change in day.changes:
        assert (change.space in day.occupied(change.at_s + 1)) == change.is_occupied
        assert (change.space in day.occupied(change.at_s - 1)) != change.is_occupied


def test_a_part_of_a_day_is_that_days_part(day: LotDay) -> None:
    settings = DetectorSettings(model="demo", workers=1)
    engine, span_s = remembering_engine(settings), (55.0, 80.0)
    judge = remembering_judge(settings, engine)
    result = play_day(day, engine, judge, settings, lambda at_s, so_far: None, span_s)
    assert result.frames == sum(span_s[0] <= at_s <= span_s[1] for at_s in day.times())
    assert result.verdict.changes == sum(span_s[0] < change.at_s <= span_s[1] for change in day.changes) == 1
