"""Fit the regression that makes a probability of logits and evidence, and count what it gets right."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from services.detector.judge.fusion import Floats, Fusion

PENALTY = 1.0
"""On squared weights of standardised inputs, against the sum of the losses of all samples."""


def fit_fusion(inputs: Floats, labels: npt.NDArray[Any]) -> Fusion:
    """Logistic regression with a small quadratic penalty.

    Args:
        inputs: (n, inputs), as `fusion_inputs` makes them.
        labels: (n,) 0 or 1.
    """
    means, scales = inputs.mean(axis=0), np.maximum(inputs.std(axis=0), 1e-6)
    standardised = (inputs - means) / scales
    signs = 2 * np.asarray(labels, float) - 1

    def loss(parameters: Floats) -> tuple[float, Floats]:
        margins = signs * (standardised @ parameters[:-1] + parameters[-1])
        slopes = -signs / (1 + np.exp(np.clip(margins, -50, 50)))
        gradient = np.append(standardised.T @ slopes + PENALTY * parameters[:-1], slopes.sum())
        value = np.logaddexp(0, -margins).sum() + PENALTY / 2 * (parameters[:-1] ** 2).sum()
        return float(value), gradient

    found = minimize(loss, np.zeros(inputs.shape[1] + 1), jac=True, method="L-BFGS-B").x
    return Fusion(means, scales, found[:-1], float(found[-1]))


def score(probabilities: Floats, labels: npt.NDArray[Any]) -> dict[str, float]:
    """Accuracy when forced to decide, errors of both kinds, the share left in doubt (0.2..0.8), calibration error."""
    occupied = np.asarray(labels) > 0.5
    judged = probabilities >= 0.5
    doubtful = (probabilities > 0.2) & (probabilities < 0.8)
    bins = np.clip((probabilities * 10).astype(int), 0, 9)
    error = sum(
        abs(probabilities[bins == one].mean() - occupied[bins == one].mean()) * (bins == one).mean()
        for one in range(10)
        if (bins == one).any()
    )
    return {
        "accuracy": float((judged == occupied).mean()),
        "false_occupied": int((judged & ~occupied).sum()),
        "missed_occupied": int((~judged & occupied).sum()),
        "doubtful": float(doubtful.mean()),
        "accuracy_outside_doubt": float((judged == occupied)[~doubtful].mean()),
        "calibration_error": float(error),
    }
