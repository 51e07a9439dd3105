"""Choose and load the engine that the settings name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from libs.common.errors import EngineError
from services.detector.engines.base import Engine
from services.detector.engines.batching import BatchingEngine
from services.detector.engines.model_file import check_model
from services.detector.engines.timed import TimedEngine
from services.detector.settings import DEMO_MODEL, DetectorSettings

WORKERS_MAX: Final = 64
"""Each worker is a thread and holds a decoded picture."""


def worker_count(settings: DetectorSettings, batch_max: int = 1) -> int:
    """How many frames are worked on at once: the setting, or as many as keep the cores and the model at work.

    Args:
        settings: of this service.
        batch_max: pictures that the engine takes at once; 1 where each runs on a core of its own.
    """
    workers = core_count() + 3  # one a core; others are being published, or wait for the frame before theirs
    if batch_max > 1:
        # The workers whose pictures are at the model wait there and use no core. While they do, the others draw what
        # the last batch found and decode what will be the next one: there must be enough of them to fill it.
        workers = batch_max + max(workers, batch_max)
    return settings.workers or min(workers, WORKERS_MAX)


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
    check_model(settings.model)
    path = _model_path(settings)
    if engine_name(settings) == "openvino":
        if not path.exists():
            raise EngineError(f"DETECTOR_MODEL: {path} does not exist")
        from services.detector.engines.openvino import OpenVinoEngine

        workers = worker_count(settings)  # this engine takes pictures one by one
        return OpenVinoEngine(path, settings.device, min(workers, core_count()), workers, settings.nms_iou)
    from services.detector.engines.ultralytics import UltralyticsEngine

    return UltralyticsEngine(str(path) if path.exists() else settings.model, settings.device, settings.nms_iou)


def engine_for_frames(
    engine: Engine, settings: DetectorSettings, observe: Callable[[float, int], None], callers: Callable[[], int]
) -> Engine:
    """A loaded engine as the workers use it: frames of several cameras go to it as one batch, if it gains by that.

    Args:
        engine: what `load_engine` gave.
        settings: of this service.
        observe: is told of each run of the model: seconds, pictures.
        callers: how many frames can come at the same time, as things are.
    """
    timed = TimedEngine(engine, observe)
    return BatchingEngine(timed, settings.batch_wait_ms / 1000, callers) if engine.batch_max > 1 else timed


def _model_path(settings: DetectorSettings) -> Path:
    return DEMO_MODEL if settings.model == "demo" else Path(settings.model).expanduser()
