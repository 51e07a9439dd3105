"""What the vehicles that a detection model found say of each space. Pure geometry."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import supervision as sv

from services.detector.occupancy.matching import SpaceMatcher

EVIDENCE_NAMES: Final = ("best overlap x confidence", "best confidence in the space", "assigned", "is assigned")
IN_SPACE_OVERLAP: Final = 0.4
"""From this overlap on a vehicle counts as in the space."""


def detector_evidence(matcher: SpaceMatcher, vehicles: sv.Detections) -> npt.NDArray[np.float64]:
    """Evidence of each space from the vehicles of one picture.

    Args:
        matcher: of the camera's spaces, for pictures of this size.
        vehicles: boxes in pixels, with confidences.

    Returns:
        (spaces, 4), in the order of `EVIDENCE_NAMES`: the best product of a vehicle's overlap and confidence; the best
        confidence among those that overlap by 0.4 or more; overlap times confidence of the vehicle that the matching
        assigns to the space, which no other space has; 1 if there is one, else 0.
    """
    evidence = np.zeros((len(matcher), len(EVIDENCE_NAMES)))
    if not len(vehicles) or not len(matcher):
        return evidence
    confidence = np.asarray(vehicles.confidence, float)
    overlaps = matcher.overlaps(vehicles.xyxy)
    evidence[:, 0] = (overlaps * confidence).max(axis=1)
    evidence[:, 1] = np.where(overlaps >= IN_SPACE_OVERLAP, confidence, 0).max(axis=1)
    for match in matcher.match(vehicles.xyxy, confidence):
        evidence[match.space, 2] = match.overlap * confidence[match.vehicle]
        evidence[match.space, 3] = 1
    return evidence
