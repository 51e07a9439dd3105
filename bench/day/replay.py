"""Play one lot's day through the detector's own code, on the day's clock."""

from __future__ import annotations

import logging
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import cv2
import structlog

from bench.day.lot import LotDay
from bench.day.plan import HOUR_S, Span, excerpt, whole_day
from bench.day.verdict import Told, Verdict, compare
from deploy.demo.lot.scripts import SCRIPTS
from services.detector.engines.base import Engine
from services.detector.engines.loading import load_engine
from services.detector.judge.loading import load_judge
from services.detector.judging import SpaceJudge
from services.detector.replay import CameraReplay
from services.detector.settings import DetectorSettings

SEED: Final = 16


@dataclass(frozen=True, slots=True)
class Options:
    """What is played, and with what: detection model, judge, the traffic's seed, twenty minutes or a day, and from
    which hour of it to which."""

    model: str = "demo"
    judge: str = "auto"
    seed: int = SEED
    is_excerpt: bool = False
    from_hour: float = 0.0
    to_hour: float = 24.0


@dataclass(slots=True)
class DayResult:
    """What became of a day.

    Attributes:
        verdict: the events beside the truth.
        frames: how many were shown.
        seconds: how long it took.
        cpu_s: how much of a core's time, which other work on the machine hardly changes.
        seen: frames by what happened in them.
        unclear: of those, frames at which the view was not clear, and what it was.
        covered: of those, frames at which a part of the picture was taken for covered.
    """

    verdict: Verdict
    frames: int = 0
    seconds: float = 0.0
    cpu_s: float = 0.0
    seen: Counter[str] = field(default_factory=Counter)
    unclear: Counter[tuple[str, str]] = field(default_factory=Counter)
    covered: Counter[str] = field(default_factory=Counter)


def play_day(
    day: LotDay,
    engine: Engine,
    judge: SpaceJudge,
    settings: DetectorSettings,
    progress: Callable[[float, DayResult], None],
    span_s: Span | None = None,
) -> DayResult:
    """Show every frame of a day to one camera's detector.

    Args:
        day: the lot.
        engine: the detection model.
        judge: of its spaces.
        settings: the detector's.
        progress: called at every full hour with the seconds played and the result so far.
        span_s: the part of the day to show, first and last second; None: all of it.
    """
    from_s, until_s = span_s or (0.0, day.plan.seconds)
    camera = CameraReplay(day.spaces, engine, judge, settings)
    result, told = DayResult(Verdict()), list[Told]()
    began_s, began_cpu_s, next_hour_s = time.perf_counter(), time.process_time(), from_s + HOUR_S
    for at_s in day.times():
        if at_s < from_s:
            continue
        if at_s > until_s:
            break
        told += [Told(event, at_s) for event in camera.show(day.picture(at_s), round(at_s * 1000))]
        result.frames += 1
        what = day.what_happens(at_s)
        result.seen[what] += 1
        view = camera.view
        if view.condition != "clear":
            result.unclear[what, view.condition] += 1
        elif view.covered is not None and view.covered.any():
            result.covered[what] += 1
        if at_s >= next_hour_s:
            result.verdict = _verdict(day, told, from_s, at_s)
            progress(at_s, result)
            next_hour_s += HOUR_S
    result.seconds, result.cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    result.verdict = _verdict(day, told, from_s, until_s)
    return result


def _verdict(day: LotDay, told: list[Told], from_s: float, until_s: float) -> Verdict:
    changes = [change for change in day.changes if from_s < change.at_s <= until_s]
    return compare([space.space_id for space in day.spaces], day.occupied(from_s), changes, told, day.plan.hidden)


def lot_day(name: str, seed: int, is_excerpt: bool) -> LotDay:
    """The lot of a clip, with a day of its own."""
    script = SCRIPTS[name]()
    spaces = [space.name for space in script.layout.spaces()]
    return LotDay(script, (excerpt if is_excerpt else whole_day)(spaces, seed))


def play_lot(name: str, options: Options) -> DayResult:
    """Play one lot; in a process of its own."""
    cv2.setNumThreads(1)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    settings = DetectorSettings.model_validate({"model": options.model, "judge": options.judge, "workers": 1})
    engine = load_engine(settings)
    day = lot_day(name, options.seed, options.is_excerpt)
    span_s = options.from_hour * HOUR_S, min(day.plan.seconds, options.to_hour * HOUR_S)
    began_s = time.perf_counter()
    shown: set[str] = set()

    def progress(at_s: float, result: DayResult) -> None:
        one = result.verdict
        sys.stderr.write(
            f"{name}: {at_s / HOUR_S:.0f} of {span_s[1] / HOUR_S:g} h, {result.frames} frames in "
            f"{time.perf_counter() - began_s:.0f} s; {one.right} of {one.changes} changes right, {len(one.late)} late, "
            f"{len(one.missed)} missed, {len(one.invented)} invented, {len(one.unknown_unasked)} unknown unasked\n"
        )
        faults = [*one.late, *one.missed, *one.invented, *one.unknown_unasked]
        sys.stderr.writelines(f"{name}: {fault}\n" for fault in faults if fault not in shown)
        shown.update(faults)
        sys.stderr.flush()

    return play_day(day, engine, load_judge(settings, engine), settings, progress, span_s)
