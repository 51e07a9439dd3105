"""The OpenVINO engine: `.xml` and `.onnx` detection models, on the CPU by default, without torch."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import openvino as ov
import supervision as sv
from openvino import opset13 as ops

from libs.common.errors import EngineError
from libs.common.logging import get_logger
from services.detector.engines.base import Picture, in_batches
from services.detector.engines.class_names import map_classes
from services.detector.engines.compiled_model import CompiledModel, outputs_of_slot
from services.detector.engines.letterbox import fit
from services.detector.engines.model_content import find_model_file, openvino_reason
from services.detector.engines.openvino_model import (
    InputPlan,
    find_layout,
    fix_input,
    is_int8,
    read_metadata,
    read_model,
    with_preprocessing,
)
from services.detector.engines.output_layout import Layout
from services.detector.engines.output_reading import OutputReader, learn_values
from services.detector.engines.rectangular import make_probe, outputs_agree, rectangle_for, refit

_log = get_logger("engine")

RECTANGLES_MAX: Final = 4
"""Input shapes for which the model is kept compiled beside its own; each takes some 60 MB."""

RECTANGLE_SHARE_MAX: Final = 0.85
"""A shape that saves less than the rest of the work is not worth its memory."""


@dataclass(frozen=True, slots=True)
class OpenVinoOptions:
    """How a model is run.

    Attributes:
        device: `auto` is the CPU, else OpenVINO's name of a device.
        streams: requests that run at the same time, on the CPU with one thread each.
        requests: requests that exist, some being filled or read while others run.
        nms_iou: overlap above which two boxes are one vehicle.
        classes: what `DETECTOR_CLASSES` says: a name or number of the model's → vehicle class or `none`.
    """

    device: str = "auto"
    streams: int = 1
    requests: int = 1
    nms_iou: float = 0.5
    classes: Mapping[str, str] = field(default_factory=dict)

    @property
    def device_name(self) -> str:
        """OpenVINO's name of the device."""
        return "CPU" if self.device in ("auto", "cpu") else self.device

    def properties(self) -> dict[str, Any]:
        """What OpenVINO is told when it compiles."""
        told: dict[str, Any] = {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "PERFORMANCE_HINT_NUM_REQUESTS": str(self.streams),
        }
        if self.device_name == "CPU":
            told |= {"NUM_STREAMS": str(self.streams), "INFERENCE_NUM_THREADS": str(self.streams)}
            # A stream that is tied to a core waits there behind a worker's decoding, though another core may be idle.
            told["ENABLE_CPU_PINNING"] = False
        return told


class OpenVinoEngine:
    """A detection model compiled by OpenVINO, with as many requests at work as there are workers.

    Colour order and scaling are part of the compiled graph, so a picture goes in as its bytes are. The model is
    refitted to pictures of another shape than its input's, so that no time goes into grey bars.

    Attributes:
        classes: which of the model's classes are counted.
        family: which models export as this one.
        is_int8: whether it was quantised.
    """

    def __init__(self, path: Path, options: OpenVinoOptions) -> None:
        """Load and compile it, and run it on two pictures to learn what its values mean.

        Args:
            path: an `.xml` or `.onnx` file, or a folder with one of them in it.
            options: how it is run.

        Raises:
            EngineError: not a detection model that is known here; the text says what it is and what to do.
        """
        file = find_model_file(path)
        self._file, self._options, self._core = file, options, ov.Core()
        self._compiling = threading.Lock()
        metadata = read_metadata(read_model(self._core, file), file)
        self._model, plan = fix_input(self._core, file, metadata)
        with _named(file):
            layout, names, assumed = find_layout(self._model, metadata, plan, options.classes)
        self.classes = map_classes(names, options.classes, file.name)
        if assumed:
            _log.info("the model does not name its classes; they are taken to be COCO's", model=file.name)
        try:
            with _named(file):
                self._plan, self._reader, own = self._learn(layout, plan, max(names) + 1)
        except RuntimeError as error:
            raise EngineError(f"OpenVINO cannot run {file.name}: {openvino_reason(error)}") from error
        self._compiled = {plan.size: own}
        self.family = self._reader.layout.family
        self.is_int8 = is_int8(self._model)

    @property
    def description(self) -> str:
        """Model, engine and device, for the log."""
        width, height = self._plan.size
        return f"{self._file.name}, OpenVINO on {self._options.device_name}, input {width}x{height}"

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) in pixels to which pictures are scaled."""
        return self._plan.size

    @property
    def batch_max(self) -> int:
        """See `Engine.batch_max`: requests side by side use the cores as well as a batch, unless it is built in."""
        return self._plan.batch

    def detect(self, pictures: Sequence[Picture], confidence: float) -> list[sv.Detections]:
        """Find the vehicles in each picture; see `Engine.detect`."""
        found: list[sv.Detections] = []
        for batch in in_batches(pictures, self._plan.batch):
            found += self._detect_batch(batch, confidence)
        return found

    def _detect_batch(self, batch: Sequence[Picture], confidence: float) -> list[sv.Detections]:
        compiled = self._compiled_for((batch[0].shape[1], batch[0].shape[0]))
        fitted = [fit(picture, compiled.size, self._plan.fit) for picture in batch]
        limits = confidence, self._options.nms_iou
        try:
            with compiled.run([picture for picture, _ in fitted]) as request:
                return [
                    self._reader.read(
                        outputs_of_slot(request, self._reader.layout, slot),
                        self.classes.vehicles,
                        letterbox,
                        compiled.size,
                        limits,
                    )
                    for slot, (_, letterbox) in enumerate(fitted)
                ]
        except RuntimeError as error:
            raise EngineError(f"OpenVINO failed on a picture: {openvino_reason(error)}") from error

    def _learn(self, layout: Layout, plan: InputPlan, classes: int) -> tuple[InputPlan, OutputReader, CompiledModel]:
        """How pictures go in and outputs are read, and the model compiled for it."""
        for is_one in (False, True):
            plan = plan.for_layout(layout, is_one)
            own = self._compile(self._model, plan.size, plan)
            _use_tables()
            reader = learn_values(layout, [own.outputs(one, layout) for one in _probes(plan.size)], classes)
            if is_one or not reader.values.objectness_is_one or layout.kind != "grid":
                break
        return plan.for_layout(reader.layout, reader.values.objectness_is_one), reader, own

    def _compiled_for(self, picture_size: tuple[int, int]) -> CompiledModel:
        """The compiled model for pictures of a shape; made when the first comes, while others use the own one."""
        own = self._compiled[self._plan.size]
        if self._plan.fit == "stretch" or self._plan.batch > 1:
            return own
        size = rectangle_for(picture_size, self._plan.size)
        known = self._compiled.get(size)
        if known is not None:
            return known
        share = size[0] * size[1] / (self._plan.size[0] * self._plan.size[1])
        if share > RECTANGLE_SHARE_MAX or len(self._compiled) > RECTANGLES_MAX:
            return own
        if not self._compiling.acquire(blocking=False):
            return own
        try:
            self._compiled.setdefault(size, self._compile_rectangle(size, own))
        finally:
            self._compiling.release()
        return self._compiled[size]

    def _compile_rectangle(self, size: tuple[int, int], own: CompiledModel) -> CompiledModel:
        """The model refitted and compiled for another input; the one as it came where that cannot be done."""
        layout = self._reader.layout
        try:
            refitted = refit(self._model, size, layout)
            rectangle = self._compile(refitted, size, self._plan)
        except (EngineError, RuntimeError) as error:
            _log.info("the model keeps its input, grey bars and all", size=size, problem=openvino_reason(error))
            return own
        probe, square = make_probe(size), np.zeros((own.size[1], own.size[0], 3), np.uint8)
        square[: size[1], : size[0]] = probe
        first, second = own.outputs(square, layout), rectangle.outputs(probe, layout)
        if all(map(np.array_equal, first, own.outputs(np.zeros_like(square), layout))):
            return own  # it does not look at the picture: nothing tells whether the boxes are right
        if not outputs_agree(self._reader, (first, own.size), (second, size)):
            _log.warning("the refitted model finds other boxes; it is not used", size=size)
            return own
        _log.info("model refitted to the pictures' shape", size=size)
        return rectangle

    def _compile(self, model: ov.Model, size: tuple[int, int], plan: InputPlan) -> CompiledModel:
        prepared = with_preprocessing(model.clone(), plan)
        compiled = self._core.compile_model(prepared, self._options.device_name, self._options.properties())
        return CompiledModel(compiled, size, plan.batch, self._options.requests)


def _probes(size: tuple[int, int]) -> list[Picture]:
    """Two pictures of an input's size that are unlike each other: nothing at all, and soft blots."""
    return [np.zeros((size[1], size[0], 3), np.uint8), make_probe(size)]


def _use_tables() -> None:
    """Use what the workers will use, from one thread.

    OpenVINO's Python part fills its tables of types at their first use, holding a lock of C++ while it waits for
    Python's: two threads that come first at the same time wait for each other for ever.
    """
    constant = ops.constant(np.zeros(1, np.float32))
    constant.get_data()


@contextmanager
def _named(file: Path) -> Iterator[None]:
    """Put the file's name before what is said of a model."""
    try:
        yield
    except EngineError as error:
        raise EngineError(f"{file.name} {error}") from error
