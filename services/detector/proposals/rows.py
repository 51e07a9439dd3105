"""Rows of cars on the ground: what stands side by side, how far apart, and where one more would fit. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from services.detector.proposals.ground_camera import Array

SPACE_M: Final = (5.0, 2.5)
"""Length and width of a usual space."""
WIDTHS_M: Final = (2.2, 3.3)
"""The narrowest and the widest space."""
PARALLEL: Final = math.radians(15)
"""Cars of a row differ by no more in their heading."""
SLANT_M: Final = 3.0
"""By how much a car may stand ahead of its neighbour: rows at an angle to the lane."""
STRAIGHT: Final = math.radians(10)
"""By how much a row may bend."""
GAP_SPACES_MAX: Final = 2
"""So many spaces at most are filled in between two cars of a row."""
FIT_TOLERANCE: Final = 0.2
"""A gap is filled where a whole number of spaces fits to this share of a width."""


@dataclass(frozen=True, slots=True)
class Stands:
    """Spots on the ground where a car stands or would fit.

    Attributes:
        centres: (n, 2) metres.
        headings: (n,) radians, 0..pi.
        weights: (n,) how sure each is, 0..1.
        widths: (n,) metres from neighbour to neighbour, or of a usual space.
        neighbours: (n,) how many stand beside it in its row: 0, 1 or 2.
    """

    centres: Array
    headings: Array
    weights: Array
    widths: Array
    neighbours: npt.NDArray[np.int64]


def turn_between(one: Array, other: Array) -> Array:
    """The angle between two directions of which front and rear look alike, 0..pi/2."""
    turn = np.abs(one - other) % math.pi
    return np.asarray(np.minimum(turn, math.pi - turn))


def thin_out(centres: Array, headings: Array, weights: Array, least_m: float = 1.5) -> Stands:
    """One spot for those that are too close together to be two, the surest first."""
    kept: list[int] = []
    merged = centres.copy()
    sums = weights.copy()
    for number in np.argsort(-weights, kind="stable"):
        near = next((one for one in kept if _is_same(centres, headings, one, int(number), least_m)), None)
        if near is None:
            kept.append(int(number))
            continue
        sums[near] += weights[number]
        merged[near] += (centres[number] - merged[near]) * weights[number] / sums[near]
    order = np.array(kept, int)
    width = np.full(len(kept), SPACE_M[1])
    sure = 1 - np.prod([1 - np.zeros(len(kept)), 1 - np.minimum(weights[order], 1)], axis=0)
    return Stands(merged[order], headings[order], sure, width, np.zeros(len(kept), np.int64))


def _is_same(centres: Array, headings: Array, one: int, other: int, least_m: float) -> bool:
    """Whether two spots cannot both have a car: closer across than a car's width, and along than half its length."""
    offset = centres[other] - centres[one]
    along, across = _parts(offset, headings[one])
    return bool(abs(across) < least_m and abs(along) < 2.5)


def _parts(offset: Array, heading: float) -> tuple[float, float]:
    cos, sin = math.cos(heading), math.sin(heading)
    return float(offset[0] * cos + offset[1] * sin), float(offset[1] * cos - offset[0] * sin)


Beside = tuple[int, float, float]


def _nearest_beside(stands: Stands, number: int, side: int) -> Beside | None:
    """The next car of the row on one side: its number, how far along and across it stands."""
    best: Beside | None = None
    same = turn_between(stands.headings, stands.headings[number]) < PARALLEL
    for other in np.flatnonzero(same):
        along, across = _parts(stands.centres[other] - stands.centres[number], float(stands.headings[number]))
        far = across * side
        limit = SLANT_M * max(1.0, far / WIDTHS_M[1])
        if other == number or far < 0.7 * WIDTHS_M[0] or abs(along) > min(limit, far * 1.3):
            continue
        if best is None or far < abs(best[2]):
            best = int(other), along, across
    return best


def arrange(stands: Stands) -> Stands:
    """Measure the rows, and add the spots in their gaps; those come after the others."""
    count = len(stands.centres)
    beside = {(n, side): _nearest_beside(stands, n, side) for n in range(count) for side in (1, -1)}
    widths, neighbours = np.full(count, np.nan), np.zeros(count, np.int64)
    for number in range(count):
        gaps = [abs(one[2]) for side in (1, -1) if (one := beside[number, side]) is not None]
        close = [gap for gap in gaps if gap <= WIDTHS_M[1] * 1.15]
        neighbours[number] = len(close)
        if close:
            widths[number] = np.mean(close)
    usual = float(np.nanmedian(widths)) if not np.isnan(widths).all() else SPACE_M[1]
    smooth = np.array([_row_width(widths, stands, number, usual) for number in range(count)])
    extra = []
    for (number, side), next_one in beside.items():
        if next_one is None or side < 0 or not _goes_on(stands, beside, number, next_one[0]):
            continue
        other, _, across = next_one
        width = (smooth[number] + smooth[other]) / 2
        spaces = round(abs(across) / width)
        fits = abs(abs(across) / width - spaces) <= FIT_TOLERANCE * spaces
        if 2 <= spaces <= GAP_SPACES_MAX + 1 and fits:
            sure = min(stands.weights[number], stands.weights[other]) * 0.6
            step = (stands.centres[other] - stands.centres[number]) / spaces
            turn = (stands.headings[other] - stands.headings[number] + math.pi / 2) % math.pi - math.pi / 2
            for part in range(1, spaces):
                heading = (stands.headings[number] + turn * part / spaces) % math.pi
                extra.append((*(stands.centres[number] + step * part), heading, sure, width))
    added = np.array(extra, float).reshape(-1, 5)
    free = [row for row in added if not _is_taken(stands, row)]
    added = np.array(free, float).reshape(-1, 5)
    return Stands(
        np.vstack([stands.centres, added[:, :2]]),
        np.concatenate([stands.headings, added[:, 2]]),
        np.concatenate([stands.weights, added[:, 3]]),
        np.clip(np.concatenate([smooth, added[:, 4]]), *WIDTHS_M),
        np.concatenate([neighbours, np.full(len(added), 2, np.int64)]),
    )


def _goes_on(stands: Stands, beside: dict[tuple[int, int], Beside | None], number: int, other: int) -> bool:
    """Whether the line from one car to another goes on, where a row does, to a close neighbour of one of them."""
    line = stands.centres[other] - stands.centres[number]
    for one in (number, other):
        for side in (1, -1):
            next_one = beside[one, side]
            if next_one is None or next_one[0] in (number, other) or abs(next_one[2]) > WIDTHS_M[1] * 1.15:
                continue
            step = stands.centres[next_one[0]] - stands.centres[one]
            turn = turn_between(np.arctan2(step[1], step[0]), np.arctan2(line[1], line[0]))
            if turn < STRAIGHT:
                return True
    return False


def _row_width(widths: Array, stands: Stands, number: int, usual: float) -> float:
    """The width of spaces about here: a median, since single cars stand askew."""
    away = np.linalg.norm(stands.centres - stands.centres[number], axis=1)
    near = (away < 12) & (turn_between(stands.headings, stands.headings[number]) < PARALLEL) & ~np.isnan(widths)
    around = widths[near]
    return float(np.clip(np.median(np.append(around, usual)), *WIDTHS_M))


def _is_taken(stands: Stands, row: Array) -> bool:
    """Whether a car stands where a spot was found in a gap, of whatever heading."""
    return bool((np.linalg.norm(stands.centres - row[:2], axis=1) < 1.8).any())
