"""Where vehicles stand: what a camera's detections, looked at every few seconds, add up to. Bounded, and ages. Pure.

A vehicle that keeps its box for some samples stands there. When it has left, its stay is added to a place: a box where
vehicles have stood, how often and how long. Only places are kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from libs.common.proposals import KEEP_S, PLACES_MAX
from services.detector.proposals.edges import DIRECTIONS

Box = tuple[float, float, float, float]
"""Left, top, right, bottom in shares of the picture's width and height."""

STANDING_MAX: Final = 300
SAME_VEHICLE_IOU: Final = 0.7
"""Boxes of a vehicle that stands differ by what the model is unsure of."""
SAME_PLACE_IOU: Final = 0.6
MISSED_MAX: Final = 6
"""Samples in which a standing vehicle may be missing: somebody walks past, the model loses it once."""
MEAN_OF: Final = 20
"""The last samples of which a standing vehicle's box is about the mean."""
VISITS_MAX: Final = 20.0
"""What a place counts for at most, so that it follows when spaces are painted anew."""


@dataclass(slots=True)
class Place:
    """A box in which vehicles have stood.

    Attributes:
        box: mean of their boxes.
        visits: how many stood there.
        stood_ms: how long, added up.
        last_ms: when one was seen there last.
        edges: (`DIRECTIONS`,) how strong the edges of each direction are; all 0 where nothing is known.
    """

    box: Box
    visits: float
    stood_ms: int
    last_ms: int
    edges: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(DIRECTIONS))

    def add(self, other: Place) -> None:
        """Take in what is known of the same place."""
        visits = self.visits + other.visits
        share = other.visits / visits
        a, b = self.box, other.box
        self.box = tuple(one + (two - one) * share for one, two in zip(a, b, strict=True))  # type: ignore[assignment] # four, as both
        if other.edges.any():
            self.edges = self.edges + (other.edges - self.edges) * (share if self.edges.any() else 1.0)
        self.visits = min(visits, VISITS_MAX)
        self.stood_ms += other.stood_ms
        self.last_ms = max(self.last_ms, other.last_ms)


@dataclass(slots=True)
class _Standing:
    """A vehicle that may be standing."""

    box: npt.NDArray[np.float64]
    edges: npt.NDArray[np.float64]
    since_ms: int
    last_ms: int
    seen: int = 1
    missed: int = 0

    def see(self, box: npt.NDArray[np.float64], edges: npt.NDArray[np.float64], at_ms: int) -> None:
        """It was found once more where it is."""
        self.seen += 1
        self.missed, self.last_ms = 0, max(at_ms, self.last_ms)
        share = 1 / min(self.seen, MEAN_OF)
        self.box = self.box + (box - self.box) * share
        if edges.any():
            self.edges = self.edges + (edges - self.edges) * (share if self.edges.any() else 1.0)


def overlaps(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(n, m): intersection over union of (n, 4) and (m, 4) boxes."""
    low = np.maximum(one[:, None, :2], other[None, :, :2])
    high = np.minimum(one[:, None, 2:], other[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=-1) for boxes in (one, other)]
    return np.asarray(shared / np.maximum(areas[0][:, None] + areas[1][None] - shared, 1e-12))


def _as_boxes(boxes: Iterable[Iterable[float]]) -> npt.NDArray[np.float64]:
    return np.array(list(boxes), float).reshape(-1, 4)


class StandingVehicles:
    """The vehicles that stand in one camera's picture now, and the places where some have stood."""

    def __init__(self, min_samples: int, apart_ms: int, places: Iterable[Place] = ()) -> None:
        """Start from what was known before.

        Args:
            min_samples: a vehicle that has been seen so often where it is stands.
            apart_ms: two stays at a place with less between them are one: the detector was started anew.
            places: of an earlier run.
        """
        self._min_samples = min_samples
        self._apart_ms = apart_ms
        self._places = list(places)[:PLACES_MAX]
        self._standing: list[_Standing] = []

    def see(self, boxes: npt.NDArray[np.float64], edges: npt.NDArray[np.float64], at_ms: int) -> None:
        """Take in the vehicles of one more frame.

        Args:
            boxes: (n, 4) left, top, right, bottom in shares of the picture's width and height.
            edges: (n, `DIRECTIONS`) of `edge_directions`.
            at_ms: when it was captured; one that is not newer than the last is passed over.
        """
        pairs = overlaps(_as_boxes(one.box for one in self._standing), boxes)
        free_rows, free_columns = set(range(pairs.shape[0])), set(range(pairs.shape[1]))
        for flat in np.argsort(-pairs, axis=None, kind="stable"):
            row, column = divmod(int(flat), pairs.shape[1])
            if pairs[row, column] < SAME_VEHICLE_IOU:
                break
            if row in free_rows and column in free_columns:
                free_rows.discard(row)
                free_columns.discard(column)
                self._standing[row].see(boxes[column], edges[column], at_ms)
        for row in free_rows:
            self._standing[row].missed += 1
        gone = [one for one in self._standing if one.missed > MISSED_MAX]
        self._standing = [one for one in self._standing if one.missed <= MISSED_MAX]
        for one in gone:
            if one.seen >= self._min_samples:
                _add(self._places, _place(one), one.since_ms - self._apart_ms)
        room = STANDING_MAX - len(self._standing)
        self._standing += [
            _Standing(boxes[column], edges[column], at_ms, at_ms) for column in sorted(free_columns)[:room]
        ]
        self._forget(at_ms)

    def places(self) -> list[Place]:
        """The places so far; a vehicle that stands there now counts as a visit. Copies, most visited first."""
        found = [replace(one) for one in self._places]
        for one in self._standing:
            if one.seen >= self._min_samples:
                _add(found, _place(one), one.since_ms - self._apart_ms)
        return sorted(found, key=lambda place: (-place.visits, -place.stood_ms))[:PLACES_MAX]

    def _forget(self, now_ms: int) -> None:
        """Let go of the places that are old, and of those that say least where there are too many."""
        self._places = [place for place in self._places if now_ms - place.last_ms < KEEP_S * 1000]
        if len(self._places) > PLACES_MAX:
            self._places.sort(key=lambda place: (-place.visits, -place.last_ms))
            del self._places[PLACES_MAX:]


def _place(one: _Standing) -> Place:
    left, top, right, bottom = map(float, one.box)
    return Place((left, top, right, bottom), 1.0, one.last_ms - one.since_ms, one.last_ms, one.edges)


def _add(places: list[Place], new: Place, same_after_ms: int) -> None:
    """Add a stay to the place that it belongs to, or make one of it.

    Args:
        places: all so far.
        new: a place of this stay alone.
        same_after_ms: a place where a vehicle was seen after this has that vehicle still.
    """
    if places:
        shares = overlaps(_as_boxes([new.box]), _as_boxes(place.box for place in places))[0]
        nearest = int(shares.argmax())
        if shares[nearest] >= SAME_PLACE_IOU:
            place = places[nearest]
            if place.last_ms > same_after_ms:
                place.stood_ms += max(0, new.last_ms - max(place.last_ms, new.last_ms - new.stood_ms))
                place.last_ms = max(place.last_ms, new.last_ms)
            else:
                place.add(new)
            return
    places.append(new)
