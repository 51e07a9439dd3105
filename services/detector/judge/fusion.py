"""From a judge's two logits, the detection model's evidence and a space's size to one calibrated probability."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LOGIT_MAX: Final = 6.0
"""A view is not surer than this."""
SIDE_PX: Final = 50.0
"""A space of middling size, by the square root of its area."""
PROBABILITY_RANGE: Final = (0.001, 0.999)
"""No single look is surer than this."""


@dataclass(frozen=True, slots=True)
class Fusion:
    """A logistic regression.

    Attributes:
        means: of each input.
        scales: of each input; inputs are standardised by both.
        weights: of each standardised input.
        bias: of the sum.
    """

    means: Floats
    scales: Floats
    weights: Floats
    bias: float

    @classmethod
    def load(cls, arrays: Mapping[str, npt.NDArray[Any]], name: str) -> Self:
        """One regression out of the arrays of a weights file."""
        means, scales, weights = (
            np.asarray(arrays[f"{name}.{part}"], float) for part in ("means", "scales", "weights")
        )
        return cls(means, scales, weights, float(arrays[f"{name}.bias"]))

    def arrays(self, name: str) -> dict[str, npt.NDArray[Any]]:
        """As `load` reads them."""
        parts = {"means": self.means, "scales": self.scales, "weights": self.weights, "bias": np.array(self.bias)}
        return {f"{name}.{part}": value for part, value in parts.items()}

    def probabilities(self, inputs: Floats) -> Floats:
        """(n,) probabilities of being occupied for (n, inputs)."""
        logits = (inputs - self.means) / self.scales @ self.weights + self.bias
        return np.clip(1 / (1 + np.exp(-logits)), *PROBABILITY_RANGE)


def fusion_inputs(logits: npt.NDArray[Any], side_px: npt.NDArray[Any], evidence: Floats | None) -> Floats:
    """What the regression takes.

    Args:
        logits: (n, 2) of the upright and the rectified view.
        side_px: (n,) square root of the space's area in pixels.
        evidence: (n, 4) of the detection model, or None where none is used.
    """
    clipped = np.clip(np.asarray(logits, float), -LOGIT_MAX, LOGIT_MAX)
    size = np.log(np.clip(np.asarray(side_px, float), 8, 400) / SIDE_PX)
    columns = [clipped, size[:, None], (clipped.sum(axis=1) * size)[:, None]]
    return np.concatenate(columns if evidence is None else [*columns, evidence], axis=1)
