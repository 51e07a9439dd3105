"""Vehicles for tests of pure code."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import supervision as sv

from services.detector.engines.base import make_detections


def vehicles(*boxes: Sequence[float], confidence: float = 0.9, track_ids: Sequence[int] | None = None) -> sv.Detections:
    """Cars at boxes (x1, y1, x2, y2), with track ids if given."""
    made = make_detections(
        np.array(boxes, float).reshape(-1, 4),
        np.full(len(boxes), confidence),
        np.array(["car"] * len(boxes), dtype=object),
    )
    if track_ids is not None:
        made.tracker_id = np.array(track_ids, int)
    return made
