"""Is there anything new in a frame, or anything at all? Pure: small grey pictures and times in, an answer out."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
import numpy.typing as npt

from services.detector.pictures import Thumbnail

GateVerdict = Literal["new", "still", "blind"]

DARK_LEVEL: Final = 10.0
"""Mean grey (0..255) below which nothing can be made out."""
FLAT_CONTRAST: Final = 3.0
"""Standard deviation of grey below which the lens is covered: even an empty lot in fog has more."""
USUAL_THRESHOLD: Final = 8.0
"""Change of grey that counts as motion where none is set, and where every frame is new."""
MOVED_PIXELS: Final = 2
"""Pixels of the thumbnail that must have changed: a pixel is 8 by 8 of the picture's."""
RESTLESS_FRAMES: Final = 2
"""So many frames in a row in which most of the picture changes are restless: snow falls, or fog lifts. One is not: it
may be the first after a gap, in which vehicles moved."""
RESTLESS_FACTOR: Final = 6.0
"""What stands out of a restless picture changes by so many times as much as its middle pixel: four standard deviations
of noise."""


@dataclass(frozen=True, slots=True)
class Motion:
    """What the gate found in one frame.

    Attributes:
        verdict: what to do with the frame.
        has_moved: whether something moved: a frame is also new because the last result is old.
        changed: (height, width) of the thumbnail: where it differs from the last frame that the model has seen, and
            more than all of the picture does from frame to frame; None if there is nothing to compare it with, so that
            it may differ everywhere.
    """

    verdict: GateVerdict
    has_moved: bool = True
    changed: npt.NDArray[np.bool_] | None = None


class MotionGate:
    """Compares a camera's frames with the last one that the model has seen. Safe to call from several threads.

    Attributes:
        expects_motion: whether the last frame showed something new: then the next one probably does, too.
        threshold: change of grey (0..255) of a pixel that counts as motion; 0 takes every frame for new.
    """

    def __init__(self, threshold: float, look_every_ms: int) -> None:
        """Start without a frame.

        Args:
            threshold: as the attribute.
            look_every_ms: a frame is new after this long, whatever it shows.
        """
        self.expects_motion = True
        self.threshold = threshold
        self._look_every_ms = look_every_ms
        self._seen: np.ndarray | None = None
        self._seen_at_ms = 0
        self._jpeg: bytes | None = None
        self._middles: deque[float] = deque(maxlen=RESTLESS_FRAMES)
        self._lock = threading.Lock()

    def repeats(self, jpeg: bytes, at_ms: int) -> bool:
        """Whether a frame is the very file that was judged last and the result still holds: then it is still.

        Args:
            jpeg: the frame as it came.
            at_ms: when it was captured.
        """
        with self._lock:
            return bool(self.threshold) and self._jpeg == jpeg and self._holds(at_ms)

    def judge(self, thumbnail: Thumbnail, at_ms: int, jpeg: bytes | None = None) -> GateVerdict:
        """What to do with a frame.

        Args:
            thumbnail: of the frame.
            at_ms: when it was captured.
            jpeg: the frame as it came, for `repeats`.

        Returns:
            `new`: the model must see it, and the next ones are compared with it; `still`: the last result holds;
            `blind`: it shows nothing.
        """
        return self.compare(thumbnail, at_ms, jpeg).verdict

    def compare(self, thumbnail: Thumbnail, at_ms: int, jpeg: bytes | None = None) -> Motion:
        """As `judge`, and whether something moved, and where."""
        motion = self._compare(thumbnail, at_ms, jpeg)
        self.expects_motion = motion.verdict == "new"
        return motion

    def _compare(self, thumbnail: Thumbnail, at_ms: int, jpeg: bytes | None) -> Motion:
        mean, deviation = cv2.meanStdDev(thumbnail)
        is_blind = mean.item() < DARK_LEVEL or deviation.item() < FLAT_CONTRAST
        smooth = cv2.blur(thumbnail, (3, 3))
        with self._lock:
            if is_blind:
                self._seen = self._jpeg = None  # the first frame that shows something again is new
                return Motion("blind")
            self._jpeg = jpeg
            difference = self._difference(smooth)
            level = self.threshold or USUAL_THRESHOLD
            has_moved = difference is None or int(np.count_nonzero(difference > level)) >= MOVED_PIXELS
            changed = None if difference is None else self._standing_out(difference, level)
            holds = not has_moved and self._holds(at_ms)
            if not holds:
                self._seen, self._seen_at_ms = smooth, at_ms
            return Motion("still" if holds and self.threshold else "new", has_moved, changed)

    def _difference(self, smooth: np.ndarray) -> np.ndarray | None:
        if self._seen is None or self._seen.shape != smooth.shape:
            return None
        return np.asarray(cv2.absdiff(smooth, self._seen))

    def _standing_out(self, difference: np.ndarray, least: float) -> npt.NDArray[np.bool_]:
        """Where something moved: in snow every pixel changes, and only what changes much more did."""
        self._middles.append(float(np.median(difference[::3, ::3])))
        is_full = len(self._middles) == RESTLESS_FRAMES
        level = RESTLESS_FACTOR * min(self._middles) if is_full else 0.0
        return np.asarray(difference > max(least, level), bool)

    def _holds(self, at_ms: int) -> bool:
        return 0 <= at_ms - self._seen_at_ms < self._look_every_ms
