"""What many looks at one space add up to. Pure: probabilities and times in, a verdict out.

Each look gives a calibrated probability. Its log odds are capped, so that no single look decides, and added to what the
looks before left of themselves: looks at a picture that hardly changes are not independent, so older ones fade. Between
the two thresholds lies doubt, where the space keeps its state.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

Verdict = Literal["occupied", "free"]

LOOK_MAX: Final = 2.5
"""Log odds that one look adds at most: it takes two looks to decide, and two to reverse."""
FADING: Final = 0.4
"""What a further look leaves of those before."""
DECISION: Final = 2.4
"""Log odds from which on the looks decide. Looks that agree come to 1.7 times one look's log odds: a probability
between 0.19 and 0.81 never decides, however often it is repeated."""
SURE: Final = 1 / (1 + math.exp(-DECISION * (1 - FADING)))
"""The probability, 0.81, from which on looks that agree decide in the end."""


@dataclass(slots=True)
class Belief:
    """The looks at one space.

    Attributes:
        log_odds: what they add up to; positive: occupied.
        weight: how many looks that amounts to: a faded one is a part of one.
        looks: how many there were since the last time that nothing was known.
        since_ms: when the first of the looks was that all point the same way as the last one.
        decided_since_ms: since when they have decided the same, without doubt between; None while they leave doubt.
        judged_at_ms: when the last look's picture was captured; None before the first.
    """

    log_odds: float = 0.0
    weight: float = 0.0
    looks: int = 0
    since_ms: int = 0
    decided_since_ms: int | None = None
    judged_at_ms: int | None = None

    @property
    def probability(self) -> float:
        """That the space is occupied, 0..1."""
        return 1 / (1 + math.exp(-self.log_odds))

    @property
    def conviction(self) -> float:
        """How sure the looks are on average: the amount of their log odds, 0 to 2.5; later looks weigh more."""
        return abs(self.log_odds) / self.weight if self.weight else 0.0

    @property
    def verdict(self) -> Verdict | None:
        """What the looks decide; None while they leave doubt."""
        if self.looks < 2 or abs(self.log_odds) < DECISION:
            return None
        return "occupied" if self.log_odds > 0 else "free"

    def look(self, probability: float, at_ms: int) -> None:
        """Add a look.

        Args:
            probability: that the space is occupied in this picture, 0..1.
            at_ms: when the picture was captured.
        """
        bounded = min(max(probability, 1e-6), 1 - 1e-6)
        told = max(-LOOK_MAX, min(LOOK_MAX, math.log(bounded / (1 - bounded))))
        was = self.log_odds
        self.log_odds = self.log_odds * FADING + told
        self.weight = self.weight * FADING + 1
        turned = (was > 0) != (self.log_odds > 0) and told * self.log_odds > 0
        if self.looks == 0 or turned:
            self.since_ms = at_ms
        self.looks += 1
        if self.verdict is None:
            self.decided_since_ms = None
        elif self.decided_since_ms is None or turned:
            self.decided_since_ms = at_ms
        self.judged_at_ms = at_ms

    def forget(self) -> None:
        """Start anew: what the looks showed is gone, or could not be seen."""
        self.log_odds, self.weight, self.looks, self.decided_since_ms = 0.0, 0.0, 0, None
