"""The judge's heads: from the trunk's pooled features of one view to a logit. A few matrix products in NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
import numpy.typing as npt

from services.detector.judge.trunk import Features

Floats32 = npt.NDArray[np.float32]
LAYERS: Final = ("map", "vector", "joined", "last")


@dataclass(frozen=True, slots=True)
class Head:
    """Several networks of one shape, trained from different seeds; the mean of their logits counts.

    Attributes:
        weights: by layer, (members, out, in).
        biases: by layer, (members, out).
    """

    weights: Mapping[str, Floats32]
    biases: Mapping[str, Floats32]

    @classmethod
    def load(cls, arrays: Mapping[str, npt.NDArray[Any]], view: str) -> Self:
        """The head of one view out of the arrays of a weights file."""
        return cls(
            {layer: arrays[f"{view}.{layer}.weight"].astype(np.float32) for layer in LAYERS},
            {layer: arrays[f"{view}.{layer}.bias"].astype(np.float32) for layer in LAYERS},
        )

    def logits(self, features: Features) -> Floats32:
        """(n,) logits of what the head was trained to tell."""
        members = range(len(self.biases["last"]))
        count = len(features.vectors)
        if not count:
            return np.empty(0, np.float32)
        logits: Floats32 = np.mean([self._member(number, features, count) for number in members], axis=0)
        return logits

    def _member(self, number: int, features: Features, count: int) -> Floats32:
        weights = {layer: self.weights[layer][number] for layer in LAYERS}
        biases = {layer: self.biases[layer][number] for layer in LAYERS}
        maps = _relu(weights["map"] @ features.maps + biases["map"][:, None]).reshape(count, -1)
        vectors = _relu(features.vectors @ weights["vector"].T + biases["vector"])
        joined = _relu(np.concatenate([maps, vectors], axis=1) @ weights["joined"].T + biases["joined"])
        last: Floats32 = (joined @ weights["last"].T + biases["last"])[:, 0]
        return last


@dataclass(frozen=True, slots=True)
class HiddenHeads:
    """Tells whether something that is no part of the lot stands before a space: a head a view, whose mean counts."""

    upright: Head
    rectified: Head

    @classmethod
    def load(cls, arrays: Mapping[str, npt.NDArray[Any]]) -> Self:
        """Both heads out of the arrays of a weights file."""
        return cls(Head.load(arrays, "hidden.upright"), Head.load(arrays, "hidden.rectified"))

    def logits(self, upright: Features, rectified: Features) -> Floats32:
        """(n,) logits; positive: hidden."""
        return (self.upright.logits(upright) + self.rectified.logits(rectified)) / np.float32(2)


def _relu(values: Floats32) -> Floats32:
    return np.maximum(values, np.float32(0))
