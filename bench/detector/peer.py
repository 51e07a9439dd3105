"""The usual way: Ultralytics' track, its plot, and an encode, in a loop."""

from __future__ import annotations

import importlib.util
import logging
import time
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from services.detector.engines.torchvision_nms import ensure_torchvision


def is_installed() -> bool:
    """Whether the extra is there."""
    return importlib.util.find_spec("ultralytics") is not None


class UltralyticsLoop:
    """A loop over cameras, each with a tracker of its own."""

    def __init__(self, model: str, jpegs: Sequence[bytes], cameras: int) -> None:
        """Load and warm up.

        Args:
            model: a file or folder.
            jpegs: as cameras send them.
            cameras: how many.
        """
        ensure_torchvision()
        from ultralytics import YOLO

        logging.getLogger("ultralytics").setLevel(logging.WARNING)  # a line a camera, in the midst of the table
        self._trackers: list[Any] = [YOLO(model, task="detect") for _ in range(cameras)]
        self._jpegs = jpegs
        for turn in range(2 * cameras):
            self._one(turn)

    def measure(self, seconds: float) -> float:
        """Frames a second over all cameras."""
        done, started = 0, time.monotonic()
        while (elapsed := time.monotonic() - started) < seconds:
            self._one(done)
            done += 1
        return done / elapsed

    def _one(self, turn: int) -> None:
        jpeg = self._jpegs[turn // len(self._trackers) % len(self._jpegs)]
        picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        result = self._trackers[turn % len(self._trackers)].track(
            picture, persist=True, conf=0.25, classes=[2, 3, 5, 7], tracker="bytetrack.yaml", verbose=False
        )[0]
        cv2.imencode(".jpg", result.plot(), [cv2.IMWRITE_JPEG_QUALITY, 85])
