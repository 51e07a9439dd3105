"""The OpenVINO engine: `.xml` and `.onnx` YOLO models, on the CPU by default, without torch."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import openvino as ov
import supervision as sv
import yaml
from openvino.preprocess import PrePostProcessor

from libs.common.errors import EngineError
from services.detector.engines.base import Picture, vehicle_class_ids
from services.detector.engines.letterbox import fit
from services.detector.engines.yolo_output import read_output


class OpenVinoEngine:
    """A YOLO model compiled by OpenVINO, with as many requests in flight as there are lanes.

    Colour order and scaling to 0..1 are part of the compiled graph, so a picture goes in as the bytes it is.
    """

    def __init__(self, path: Path, device: str, lanes: int, nms_iou: float) -> None:
        """Load and compile.

        Args:
            path: an `.xml` or `.onnx` file, or a folder with one `.xml` in it.
            device: `auto` is the CPU, else OpenVINO's name of a device.
            lanes: requests that run at the same time.
            nms_iou: overlap above which two boxes are one vehicle.

        Raises:
            EngineError: not a YOLO detection model that OpenVINO can run; the text says why.
        """
        device = "CPU" if device in ("auto", "cpu") else device
        file = _model_file(path)
        self._nms_iou = nms_iou
        try:
            core = ov.Core()
            model = core.read_model(file)
            self._vehicle_ids = vehicle_class_ids(_class_names(model, file))
            self._input_size = _read_input_size(model)
            properties: dict[str, Any] = {"PERFORMANCE_HINT": "THROUGHPUT", "PERFORMANCE_HINT_NUM_REQUESTS": str(lanes)}
            if device == "CPU":
                properties |= {"NUM_STREAMS": str(lanes), "INFERENCE_NUM_THREADS": str(lanes)}
            compiled = core.compile_model(_with_preprocessing(model), device, properties)
        except RuntimeError as error:
            raise EngineError(f"OpenVINO cannot load {file.name}: {str(error).splitlines()[-1]}") from error
        if not self._vehicle_ids:
            raise EngineError(f"{file.name} knows no car, motorcycle, bus or truck; this needs a model that does")
        self._description = f"{file.name}, OpenVINO on {device}, input {self._input_size[0]}x{self._input_size[1]}"
        self._requests: SimpleQueue[ov.InferRequest] = SimpleQueue()
        for _ in range(lanes):
            self._requests.put(compiled.create_infer_request())

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
        fitted, letterbox = fit(picture, self._input_size)
        request = self._requests.get()
        try:
            request.infer({0: fitted[np.newaxis]}, share_inputs=True)
            output = request.get_output_tensor(0).data[0]
            return read_output(output, self._vehicle_ids, letterbox, confidence, self._nms_iou)
        except RuntimeError as error:
            raise EngineError(f"OpenVINO failed on a picture: {error}") from error
        finally:
            self._requests.put(request)


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
