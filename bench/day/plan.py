"""What happens on a rendered lot in a day: who parks when, and the weather. Drawn by lot, from a seed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Final, Literal

import numpy as np

SHAPES: Final = ("hatchback", "sedan", "estate", "suv", "hatchback", "sedan", "van")
PAINTS: Final = ("white", "silver", "grey", "black", "red", "blue", "navy", "green", "sand", "orange", "teal", "wine")
FULL_AT_FIRST: Final = 0.55
"""Share of the spaces that are taken when the day begins."""
REST_S: Final = 300.0
"""A space that changed is left alone for so long."""
APART_S: Final = 75.0
"""Between two drives, and between a drive and a lorry or a bump: vehicles do not drive through each other."""
HOUR_S: Final = 3600.0
THIN_FOG: Final = 0.4
"""Fog that takes this share of the contrast and more may hide the lot."""
HIDING_FOG: Final = 0.75
"""Fog that surely does. Between thin and hiding fog nobody drives: either answer would be right."""

Bump = Literal["shifted", "turned"]
Span = tuple[float, float]
"""Seconds since the beginning, first and last."""


@dataclass(frozen=True, slots=True)
class Track:
    """A quantity over time, straight from point to point.

    Attributes:
        points: (seconds since the beginning, value), in order.
    """

    points: Sequence[tuple[float, float]]

    def at(self, t_s: float) -> float:
        """Its value."""
        after = bisect_right(self.points, t_s, key=itemgetter(0))
        if after in (0, len(self.points)):
            return self.points[max(0, after - 1)][1]
        (start_s, start), (end_s, end) = self.points[after - 1], self.points[after]
        return start + (end - start) * (t_s - start_s) / (end_s - start_s)

    def spans_above(self, level: float, until_s: float) -> list[Span]:
        """When it is above a level, to the second."""
        times = np.arange(0.0, until_s + 1)
        values = np.array([self.at(t_s) for t_s in times])
        is_above = np.concatenate([[False], values > level, [False]])
        edges = np.flatnonzero(np.diff(is_above.astype(int)))
        return [(float(start), float(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]


@dataclass(frozen=True, slots=True)
class Stay:
    """A vehicle in a space.

    Attributes:
        from_s: when it begins to drive in; None: it stands there at first.
        to_s: when it begins to drive out; None: it stays.
    """

    space: str
    shape: str
    paint: str
    from_s: float | None
    to_s: float | None


@dataclass(frozen=True, slots=True)
class Lorry:
    """A lorry that drives in, stands before the spaces, and drives on.

    Attributes:
        at_s: when it appears.
        stands_s: how long it stands.
        share: where, as a share of the lane.
    """

    at_s: float
    stands_s: float
    share: float


@dataclass(frozen=True, slots=True)
class Weather:
    """Tracks of what the sky does.

    Attributes:
        daylight: 0 night with lamps to 1 day.
        sun_hour: hour of the day, for the sun's place.
        fog: share of the contrast that it takes in the middle of the lot.
        rain: 0 none to 1 heavy.
        snowfall: 0 none to 1 heavy.
        snow_cover: 0 bare to 1 white ground.
    """

    daylight: Track
    sun_hour: Track
    fog: Track
    rain: Track
    snowfall: Track
    snow_cover: Track


@dataclass(frozen=True, slots=True)
class Plan:
    """A day.

    Attributes:
        seconds: how long it is.
        quick_every_s: between two frames round a change.
        stage_every_s: between two places of the sun; in between the one passes into the other.
        bumps: when the camera is knocked for ten seconds, and how.
    """

    seconds: float
    quick_every_s: float
    stage_every_s: float
    stays: Sequence[Stay]
    lorries: Sequence[Lorry]
    bumps: Sequence[tuple[float, Bump]]
    weather: Weather

    @property
    def hidden(self) -> list[Span]:
        """When the lot may be hidden."""
        return self.weather.fog.spans_above(THIN_FOG, self.seconds)


def whole_day(spaces: Sequence[str], seed: int) -> Plan:
    """Noon to noon: rain, dusk, a night with lamps, dawn, fog, snow that falls, lies and melts, lorries, bumps.

    Args:
        spaces: names of the lot's spaces.
        seed: of the traffic.
    """

    def hours(*points: tuple[float, float]) -> Track:
        return Track([(hour * HOUR_S, value) for hour, value in points])

    weather = Weather(
        daylight=hours((0, 1), (4.8, 0.9), (5.9, 0), (18.0, 0), (19.0, 0.9), (24, 1)),
        sun_hour=hours((0, 12), (5.5, 17.5), (5.51, 24), (18.2, 24), (18.21, 6.2), (24, 12)),
        fog=hours((3.0, 0), (3.2, 0.35), (3.9, 0), (19.0, 0), (19.3, 0.5), (19.5, 0.85), (20.0, 0.89), (20.4, 0)),
        rain=hours((1.4, 0), (1.6, 1), (1.9, 1), (2.1, 0), (9.0, 0), (9.1, 0.4), (9.5, 0)),
        snowfall=hours((20.8, 0), (21.0, 1), (21.4, 1), (21.6, 0)),
        snow_cover=hours((20.9, 0), (21.5, 1), (22.8, 1), (23.8, 0)),
    )
    lorries = [Lorry(2.4 * HOUR_S, 60, 0.45), Lorry(8.5 * HOUR_S, 60, 0.6), Lorry(22.2 * HOUR_S, 90, 0.35)]
    bumps: list[tuple[float, Bump]] = [(3.3 * HOUR_S, "shifted"), (12.5 * HOUR_S, "turned"), (23.4 * HOUR_S, "shifted")]
    rng = np.random.default_rng(seed)
    seconds = 24 * HOUR_S
    events: list[float] = [*(lorry.at_s for lorry in lorries), *(at_s for at_s, _ in bumps)]
    forbidden = [(at_s - APART_S, at_s + 2 * APART_S) for at_s in events]
    fog = weather.fog
    unclear = fog.spans_above(THIN_FOG, seconds)
    thick = fog.spans_above(HIDING_FOG, seconds)
    times: list[float] = []
    at_s = 60.0
    while at_s < seconds - 120:
        rate = 3.2 if weather.daylight.at(at_s) > 0.3 else 1.0
        at_s += max(APART_S, float(rng.exponential(HOUR_S / rate)))
        is_thick = _within(at_s, thick)
        if not _within(at_s, forbidden) and (is_thick or not _within(at_s, unclear)) and at_s < seconds - 120:
            times.append(at_s)
    return Plan(seconds, 0.2, 1800, _traffic(spaces, times, rng), lorries, bumps, weather)


def excerpt(spaces: Sequence[str], seed: int) -> Plan:
    """Twenty minutes in which each disturbance comes once, for a test.

    Args:
        spaces: names of the lot's spaces.
        seed: of the traffic.
    """
    weather = Weather(
        daylight=Track([(430, 1), (500, 0), (670, 0), (760, 1)]),
        sun_hour=Track([(0, 14), (420, 16), (421, 24), (700, 24), (701, 9), (1200, 10)]),
        fog=Track([(780, 0), (830, 0.89), (920, 0.89), (960, 0)]),
        rain=Track([(120, 0), (150, 1), (230, 1), (260, 0)]),
        snowfall=Track([(990, 0), (1010, 1), (1120, 1), (1150, 0)]),
        snow_cover=Track([(1000, 0), (1100, 1)]),
    )
    rng = np.random.default_rng(seed)
    times = [60.0, 190.0, 540.0, 620.0, 860.0, 1060.0]
    return Plan(1200, 0.5, 120, _traffic(spaces, times, rng), [Lorry(275, 15, 0.45)], [(390.0, "shifted")], weather)


def _within(at_s: float, spans: Sequence[Span]) -> bool:
    return any(start <= at_s <= end for start, end in spans)


def _traffic(spaces: Sequence[str], times: Sequence[float], rng: np.random.Generator) -> list[Stay]:
    """One arrival or departure at each of the times."""

    def vehicle() -> tuple[str, str]:
        return str(rng.choice(SHAPES)), str(rng.choice(PAINTS))

    first = rng.permutation(len(spaces))[: round(FULL_AT_FIRST * len(spaces))]
    standing: dict[str, tuple[str, str, float | None]] = {spaces[number]: (*vehicle(), None) for number in first}
    changed_s: dict[str, float] = {}
    stays: list[Stay] = []
    for at_s in times:
        share = len(standing) / len(spaces)
        leaves = rng.random() < np.clip(2 * (share - 0.25), 0.1, 0.9)
        rested = [one for one in spaces if at_s - changed_s.get(one, -REST_S) >= REST_S]
        able = [one for one in rested if (one in standing) == leaves]
        if not able:
            continue
        space = str(rng.choice(able))
        changed_s[space] = at_s
        if leaves:
            stays.append(Stay(space, *standing.pop(space), at_s))
        else:
            standing[space] = (*vehicle(), at_s)
    return stays + [Stay(space, *who, None) for space, who in standing.items()]
