"""Choose and load the engine that the settings name."""

from __future__ import annotations

import os
from pathlib import Path

from libs.common.errors import EngineError
from services.detector.engines.base import Engine
from services.detector.settings import DEMO_MODEL, DetectorSettings


def lane_count(settings: DetectorSettings) -> int:
    """How many frames are worked on at once: the setting, or one per core this process may use."""
    return settings.lanes or len(os.sched_getaffinity(0))


def load_engine(settings: DetectorSettings) -> Engine:
    """Load the model.

    Raises:
        EngineError: it is not there, or the engine cannot load it; the text says what to do.
    """
    is_demo = settings.model == "demo"
    path = DEMO_MODEL if is_demo else Path(settings.model).expanduser()
    is_openvino = path.suffix in (".xml", ".onnx") or (path.is_dir() and any(path.glob("*.xml")))
    engine = settings.engine if settings.engine != "auto" else ("openvino" if is_openvino else "ultralytics")
    if engine == "openvino":
        if not path.exists():
            raise EngineError(f"DETECTOR_MODEL: {path} does not exist")
        from services.detector.engines.openvino import OpenVinoEngine

        return OpenVinoEngine(path, settings.device, lane_count(settings), settings.nms_iou)
    from services.detector.engines.ultralytics import UltralyticsEngine

    return UltralyticsEngine(str(path) if path.exists() else settings.model, settings.device, settings.nms_iou)
