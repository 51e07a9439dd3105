"""Twenty minutes of a rendered lot, with every disturbance once: the events are the truth's."""

from __future__ import annotations

import itertools

import pytest

from bench.day.replay import SEED, lot_day, play_day
from services.detector.engines.loading import load_engine
from services.detector.judge.loading import load_judge
from services.detector.settings import DetectorSettings

pytestmark = pytest.mark.slow  # renders and judges some 900 pictures


def test_the_events_of_an_excerpt_are_the_truths() -> None:
    settings = DetectorSettings(model="demo", workers=1)
    engine = load_engine(settings)
    day = lot_day("north", SEED, is_excerpt=True)
    result = play_day(day, engine, load_judge(settings, engine), settings, lambda at_s, frames: None)
    assert set(result.seen) >= {"bump", "lorry", "thick fog", "rain", "snowfall", "night", "clear day", "dusk and dawn"}
    assert result.verdict.changes == len(day.changes) == 6
    assert result.verdict.equals_truth, result.verdict


def test_a_day_has_quick_frames_round_changes_and_slow_ones_else() -> None:
    day = lot_day("north", SEED, is_excerpt=True)
    times = list(day.times())
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert max(gaps) <= 5.001
    for change in day.changes:
        near = [at_s for at_s in times if abs(at_s - change.at_s) <= 2]
        assert len(near) >= 9, "2.5 frames a second in the excerpt"
