"""The Ultralytics engine: `.pt`, TensorRT and everything else that library loads; needs the extra `ultralytics`."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import supervision as sv

from libs.common.errors import EngineError
from libs.common.logging import get_logger
from services.detector.engines.base import Picture, make_detections, vehicle_class_ids

_log = get_logger("engine")

INPUT_SIZE: Final = (640, 640)


class UltralyticsEngine:
    """A model that Ultralytics runs. One call at a time: its predictor keeps state between its steps."""

    def __init__(self, model: str, device: str, nms_iou: float) -> None:
        """Load the model.

        Args:
            model: a path, or a name that Ultralytics fetches.
            device: `auto` leaves the choice to Ultralytics, else torch's name of a device.
            nms_iou: overlap above which two boxes are one vehicle.

        Raises:
            EngineError: the extra is not installed, or the model cannot be loaded.
        """
        try:
            from services.detector.engines.torchvision_nms import ensure_torchvision

            if not ensure_torchvision():
                _log.info("torchvision does not fit the installed torch; using Ultralytics' own NMS")
            from ultralytics import YOLO
        except ImportError as error:
            raise EngineError(f"{error}; install it with: pip install 'lotcast[ultralytics]'") from error
        try:
            self._model: Any = YOLO(model, task="detect")
            names: dict[int, str] = self._model.names
        except (OSError, RuntimeError, ValueError, TypeError) as error:
            raise EngineError(f"Ultralytics cannot load {model}: {error}") from error
        self._vehicle_ids = vehicle_class_ids(names)
        if not self._vehicle_ids:
            raise EngineError(f"{model} knows no car, motorcycle, bus or truck; this needs a model that does")
        self._device = None if device == "auto" else device
        self._nms_iou = nms_iou
        self._lock = threading.Lock()
        self._description = f"{model}, Ultralytics on {self._device or 'the device it chooses'}"

    @property
    def description(self) -> str:
        """Model, engine and device, for the log."""
        return self._description

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) in pixels to which pictures are scaled: Ultralytics' default."""
        return INPUT_SIZE

    def detect(self, pictures: Sequence[Picture], confidence: float) -> list[sv.Detections]:
        """Find the vehicles in each picture; see `Engine.detect`."""
        with self._lock:
            try:
                results = self._model.predict(
                    list(pictures),
                    conf=confidence,
                    iou=self._nms_iou,
                    classes=sorted(self._vehicle_ids),
                    agnostic_nms=True,
                    device=self._device,
                    verbose=False,
                )
            except (RuntimeError, ValueError) as error:
                raise EngineError(f"Ultralytics failed on a picture: {error}") from error
        return [self._read(result.boxes) for result in results]

    def _read(self, boxes: Any) -> sv.Detections:
        names = np.array([self._vehicle_ids[int(class_id)] for class_id in boxes.cls.tolist()], dtype=object)
        return make_detections(boxes.xyxy.cpu().numpy(), boxes.conf.cpu().numpy(), names)
