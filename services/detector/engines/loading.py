"""Choose and load the engine that the settings name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from libs.common.errors import EngineError
from services.detector.engines.base import Engine
from services.detector.settings import DEMO_MODEL, DetectorSettings


def lane_count(settings: DetectorSettings) -> int:
    """How many frames are worked on at once: the setting, or one a core and one more, being published meanwhile."""
    return settings.lanes or core_count() + 1


def core_count() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


def engine_name(settings: DetectorSettings) -> Literal["openvino", "ultralytics"]:
    """The engine that the settings name, or that fits the model."""
    if settings.engine != "auto":
        return settings.engine
    path = _model_path(settings)
    is_openvino = path.suffix in (".xml", ".onnx") or (path.is_dir() and any(path.glob("*.xml")))
    return "openvino" if is_openvino else "ultralytics"


def wants_gpu(settings: DetectorSettings) -> bool:
    """Whether the model is to run on whichever GPU is there: the engine uses them, and no device is named."""
    return settings.device == "auto" and engine_name(settings) == "ultralytics"


def load_engine(settings: DetectorSettings) -> Engine:
    """Load the model.

    Raises:
        EngineError: it is not there, or the engine cannot load it; the text says what to do.
    """
    path = _model_path(settings)
    if engine_name(settings) == "openvino":
        if not path.exists():
            raise EngineError(f"DETECTOR_MODEL: {path} does not exist")
        from services.detector.engines.openvino import OpenVinoEngine

        lanes = lane_count(settings)
        return OpenVinoEngine(path, settings.device, min(lanes, core_count()), lanes, settings.nms_iou)
    from services.detector.engines.ultralytics import UltralyticsEngine

    return UltralyticsEngine(str(path) if path.exists() else settings.model, settings.device, settings.nms_iou)


def _model_path(settings: DetectorSettings) -> Path:
    return DEMO_MODEL if settings.model == "demo" else Path(settings.model).expanduser()
