"""The OpenVINO engine: `.xml` and `.onnx` YOLO models, on the CPU by default, without torch."""

from __future__ import annotations

import ast
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import openvino as ov
import supervision as sv
import yaml
from openvino import opset13 as ops
from openvino.preprocess import PrePostProcessor

from libs.common.errors import EngineError
from libs.common.logging import get_logger
from services.detector.engines.base import Picture, vehicle_class_ids
from services.detector.engines.letterbox import fit
from services.detector.engines.rectangular import boxes_agree, make_probe, rectangle_for, refit
from services.detector.engines.yolo_output import read_output

_log = get_logger("engine")

RECTANGLES_MAX: Final = 4
"""Input shapes for which the model is kept compiled beside its own; each takes some 60 MB."""

RECTANGLE_SHARE_MAX: Final = 0.85
"""A shape that saves less than the rest of the work is not worth its memory."""


class OpenVinoEngine:
    """A YOLO model compiled by OpenVINO, with as many requests at work as there are workers.

    Colour order and scaling to 0..1 are part of the compiled graph, so a picture goes in as its bytes are. The model is
    refitted to pictures of another shape than its input's, so that no time goes into grey bars.
    """

    def __init__(self, path: Path, device: str, streams: int, requests: int, nms_iou: float) -> None:
        """Load and compile.

        Args:
            path: an `.xml` or `.onnx` file, or a folder with one `.xml` in it.
            device: `auto` is the CPU, else OpenVINO's name of a device.
            streams: requests that run at the same time, on the CPU with one thread each.
            requests: requests that exist, some being filled or read while others run.
            nms_iou: overlap above which two boxes are one vehicle.

        Raises:
            EngineError: not a YOLO detection model that OpenVINO can run; the text says why.
        """
        self._device = "CPU" if device in ("auto", "cpu") else device
        self._file = _model_file(path)
        self._nms_iou = nms_iou
        self._request_count = requests
        self._core = ov.Core()
        self._properties: dict[str, Any] = {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "PERFORMANCE_HINT_NUM_REQUESTS": str(streams),
        }
        if self._device == "CPU":
            self._properties |= {"NUM_STREAMS": str(streams), "INFERENCE_NUM_THREADS": str(streams)}
            # A stream that is tied to a core waits there behind a worker's decoding, though another core may be idle.
            self._properties["ENABLE_CPU_PINNING"] = False
        try:
            self._model = self._core.read_model(self._file)
            self._vehicle_ids = vehicle_class_ids(_class_names(self._model, self._file))
            self._input_size = _read_input_size(self._model)
            own = self._compile(self._model, self._input_size)
            _warm_up(own)
        except RuntimeError as error:
            raise EngineError(f"OpenVINO cannot load {self._file.name}: {str(error).splitlines()[-1]}") from error
        if not self._vehicle_ids:
            raise EngineError(f"{self._file.name} knows no car, motorcycle, bus or truck; this needs a model that does")
        self._compiled = {self._input_size: own}
        self._compiling = threading.Lock()
        width, height = self._input_size
        self._description = f"{self._file.name}, OpenVINO on {self._device}, input {width}x{height}"

    @property
    def description(self) -> str:
        """Model, engine and device, for the log."""
        return self._description

    @property
    def input_size(self) -> tuple[int, int]:
        """(width, height) in pixels to which pictures are scaled."""
        return self._input_size

    @property
    def batch_max(self) -> int:
        """See `Engine.batch_max`: the requests side by side use the cores as well as a batch would."""
        return 1

    def detect(self, pictures: Sequence[Picture], confidence: float) -> list[sv.Detections]:
        """Find the vehicles in each picture; see `Engine.detect`."""
        return [self._detect_one(picture, confidence) for picture in pictures]

    def _detect_one(self, picture: Picture, confidence: float) -> sv.Detections:
        compiled = self._compiled_for((picture.shape[1], picture.shape[0]))
        fitted, letterbox = fit(picture, compiled.size)
        with compiled.request() as request:
            try:
                request.infer({0: fitted[np.newaxis]}, share_inputs=True)
            except RuntimeError as error:
                raise EngineError(f"OpenVINO failed on a picture: {error}") from error
            output = request.get_output_tensor(0).data[0]
            return read_output(output, self._vehicle_ids, letterbox, confidence, self._nms_iou)

    def _compiled_for(self, picture_size: tuple[int, int]) -> _Compiled:
        """The compiled model for pictures of a shape; made when the first comes, while others use the own one."""
        own = self._compiled[self._input_size]
        size = rectangle_for(picture_size, self._input_size)
        known = self._compiled.get(size)
        if known is not None:
            return known
        share = size[0] * size[1] / (self._input_size[0] * self._input_size[1])
        if share > RECTANGLE_SHARE_MAX or len(self._compiled) > RECTANGLES_MAX:
            return own
        if not self._compiling.acquire(blocking=False):
            return own
        try:
            self._compiled.setdefault(size, self._compile_rectangle(size, own))
        finally:
            self._compiling.release()
        return self._compiled[size]

    def _compile_rectangle(self, size: tuple[int, int], own: _Compiled) -> _Compiled:
        """The model refitted and compiled for another input; the one as it came where that cannot be done."""
        try:
            rectangle = self._compile(refit(self._model, size), size)
        except (EngineError, RuntimeError) as error:
            _log.info("the model keeps its input, grey bars and all", size=size, problem=str(error))
            return own
        probe = make_probe(size)
        square = np.zeros((self._input_size[1], self._input_size[0], 3), np.uint8)
        square[: size[1], : size[0]] = probe
        if not boxes_agree(own.raw_output(square), rectangle.raw_output(probe), self._input_size, size):
            _log.warning("the refitted model finds other boxes; it is not used", size=size)
            return own
        _log.info("model refitted to the pictures' shape", size=size)
        return rectangle

    def _compile(self, model: ov.Model, size: tuple[int, int]) -> _Compiled:
        compiled = self._core.compile_model(_with_preprocessing(model.clone()), self._device, self._properties)
        return _Compiled(compiled, size, self._request_count)


class _Compiled:
    """A compiled model for one input size, (width, height), and its requests."""

    def __init__(self, compiled: ov.CompiledModel, size: tuple[int, int], requests: int) -> None:
        self.size = size
        self._requests: SimpleQueue[ov.InferRequest] = SimpleQueue()
        for _ in range(requests):
            self._requests.put(compiled.create_infer_request())

    @contextmanager
    def request(self) -> Iterator[ov.InferRequest]:
        """A request that nobody else uses meanwhile."""
        request = self._requests.get()
        try:
            yield request
        finally:
            self._requests.put(request)

    def raw_output(self, picture: Picture) -> npt.NDArray[np.float32]:
        """The output tensor (rows, anchors) for a picture of the input's size."""
        with self.request() as request:
            request.infer({0: picture[np.newaxis]})
            return np.array(request.get_output_tensor(0).data[0])


def _warm_up(compiled: _Compiled) -> None:
    """Use what the workers will use, from one thread.

    OpenVINO's Python part fills its tables of types at their first use, holding a lock of C++ while it waits for
    Python's: two threads that come first at the same time wait for each other for ever.
    """
    compiled.raw_output(np.zeros((compiled.size[1], compiled.size[0], 3), np.uint8))
    constant = ops.constant(np.zeros(1, np.float32))
    constant.get_data()


def _model_file(path: Path) -> Path:
    if not path.is_dir():
        return path
    files = sorted(path.glob("*.xml"))
    if len(files) != 1:
        raise EngineError(f"{path} holds {len(files)} .xml files; name one of them")
    return files[0]


def _class_names(model: ov.Model, file: Path) -> dict[int, str]:
    """Class names as Ultralytics leaves them: in `metadata.yaml` beside an IR, in the metadata of an ONNX file."""
    beside = file.parent / "metadata.yaml"
    if file.suffix == ".xml" and beside.is_file():
        names = yaml.safe_load(beside.read_text("utf-8")).get("names")
    elif model.has_rt_info(["framework", "names"]):
        names = ast.literal_eval(model.get_rt_info(["framework", "names"]).astype(str))
    else:
        raise EngineError(f"{file.name} does not say its class names; export it with Ultralytics, which writes them")
    return {int(class_id): str(name) for class_id, name in names.items()}


def _read_input_size(model: ov.Model) -> tuple[int, int]:
    """The model's input size (width, height).

    Raises:
        EngineError: the input is not one picture of a fixed size.
    """
    shape = model.input(0).get_partial_shape()
    if len(shape) != 4 or any(side.is_dynamic for side in list(shape)[1:]):
        raise EngineError(f"input shape {shape} is not (1, 3, height, width); export without `dynamic`")
    if shape[0].is_dynamic:
        model.reshape([1, *[side.get_length() for side in list(shape)[1:]]])
    return shape[3].get_length(), shape[2].get_length()


def _with_preprocessing(model: ov.Model) -> ov.Model:
    steps = PrePostProcessor(model)
    steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC")).set_color_format(
        ov.preprocess.ColorFormat.BGR
    )
    steps.input().model().set_layout(ov.Layout("NCHW"))
    steps.input().preprocess().convert_element_type(ov.Type.f32).convert_color(ov.preprocess.ColorFormat.RGB).scale(
        255.0
    )
    return steps.build()
