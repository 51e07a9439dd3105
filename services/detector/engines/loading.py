"""Choose and load the engine that the settings name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal

from libs.common.logging import get_logger
from services.detector.engines.base import Engine
from services.detector.engines.batching import BatchingEngine
from services.detector.engines.class_names import ClassMap
from services.detector.engines.model_file import OPENVINO_SUFFIXES, check_model, locate_model, openvino_files
from services.detector.engines.timed import TimedEngine
from services.detector.settings import DEMO_MODEL, DetectorSettings

_log = get_logger("engine")

NAMED_MAX: Final = 40
"""How many classes that are not counted are named at the start."""

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
    path = model_path(settings)
    return "openvino" if path.suffix.lower() in OPENVINO_SUFFIXES or openvino_files(path) else "ultralytics"


def wants_gpu(settings: DetectorSettings) -> bool:
    """Whether the model is to run on whichever GPU is there: the engine uses them, and no device is named."""
    return settings.device == "auto" and engine_name(settings) == "ultralytics"


def load_engine(settings: DetectorSettings) -> Engine:
    """Load the model, and say which of its classes are counted.

    Raises:
        EngineError: it is not there, or it is none that can be used; the text says what to do.
    """
    check_model(settings.model, models_folder=settings.models_folder)
    path, classes = model_path(settings), settings.class_map
    if engine_name(settings) == "openvino":
        from services.detector.engines.openvino import OpenVinoEngine, OpenVinoOptions

        workers = worker_count(settings)  # this engine takes pictures one by one
        options = OpenVinoOptions(
            settings.device, min(workers, core_count()), workers, nms_iou=settings.nms_iou, classes=classes
        )
        openvino = OpenVinoEngine(path, options)
        _tell_classes(openvino.classes)
        return openvino
    from services.detector.engines.ultralytics import UltralyticsEngine

    ultralytics = UltralyticsEngine(
        str(path) if path.exists() else settings.model, settings.device, settings.nms_iou, classes
    )
    _tell_classes(ultralytics.classes)
    return ultralytics


def model_path(settings: DetectorSettings) -> Path:
    """Where the model lies that the settings name; a name that Ultralytics knows is left as it is."""
    return DEMO_MODEL if settings.model == "demo" else locate_model(settings.model, settings.models_folder)


def _tell_classes(classes: ClassMap) -> None:
    """Name once what is counted, and what is not."""
    counted = "; ".join(f"{vehicle}: {', '.join(names)}" for vehicle, names in classes.counted.items())
    rest = len(classes.not_counted) - NAMED_MAX
    others = ", ".join(classes.not_counted[:NAMED_MAX]) + (f" and {rest} more" if rest > 0 else "")
    _log.info("classes of the model", counted=counted, not_counted=others or "none")


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
