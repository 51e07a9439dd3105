"""Propose parking spaces from where vehicles have stood. Pure: places in, quadrilaterals out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from libs.common.proposals import PROPOSALS_MAX, SpaceProposal, StoredGround
from services.detector.proposals.calibration import COST_MAX, HEADINGS, calibrate, choose_headings, heading_costs
from services.detector.proposals.car_fit import CarFit, fit_cars
from services.detector.proposals.ground_camera import Array, GroundCamera, rectangles
from services.detector.proposals.places import Place
from services.detector.proposals.rows import SPACE_M, Stands, arrange, thin_out

EDGE: Final = 0.005
"""A box that comes so near to the picture's edge, in shares of it, may be cut off there."""
CONFIDENCE_MIN: Final = 0.2
SIZE_ERROR_MAX: Final = 0.55
"""Of a box against a usual car, as a logarithm: what differs more is a lorry, several cars in one, or no car."""
MORE_EVIDENCE: Final = 1.25
"""The camera is estimated anew when the places count for so many times more than at the last time."""
ENOUGH_EVIDENCE: Final = 60.0
"""From then on its estimate holds."""


@dataclass(frozen=True, slots=True)
class ProposedSpaces:
    """The conclusions from a camera's places.

    Attributes:
        proposals: the surest first, `PROPOSALS_MAX` at most.
        ground: how the camera hangs; None without places.
    """

    proposals: Sequence[SpaceProposal] = ()
    ground: StoredGround | None = None


def is_cut(boxes: Array) -> npt.NDArray[np.bool_]:
    """(n,) whether a box, in shares of the picture, ends at its left, right or lower edge: not all of it is shown.

    What the upper edge cuts off is roof; where the vehicle stands is shown.
    """
    return np.asarray((boxes[:, 0] < EDGE) | (boxes[:, 2:].max(axis=1) > 1 - EDGE))


def propose(places: Sequence[Place], aspect: float, ground: StoredGround | None = None) -> ProposedSpaces:
    """The spaces that these places make probable.

    Args:
        places: where vehicles have stood.
        aspect: the picture's height over its width.
        ground: how the camera hangs, as fewer places told.
    """
    boxes = np.array([place.box for place in places], float).reshape(-1, 4)
    whole = ~is_cut(boxes)
    boxes, visits = boxes[whole], np.array([place.visits for place in places], float)[whole]
    if not len(boxes):
        return ProposedSpaces((), ground)
    flat = (boxes - 0.5) * (1, aspect, 1, aspect)
    weights = 1 - 0.5**visits
    edges = np.array([place.edges for place in places], float)[whole]
    ground = _estimate(flat, edges, weights, ground)
    camera = GroundCamera(ground.focal, ground.pitch, ground.height_m, ground.roll)
    return ProposedSpaces(_as_proposals(arrange(stand_cars(camera, flat, edges, weights)), camera, aspect), ground)


def _estimate(boxes: Array, edges: Array, weights: Array, known: StoredGround | None) -> StoredGround:
    evidence = float(weights.sum())
    if known is not None and (evidence < known.evidence * MORE_EVIDENCE or known.evidence >= ENOUGH_EVIDENCE):
        return known
    found = calibrate(boxes, edges, weights).camera
    return StoredGround(
        focal=found.focal, pitch=found.pitch, height_m=found.height_m, roll=found.roll, evidence=evidence
    )


def stand_cars(camera: GroundCamera, boxes: Array, edges: Array, weights: Array) -> Stands:
    """Where on the ground the cars stand that fill these boxes.

    Args:
        camera: that took the picture.
        boxes: (n, 4) in picture widths from the middle.
        edges: (n, m) as in `heading_costs`.
        weights: (n,) how sure each is, 0..1.
    """
    fit = fit_cars(camera, boxes, HEADINGS)
    costs = heading_costs(fit, edges)
    chosen = choose_headings(costs, weights)
    numbers, costs = _headings_by_neighbours(fit, costs, chosen, weights)
    rows = np.arange(len(boxes))
    centres, least = fit.centres[rows, numbers], costs[rows, numbers]
    sizes = np.nan_to_num((fit.size_errors[rows, numbers] ** 2).sum(axis=-1), nan=np.inf)
    stands = ~np.isnan(centres).any(axis=1) & (sizes < SIZE_ERROR_MAX**2)
    sure = weights * (1 - least / COST_MAX * 0.5)
    return thin_out(centres[stands], HEADINGS[numbers[stands]], sure[stands])


def _headings_by_neighbours(fit: CarFit, costs: Array, chosen: Sequence[int], weights: Array) -> tuple[Array, Array]:
    """The heading of each car: one of the lot's few, that which its own box and its neighbours' speak for."""
    best = [chosen[k] for k in costs[:, list(chosen)].argmin(axis=1)]
    centres = fit.centres[np.arange(len(best)), best]
    away = np.linalg.norm(centres[:, None] - centres[None], axis=-1)
    near = np.exp(-((np.nan_to_num(away, nan=1e3) / 5) ** 2)) * weights[None]
    np.fill_diagonal(near, 0)
    # The sum of a few neighbours' costs, each capped: those of the row across the kerb head elsewhere.
    total = costs + near @ np.minimum(costs, COST_MAX / 2) * 0.5
    among = total[:, list(chosen)]
    return np.array(chosen)[among.argmin(axis=1)], costs


def _as_proposals(stands: Stands, camera: GroundCamera, aspect: float) -> list[SpaceProposal]:
    corners = rectangles(stands.centres, stands.headings, SPACE_M[0], stands.widths)
    ground = np.concatenate([corners, np.zeros((*corners.shape[:-1], 1))], axis=-1)
    shown = camera.to_picture(ground) / (1, aspect) + 0.5
    support = np.array([0.55, 0.85, 1.0])[np.minimum(stands.neighbours, 2)]
    confidences = np.clip(stands.weights * support, 0, 0.99)
    found = []
    for polygon, confidence in zip(shown, confidences, strict=True):
        clamped = np.clip(polygon, 0, 1)
        if confidence < CONFIDENCE_MIN or np.isnan(polygon).any() or _area(clamped) < 0.7 * _area(polygon):
            continue
        points = [(round(float(x), 5), round(float(y), 5)) for x, y in clamped]
        found.append(SpaceProposal(polygon=points, confidence=round(float(confidence), 3)))
    found.sort(key=lambda one: -one.confidence)
    return found[:PROPOSALS_MAX]


def _area(points: Array) -> float:
    after = np.roll(points, -1, axis=0)
    return float(abs((points[:, 0] * after[:, 1] - points[:, 1] * after[:, 0]).sum()) / 2)
