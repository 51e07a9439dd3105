"""Find out from the boxes of standing vehicles how the camera hangs. Pure.

A box has four sides; a car of usual size that stands in it has a place and a heading, three numbers. What is left over
tells of the camera, which all boxes share; and the headings of a lot are few, which tells as much again. The
estimate is the most probable camera for these boxes, with weak beliefs about cameras at parking lots.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import minimize

from services.detector.proposals.car_fit import CarFit, fit_cars
from services.detector.proposals.ground_camera import Array, GroundCamera

HEADINGS: Final = np.radians(np.arange(0, 180, 5.0))
"""Of cars, tried while the camera is looked for; front and rear look alike."""
SIZE_SIGMA: Final = 0.15
"""How much the sides of boxes differ from those of a usual car, as a logarithm."""
SIZE_COST_MAX: Final = 9.0
"""Of a box that no car explains: a lorry, two cars in one."""
EDGE_COST: Final = 6.0
"""Of edges that run otherwise than the sides of the car."""
COST_MAX: Final = SIZE_COST_MAX + EDGE_COST
HEADING_COST: Final = 15.0
"""What one more heading in a lot must save."""
HEADINGS_MAX: Final = 4
BOXES_MAX: Final = 50
FOCALS: Final = (0.55, 0.75, 1.0)
PITCHES: Final = tuple(math.radians(angle) for angle in (15, 24, 33, 42, 52))
STARTS: Final = 2
STEPS: Final = 90
_BELIEFS: Final = ((math.log(0.65), 0.1), (math.radians(43), math.radians(9)), (math.log(8.0), 0.8), (0.0, 0.04))
"""Mean and deviation of the logarithm of the focal length, the pitch, the logarithm of the height, and the roll."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A camera, and how well it explains the boxes.

    Attributes:
        camera: the most probable one.
        cost: mean over the boxes, 0..`COST_MAX`; below 2 where usual cars stand in all of them.
    """

    camera: GroundCamera
    cost: float


def heading_costs(fit: CarFit, edges: Array) -> Array:
    """(n, k): how badly a car of each heading fills each box and agrees with the edges in it, 0..`COST_MAX`.

    Args:
        fit: of cars in n boxes for k headings.
        edges: (n, m) how strong the edges are of m directions, evenly spaced over half a turn; of sum 1, or all 0 where
            nothing is known of them.
    """
    sizes = np.nan_to_num((fit.size_errors**2).sum(axis=-1) / SIZE_SIGMA**2, nan=SIZE_COST_MAX)
    bins = np.nan_to_num(fit.directions % math.pi / math.pi * edges.shape[1]).astype(int) % edges.shape[1]
    rows = np.arange(len(edges))[:, None, None]
    seen = _smooth(edges)[rows, bins]
    explained = np.minimum(seen.sum(axis=-1), 1.0)
    return np.asarray(np.minimum(sizes, SIZE_COST_MAX) + EDGE_COST * (1 - explained))


def _smooth(edges: Array) -> Array:
    """The edges of a direction and of those beside it, as a share of the strongest three."""
    wide = edges + np.roll(edges, 1, axis=1) + np.roll(edges, -1, axis=1)
    return np.asarray(wide / np.maximum(wide.max(axis=1, keepdims=True), 1e-9) * (edges.sum(axis=1, keepdims=True) > 0))


def choose_headings(costs: Array, weights: Array) -> list[int]:
    """The few headings that explain most boxes: two at a right angle, as most lots have them, and more where they pay.

    Args:
        costs: (n, k) of `heading_costs`, for k evenly spaced headings of half a turn; k is even.
        weights: (n,) of the boxes.

    Returns:
        Numbers of headings.
    """
    right_angle = costs.shape[1] // 2
    pairs = np.minimum(costs, np.roll(costs, -right_angle, axis=1))[:, :right_angle]
    first = int((weights @ pairs).argmin())
    chosen, best = [first, first + right_angle], pairs[:, first]
    while len(chosen) < HEADINGS_MAX:
        totals = weights @ np.minimum(costs, best[:, None])
        number = int(totals.argmin())
        if weights @ best - totals[number] < HEADING_COST:
            break
        chosen.append(number)
        best = np.minimum(best, costs[:, number])
    return chosen


def _camera(values: Array) -> GroundCamera:
    return GroundCamera(math.exp(values[0]), float(values[1]), math.exp(values[2]), float(values[3]))


def _total_cost(values: Array, boxes: Array, edges: Array, weights: Array) -> float:
    beliefs = sum(((value - mean) / sigma) ** 2 for value, (mean, sigma) in zip(values, _BELIEFS, strict=True))
    if not math.radians(2) < values[1] < math.radians(85) or abs(values[0]) > 1.5 or abs(values[2]) > 5:
        return 1e6
    costs = heading_costs(fit_cars(_camera(values), boxes, HEADINGS), edges)
    chosen = choose_headings(costs, weights)
    return float(weights @ costs[:, chosen].min(axis=1) + HEADING_COST * (len(chosen) - 2) + beliefs)


def _start(focal: float, pitch: float, boxes: Array) -> Array:
    """A camera of this focal length and pitch, as high as the sizes of the boxes say."""
    values = np.array([math.log(focal), pitch, math.log(6.0), 0.0])
    for _ in range(2):
        errors = fit_cars(_camera(values), boxes, HEADINGS).size_errors
        spread = np.nan_to_num(np.abs(errors[..., 0] - errors[..., 1]), nan=np.inf).argmin(axis=1)
        sizes = np.take_along_axis(errors.mean(axis=-1), spread[:, None], axis=1)[:, 0]
        if np.isnan(sizes).all():
            break
        values[2] = np.clip(values[2] - np.nanmedian(sizes), math.log(1.0), math.log(100.0))
    return values


def calibrate(boxes: Array, edges: Array, weights: Array) -> Calibration:
    """The most probable camera.

    Args:
        boxes: (n, 4) left, top, right, bottom in picture widths from the picture's middle; one at least.
        edges: (n, m) as in `heading_costs`.
        weights: (n,) how much each counts, 0..1; the most certain `BOXES_MAX` are used.
    """
    most = np.argsort(-weights, kind="stable")[:BOXES_MAX]
    boxes, edges, weights = boxes[most], edges[most], weights[most]
    starts = [_start(focal, pitch, boxes) for focal in FOCALS for pitch in PITCHES]
    starts.sort(key=lambda values: _total_cost(values, boxes, edges, weights))
    found = [_refine(values, boxes, edges, weights) for values in starts[:STARTS]]
    _, values = min(found, key=lambda one: one[0])
    camera = _camera(values)
    costs = heading_costs(fit_cars(camera, boxes, HEADINGS), edges)
    return Calibration(camera, float(weights @ costs.min(axis=1) / weights.sum()))


def _refine(values: Array, boxes: Array, edges: Array, weights: Array) -> tuple[float, Array]:
    simplex = np.vstack([values, values + np.diag([0.12, 0.1, 0.12, 0.04])])
    found = minimize(
        _total_cost,
        values,
        args=(boxes, edges, weights),
        method="Nelder-Mead",
        options={"maxfev": STEPS, "initial_simplex": simplex, "xatol": 1e-3, "fatol": 1e-2},
    )
    return float(found.fun), np.asarray(found.x)
