"""The Ultralytics engine: `.pt`, TensorRT and everything else that library loads; needs the extra `ultralytics`.

On CUDA a `.pt` model runs in half precision and takes up to `CUDA_BATCH` pictures at once. An exported model, such as
TensorRT's `.engine`, has its precision built in, and takes as many pictures at once as it was exported for (`batch=8`).
"""

from __future__ import annotations

import threading
from collections.abc import Container, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import supervision as sv

from libs.common.errors import EngineError
from libs.common.logging import get_logger
from services.detector.engines.base import Picture, in_batches, make_detections
from services.detector.engines.class_names import map_classes
from services.detector.engines.output_layout import DETECTION_INSTEAD

_log = get_logger("engine")

CUDA_BATCH: Final = 8
"""Pictures that a `.pt` model takes at once on CUDA."""


NO_BOXES: Final = ("classify", "obb", "semantic", "depth")
"""Tasks of models that give no upright boxes; those for masks and poses give them, too."""


def batch_limit(exported_for: int | None, device: str) -> int:
    """How many pictures a model takes at once; pure.

    Args:
        exported_for: the batch size that was built in when it was exported; None for a `.pt` model.
        device: torch's name of the device that it runs on.

    Returns:
        1 on a CPU, where a batch takes as long as its pictures one by one.
    """
    if exported_for is not None:
        return max(1, exported_for)
    return CUDA_BATCH if device.startswith("cuda") else 1


def shrink(picture: Picture, input_size: tuple[int, int]) -> Picture:
    """The picture at the size that Ultralytics would bring it to, if it is larger; pure.

    Where all pictures of a batch have one size, Ultralytics spares them the grey bars that make them square; so
    cameras of one shape and different resolutions are brought to one size.

    Args:
        picture: any size.
        input_size: (width, height) of the model.
    """
    height, width = picture.shape[:2]
    scale = min(input_size[0] / width, input_size[1] / height)
    if scale >= 1:
        return picture
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def half_precision(arguments: Container[str]) -> dict[str, Any]:
    """How this Ultralytics is asked for half precision; pure.

    Args:
        arguments: names of the arguments that its `predict` knows; newer ones warn of the older name.
    """
    return {"quantize": 16} if "quantize" in arguments else {"half": True}


class UltralyticsEngine:
    """A model that Ultralytics runs. One call at a time: its predictor keeps state between its steps.

    Attributes:
        classes: which of the model's classes are counted.
    """

    def __init__(self, model: str, device: str, nms_iou: float, classes: Mapping[str, str]) -> None:
        """Load the model, and run it once: what is wrong shows now, and the first frame is not the slow one.

        Args:
            model: a path, or a name that Ultralytics fetches.
            device: `auto` leaves the choice to Ultralytics, else torch's name of a device.
            nms_iou: overlap above which two boxes are one vehicle.
            classes: what `DETECTOR_CLASSES` says: a name or number of the model's → vehicle class or `none`.

        Raises:
            EngineError: the extra is not installed, the model finds no boxes or knows no vehicles, or it cannot be
                loaded or run on the device.
        """
        self._nms_iou = nms_iou
        self._lock = threading.Lock()
        try:
            from services.detector.engines.torchvision_nms import ensure_torchvision

            if not ensure_torchvision():
                _log.info("torchvision does not fit the installed torch; using Ultralytics' own NMS")
            import torch
            from ultralytics import YOLO
            from ultralytics.utils import DEFAULT_CFG_DICT
        except ImportError as error:
            raise EngineError(
                f"{model} needs Ultralytics, which is not installed ({error}): pip install 'lotcast[ultralytics]', or "
                "take an OpenVINO or ONNX model (`lotcast model list`)"
            ) from error
        if Path(model).suffix == ".engine" and find_spec("tensorrt") is None:
            # Ultralytics would install the newest one now, which need not be the one that the engine was built with.
            raise EngineError(f"{model} needs TensorRT, of the version that it was built with: pip install tensorrt")
        self._device = ("cuda:0" if torch.cuda.is_available() else "cpu") if device == "auto" else device
        try:
            self._model: Any = YOLO(model, task="detect")
            is_exported = isinstance(self._model.model, str)
            is_half = self._device.startswith("cuda") and not is_exported
            self._precision = half_precision(DEFAULT_CFG_DICT) if is_half else {}
            if self._model.task in NO_BOXES:
                raise EngineError(f"{model} is for the task {self._model.task}, not detection; {DETECTION_INSTEAD}")
            self._vehicle_ids: list[int] = []
            self._predict([np.zeros((360, 640, 3), np.uint8)], 0.5)
        except ImportError as error:
            raise EngineError(f"{model} needs a package that is not installed: {error}") from error
        except (OSError, RuntimeError, ValueError, TypeError, AssertionError) as error:
            raise EngineError(f"Ultralytics cannot load {model} on {self._device}: {error}") from error
        predictor = self._model.predictor
        self.classes = map_classes(predictor.model.names, classes, Path(model).name)
        self._vehicle_ids = sorted(self.classes.vehicles)
        height, width = predictor.imgsz
        self._input_size = int(width), int(height)
        self._batch_max = batch_limit(int(predictor.model.batch) if is_exported else None, self._device)
        precision = " in half precision" if is_half else ""
        self._description = (
            f"{model}, Ultralytics on {self._device}{precision}, input {width}x{height}, batches of {self._batch_max}"
        )

    @property
    def description(self) -> str:
        """Model, engine and device, for the log."""
        return self._description

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) in pixels to which pictures are scaled: what the model was trained or exported for."""
        return self._input_size

    @property
    def batch_max(self) -> int:
        """See `Engine.batch_max`."""
        return self._batch_max

    def detect(self, pictures: Sequence[Picture], confidence: float) -> list[sv.Detections]:
        """Find the vehicles in each picture; see `Engine.detect`."""
        found: list[sv.Detections] = []
        for batch in in_batches(pictures, self._batch_max):
            try:
                shrunk = [shrink(picture, self._input_size) for picture in batch]
                with self._lock:
                    results = self._predict(shrunk, confidence)
                    found += [self._read(one.boxes, picture) for one, picture in zip(results, batch, strict=True)]
            except (RuntimeError, ValueError, AssertionError) as error:
                raise EngineError(f"Ultralytics failed on a picture: {error}") from error
        return found

    def _predict(self, batch: list[Picture], confidence: float) -> Any:
        return self._model.predict(
            batch,
            conf=confidence,
            iou=self._nms_iou,
            classes=self._vehicle_ids,
            agnostic_nms=True,
            device=self._device,
            verbose=False,
            **self._precision,
        )

    def _read(self, boxes: Any, picture: Picture) -> sv.Detections:
        names = np.array([self.classes.vehicles[int(class_id)] for class_id in boxes.cls.tolist()], dtype=object)
        xyxy = boxes.xyxyn.cpu().numpy() * np.array([picture.shape[1], picture.shape[0]] * 2, np.float32)
        return make_detections(xyxy, boxes.conf.cpu().numpy(), names)
