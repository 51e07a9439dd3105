"""What one look at a picture told of a camera's spaces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.detector.view.check import View


@dataclass(frozen=True, slots=True)
class Look:
    """One look at one picture.

    Attributes:
        captured_at_ms: when the picture was captured.
        view: what could be seen in it.
        probabilities: of being occupied, by the number of the space that was looked at.
        unseen: the numbers of the spaces that are covered in this picture, looked at or not.
        hidden: the numbers of the spaces before which a vehicle seems to stand, looked at or not.
        hidden_probabilities: that something, whatever it is, stands before the space, by the number of the space, of
            those that were looked at.
    """

    captured_at_ms: int
    view: View
    probabilities: Mapping[int, float] = field(default_factory=dict)
    unseen: frozenset[int] = frozenset()
    hidden: frozenset[int] = frozenset()
    hidden_probabilities: Mapping[int, float] = field(default_factory=dict)
