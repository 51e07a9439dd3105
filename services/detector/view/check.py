"""Can the lot be seen in a picture, and is it where it was? One camera's view over time. Pure: no I/O, time as a value.

The picture's edges are compared with the lot's fixed ones. Edges that are all weak, or not there, mean fog, rain, blur,
dirt, glare or darkness. If the edges lie elsewhere, landmarks tell by how much the camera moved. If they have changed
but the landmarks are in place, the light is another one, and the new edges are learned. Where neither helps, the lot's
references of other hours are tried, and after a restart they are what the first picture is compared with.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

import numpy as np
import numpy.typing as npt

from libs.common.camera_state import ViewCondition
from services.detector.view.edges import COLUMNS, ROWS, FixedEdges, Gradients, Grey, gradients, shrink
from services.detector.view.frozen import FrozenCheck
from services.detector.view.reference import ViewReference, ViewReferences
from services.detector.view.registration import Landmarks, Shift

DIRECTION_MIN: Final = 0.5
STRENGTH_MIN: Final = 0.35
"""Least strength of the fixed edges: fog that takes 70 % of the contrast leaves 0.3, a blur of 5 pixels 0.23."""
STRENGTH_REGAINED: Final = 0.45
"""Least strength once the view was lost: fog on the verge must not come and go with each picture."""
CELL_STRENGTH_MIN: Final = 0.2
"""A cell whose edges are weaker than this while the others' are not is covered: dirt, glare, something in front."""
SHARPNESS_MIN: Final = 0.5
"""Least sharpness, against the sharpness so far, of a picture whose edges are new: else it is blurred, not relit."""
DARK_BRIGHTNESS: Final = 18.0
"""Mean grey (0..255) below which noise drowns the lot."""
SAME_PLACE: Final = 0.01
"""A shift of less, as a share of the picture's width, is none. A fixed camera's pictures of several days register to
within 0.007: wind, warmth and the light's direction. Spaces are not drawn more exactly than that, and to carry them
along with such a shift makes the judge no better."""
SAME_PLACE_BLURRED: Final = 0.02
"""The same where the picture is blurred, so that landmarks are found less exactly."""
SAME_SHIFT: Final = 0.01
"""Two shifts that differ by less are the same."""
LEARNING_MS: Final = 120_000
"""How fast the fixed edges follow the light: a picture this long after the last counts for 63 %."""
STRONG: Final = 0.8
"""Strength of the edges from which on they are learned that fast; the view is weak below."""
WEAK_LEARNING_MS: Final = 7_200_000
"""How fast weaker ones are learned."""
LANDMARKS_EVERY_MS: Final = 600_000
"""How old the landmarks become before a clear picture's take their place."""
FIRST_SAVED_MS: Final = 30_000
"""After so long the first reference is saved, and then one as often as landmarks are taken anew."""
RESTORED_MAX: Final = 4
"""References that the first picture after a restart is compared with, those of the nearest hours."""
CONFIRMED_AFTER_MS: Final = 20_000
"""A bump is over sooner than this; a camera that was moved stays where it is."""


@dataclass(frozen=True, slots=True)
class View:
    """What one picture shows of the lot.

    Attributes:
        condition: `clear`: it can be judged; else why not.
        since_ms: since when it is in this condition.
        notice: the condition in words, for people; empty where it is clear.
        shift: where the lot's things are now, compared with where they were when the spaces were drawn; None where
            they are in place, or where nobody knows.
        is_confirmed: of `moved`: it has been so for long enough not to be a bump.
        covered: (rows, columns) cells of the picture in which the fixed edges cannot be seen.
        is_weak: of `clear`: the fixed edges are weaker than ever so far, as in haze, rain or snow.
    """

    condition: ViewCondition
    since_ms: int
    notice: str = ""
    shift: Shift | None = None
    is_confirmed: bool = False
    covered: npt.NDArray[np.bool_] | None = None
    is_weak: bool = False

    def hides(self, polygon: Sequence[tuple[float, float]]) -> bool:
        """Whether the part of the picture round a polygon, normalised 0..1, is covered."""
        if self.covered is None or not self.covered.any():
            return False
        low, high = np.min(polygon, axis=0), np.max(polygon, axis=0)
        columns = slice(int(low[0] * COLUMNS), int(min(high[0], 0.999) * COLUMNS) + 1)
        rows = slice(int(low[1] * ROWS), int(min(high[1], 0.999) * ROWS) + 1)
        return bool(self.covered[rows, columns].mean() > 0.5)


class ViewCheck:
    """One camera's view. Called with its pictures in order, by one thread at a time."""

    def __init__(self, frozen_after_ms: int, carry_max: float, references: ViewReferences | None = None) -> None:
        """Start without a picture.

        Args:
            frozen_after_ms: a picture that has not changed for this long is frozen; 0: never.
            carry_max: spaces are carried along with a shift, once confirmed, up to this share of the picture's width.
            references: what the lot looked like before; without any, the first clear picture is what the next are
                compared with.
        """
        self.references = ViewReferences({}) if references is None else references
        """What the lot looks like by the hour; taken care of here."""
        self._frozen = FrozenCheck(frozen_after_ms)
        self._carry_max = carry_max
        self._edges: FixedEdges | None = None
        self._landmarks: Landmarks | None = None
        self._landmarks_at_ms = 0
        self._sharpness = 0.0
        self._learned_at_ms = 0
        self._view = View("clear", 0)
        self._moved: tuple[Shift, int] | None = None
        self._save_at_ms = 0
        self._tried = 0
        self.carried: Shift | None = None
        """The shift by which the spaces are carried along now."""

    @property
    def view(self) -> View:
        """That of the last picture."""
        return self._view

    def look(self, picture: npt.NDArray[np.uint8], at_ms: int) -> View:
        """Take in one picture, (height, width, 3) BGR, captured at that time."""
        grey = shrink(picture)
        frozen_since_ms = self._frozen.look(grey, at_ms)
        now = gradients(grey)
        if frozen_since_ms is not None:
            minutes = (at_ms - frozen_since_ms) / 60_000
            return self._become("frozen", at_ms, f"the picture has not changed for {minutes:.0f} minutes")
        if now.brightness < DARK_BRIGHTNESS:
            return self._become("dark", at_ms, "too dark to make out the spaces")
        if self._edges is None and not self._restore(now, at_ms):
            self._start(grey, now, at_ms)
            return self._become("clear", at_ms)
        assert self._edges is not None
        if self._edges.shape != grey.shape:
            return self._other_size(grey, at_ms)
        likeness = self._edges.compare(now)
        strength_min = STRENGTH_MIN if self._view.condition == "clear" else STRENGTH_REGAINED
        if likeness.direction >= DIRECTION_MIN and likeness.strength >= strength_min:
            self._moved = None
            # Weak edges are learned slowly: fog that thickens must not become what is compared with.
            is_weak = likeness.strength < STRONG
            if is_weak:
                self._learn(grey, now, at_ms, WEAK_LEARNING_MS)
            else:
                self._learn(grey, _as_strong(now, likeness.strength), at_ms)
                self._save(grey, at_ms)
            with np.errstate(invalid="ignore"):
                covered = likeness.cells < CELL_STRENGTH_MIN
            self._become("clear", at_ms, covered=covered)
            self._view = replace(self._view, is_weak=is_weak)
            return self._view
        return self._explain(grey, now, at_ms)

    def forget(self) -> None:
        """Take the next clear picture for what the spaces were drawn on: somebody has drawn them anew."""
        self._edges = self._landmarks = self._moved = self.carried = None
        self.references.clear()

    def _explain(self, grey: Grey, now: Gradients, at_ms: int) -> View:
        """The fixed edges are not what they were: tell why."""
        assert self._edges is not None
        is_sharp = _sharpness(now) * self._edges.brightness_ratio(now) >= SHARPNESS_MIN * self._sharpness
        here = Landmarks(grey)
        shift = None if self._landmarks is None else self._landmarks.shift_to(here)
        if shift is not None and shift.size > (SAME_PLACE if is_sharp else SAME_PLACE_BLURRED):
            return self._move(shift, grey, now, at_ms, is_sharp)
        if shift is None and is_sharp and self._moved is not None and self._view.condition == "moved":
            # Vehicles hide the landmarks: nothing says that the camera was turned back, nor that it is fog.
            return self._become("moved", at_ms, self._view.notice, self._moved[0], self._view.is_confirmed)
        self._moved = None
        if shift is not None and is_sharp:
            self._edges = FixedEdges(now)  # another light: other shadows, other edges, all in place
            self._learn(grey, now, at_ms)
            return self._become("clear", at_ms)
        if shift is None and self._find_reference(now, at_ms):
            self._learn(grey, now, at_ms)
            return self._become("clear", at_ms)
        return self._become("lost", at_ms, "the lot cannot be made out: fog, rain, blur, dirt or glare")

    def _move(self, shift: Shift, grey: Grey, now: Gradients, at_ms: int, is_sharp: bool) -> View:
        if self._moved is None or not _are_alike(self._moved[0], shift):
            self._moved = shift, at_ms
        is_confirmed = at_ms - self._moved[1] >= CONFIRMED_AFTER_MS
        if is_confirmed and is_sharp and shift.size <= self._carry_max:  # fog must not become what is compared with
            self.carried = shift if self.carried is None else _chain(self.carried, shift)
            self.references.clear()  # they show things where they are no more
            self._start(grey, now, at_ms)
            return self._become("clear", at_ms)
        notice = f"the camera has moved: {shift}; draw the spaces anew, or turn the camera back"
        return self._become("moved", at_ms, notice, shift, is_confirmed)

    def _other_size(self, grey: Grey, at_ms: int) -> View:
        """The pictures have another size or aspect."""
        since_ms = self._view.since_ms if self._view.condition == "moved" else at_ms
        is_confirmed = at_ms - since_ms >= CONFIRMED_AFTER_MS
        return self._become(
            "moved", at_ms, "the camera's picture has another shape; draw the spaces anew", None, is_confirmed
        )

    def _start(self, grey: Grey, now: Gradients, at_ms: int) -> None:
        self._edges, self._landmarks, self._landmarks_at_ms = FixedEdges(now), Landmarks(grey), at_ms
        self._sharpness, self._learned_at_ms, self._moved = _sharpness(now), at_ms, None
        self._save_at_ms = at_ms + FIRST_SAVED_MS

    def _restore(self, now: Gradients, at_ms: int) -> bool:
        """Compare with a reference from now on: of those of the nearest hours the one most alike; False without any."""
        best: tuple[float, ViewReference, Grey] | None = None
        for reference in islice(self.references.nearest(at_ms), RESTORED_MAX):
            picture = reference.picture()
            if picture is None:
                continue
            direction = -1.0
            if picture.shape == now.across.shape:
                direction = FixedEdges(gradients(picture)).compare(now).direction
            if best is None or direction > best[0]:
                best = direction, reference, picture
        if best is None:
            return False
        self._use(best[1], best[2], at_ms)
        return True

    def _find_reference(self, now: Gradients, at_ms: int) -> bool:
        """Use the reference of another hour if the picture shows what it does; one more is tried with each picture."""
        known = list(self.references.nearest(at_ms))
        if not known:
            return False
        self._tried += 1
        reference = known[self._tried % len(known)]
        picture = reference.picture()
        if picture is None or picture.shape != now.across.shape:
            return False
        likeness = FixedEdges(gradients(picture)).compare(now)
        if likeness.direction < DIRECTION_MIN or likeness.strength < STRENGTH_REGAINED:
            return False
        self._use(reference, picture, at_ms)
        return True

    def _use(self, reference: ViewReference, picture: Grey, at_ms: int) -> None:
        self._start(picture, gradients(picture), at_ms)
        self.carried = reference.carried

    def _save(self, grey: Grey, at_ms: int) -> None:
        """Keep a clear picture as this hour's reference, if that is due."""
        if 0 < self._save_at_ms - at_ms <= LANDMARKS_EVERY_MS:
            return
        self._save_at_ms = at_ms + LANDMARKS_EVERY_MS
        reference = ViewReference.of(grey, at_ms, self.carried)
        if reference is not None:
            self.references.add(reference)

    def _learn(self, grey: Grey, now: Gradients, at_ms: int, learning_ms: int = LEARNING_MS) -> None:
        assert self._edges is not None
        share = 1 - math.exp(-max(0, at_ms - self._learned_at_ms) / learning_ms)
        self._learned_at_ms = at_ms
        self._edges.learn(now, share, learning_ms == LEARNING_MS)
        self._sharpness += share * (_sharpness(now) - self._sharpness)
        if at_ms - self._landmarks_at_ms >= LANDMARKS_EVERY_MS:
            self._landmarks, self._landmarks_at_ms = Landmarks(grey), at_ms

    def _become(
        self,
        condition: ViewCondition,
        at_ms: int,
        notice: str = "",
        shift: Shift | None = None,
        is_confirmed: bool = False,
        covered: npt.NDArray[np.bool_] | None = None,
    ) -> View:
        since_ms = self._view.since_ms if condition == self._view.condition else at_ms
        self._view = View(condition, since_ms, notice, shift, is_confirmed, covered)
        return self._view


def carry(polygon: Sequence[tuple[float, float]], shift: Shift, aspect: float) -> list[tuple[float, float]]:
    """Move a polygon, normalised 0..1, with a shift; points that leave the picture stay at its border.

    Args:
        polygon: of the space as it was drawn.
        shift: of the picture.
        aspect: the picture's height over its width.
    """
    points = np.asarray(polygon, float) * (1, aspect)
    moved = (points @ shift.matrix[:, :2].T + shift.matrix[:, 2]) / (1, aspect)
    return [(float(x), float(y)) for x, y in np.clip(moved, 0, 1)]


def _as_strong(now: Gradients, strength: float) -> Gradients:
    """A picture with weaker edges, made about as strong as those so far: where edges lie is to be learned fast, but fog
    that thickens over half an hour weakens them by little between two pictures, and would be learned with them."""
    gain = min(strength, 1.0) ** (LEARNING_MS / WEAK_LEARNING_MS - 1)
    return now if gain == 1 else replace(now, across=now.across * np.float32(gain), down=now.down * np.float32(gain))


def _sharpness(now: Gradients) -> float:
    return float(np.percentile(np.hypot(now.across[::3, ::3], now.down[::3, ::3]), 90))


def _are_alike(first: Shift, second: Shift) -> bool:
    return bool(
        math.hypot(first.right - second.right, first.down - second.down) < SAME_SHIFT
        and abs(first.turn_degrees - second.turn_degrees) < 1
        and abs(first.scale - second.scale) < 0.02
    )


def _chain(first: Shift, second: Shift) -> Shift:
    """The first shift, then the second."""
    linear = second.matrix[:, :2] @ first.matrix[:, :2]
    offset = second.matrix[:, :2] @ first.matrix[:, 2] + second.matrix[:, 2]
    return Shift(
        np.column_stack([linear, offset]),
        first.right + second.right,
        first.down + second.down,
        first.turn_degrees + second.turn_degrees,
        first.scale * second.scale,
    )
