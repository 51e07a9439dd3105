"""What a judge tells of the spaces of one picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Judgement:
    """Of n spaces.

    Attributes:
        probabilities: (n,) that each is occupied, 0..1.
        hidden: (n,) that something stands before it, 0..1, so that the other probability says nothing of the space.
    """

    probabilities: npt.NDArray[np.float64]
    hidden: npt.NDArray[np.float64]

    @classmethod
    def all_visible(cls, probabilities: npt.NDArray[np.float64]) -> Self:
        """Of spaces before which nothing stands, or of which the judge cannot tell."""
        return cls(probabilities, np.zeros(len(probabilities)))
