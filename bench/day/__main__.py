"""`python -m bench.day`: 24 hours of the demo's lots through the detector, its events beside the truth.

The lots are rendered with traffic, a sun that moves, rain, fog, a night with lamps, snow, lorries in front and knocks
on the camera, and played on a virtual clock: a frame every five seconds, five a second round a change.
"""

from __future__ import annotations

import argparse
import multiprocessing
import signal
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from statistics import median
from types import FrameType
from typing import Final

from bench.day.replay import SEED, DayResult, Options, play_lot
from deploy.demo.lot.scripts import SCRIPTS

EXCERPT_HOURS: Final = 1 / 3
JUDGES: Final = ("auto", "heads", "network", "vehicles")


def report(results: dict[str, DayResult]) -> str:
    """Tables of the results, in Markdown."""
    lines = [
        "| lot | frames | changes (hidden) | right | late | missed | invented | unknown (unasked) | told after, s "
        "| took, s (of a core) |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, result in results.items():
        one = result.verdict
        delays = f"{median(one.delays_s):.1f}, {one.delays_s[-1]:.1f} at most" if one.delays_s else "-"
        lines.append(
            f"| {name} | {result.frames} | {one.changes} ({one.hidden_changes}) | {one.right} | {len(one.late)} "
            f"| {len(one.missed)} | {len(one.invented)} | {one.unknown} ({len(one.unknown_unasked)}) | {delays} "
            f"| {result.seconds:.0f} ({result.cpu_s:.0f}) |"
        )
    lines += ["", "| what happens | frames | view not clear | a part covered |", "|---|---|---|---|"]
    for what in sorted({what for result in results.values() for what in result.seen}):
        seen = sum(result.seen[what] for result in results.values())
        covered = sum(result.covered[what] for result in results.values())
        found: dict[str, int] = {}
        for result in results.values():
            for (where, condition), count in result.unclear.items():
                if where == what:
                    found[condition] = found.get(condition, 0) + count
        told = ", ".join(f"{condition} {count}" for condition, count in sorted(found.items())) or "0"
        lines.append(f"| {what} | {seen} | {told} | {covered} |")
    return "\n".join(lines)


def details(results: dict[str, DayResult]) -> str:
    """Every event that is not as it should be."""
    lines = []
    for name, result in results.items():
        one = result.verdict
        for title, entries in (
            ("late", one.late),
            ("missed", one.missed),
            ("invented", one.invented),
            ("unknown", one.unknown_unasked),
        ):
            lines += [f"{name}: {title}: {entry}" for entry in entries]
    return "\n".join(lines)


def _end(number: int, _frame: FrameType | None) -> None:
    """Ctrl-C reaches the players by itself; what is sent to this process alone is passed on."""
    for player in multiprocessing.active_children():
        player.terminate()
    sys.exit(128 + number)


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns 1 if the events are not the truth's."""
    parser = argparse.ArgumentParser(prog="python -m bench.day", description=__doc__)
    parser.add_argument("lots", nargs="*", default=sorted(SCRIPTS), help="which lots (default: all)")
    parser.add_argument("--seed", type=int, default=SEED, help="of the traffic (default: %(default)s)")
    parser.add_argument("--excerpt", action="store_true", help="twenty minutes with every disturbance")
    parser.add_argument("--from-hour", type=float, default=0.0, help="begin there; the day begins at noon (default: 0)")
    parser.add_argument("--to-hour", type=float, default=24.0, help="end there (default: 24)")
    parser.add_argument("--model", default="demo", help="detection model (default: %(default)s)")
    parser.add_argument("--judge", default="auto", choices=JUDGES, help="what decides (default: %(default)s)")
    options = parser.parse_args(argv)
    if not 0 <= options.from_hour < min(options.to_hour, EXCERPT_HOURS if options.excerpt else 24.0):
        parser.error(
            "--from-hour must be before --to-hour, and before the end: at 24 hours, of the excerpt at 20 minutes"
        )
    how = Options(
        options.model,
        options.judge,
        options.seed,
        options.excerpt,
        from_hour=options.from_hour,
        to_hour=options.to_hour,
    )
    began_s = time.perf_counter()
    signal.signal(signal.SIGTERM, _end)
    with ProcessPoolExecutor(len(options.lots), multiprocessing.get_context("spawn")) as pool:
        jobs = {name: pool.submit(play_lot, name, how) for name in options.lots}
        results = {name: job.result() for name, job in jobs.items()}
    sys.stdout.write(report(results) + "\n\n" + details(results) + "\n")
    sys.stdout.write(f"{time.perf_counter() - began_s:.0f} s\n")
    return 0 if all(result.verdict.equals_truth for result in results.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
