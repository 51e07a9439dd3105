"""The usual way: Ultralytics' track, its plot, and an encode, in a loop."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from services.detector.engines.torchvision_nms import ensure_torchvision


def measure_ultralytics(model: str, jpegs: Sequence[bytes], cameras: int, seconds: float) -> float | None:
    """Frames a second over all cameras, each with a tracker of its own; None if the extra is not installed."""
    if importlib.util.find_spec("ultralytics") is None:
        return None
    ensure_torchvision()
    from ultralytics import YOLO

    trackers: list[Any] = [YOLO(model, task="detect") for _ in range(cameras)]
    done, ends = 0, 0.0
    for turn in range(10**9):
        if turn == 2 * cameras:  # the first ones load and warm up
            done, ends = 0, time.monotonic() + seconds
        elif ends and time.monotonic() >= ends:
            break
        picture = cv2.imdecode(np.frombuffer(jpegs[turn // cameras % len(jpegs)], np.uint8), cv2.IMREAD_COLOR)
        result = trackers[turn % cameras].track(
            picture, persist=True, conf=0.25, classes=[2, 3, 5, 7], tracker="bytetrack.yaml", verbose=False
        )[0]
        cv2.imencode(".jpg", result.plot(), [cv2.IMWRITE_JPEG_QUALITY, 85])
        done += 1
    return done / seconds
