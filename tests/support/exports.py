"""Tiny ONNX files that look like exports of detection models and always give the same output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

Array = npt.NDArray[Any]
COCO_CAR, COCO_TRUCK = 2, 7

BOX = (100.0, 200.0, 260.0, 300.0)
"""The corners of the one vehicle that every export finds in a picture of 640x640 pixels."""
CENTRE_AND_SIZE = (180.0, 250.0, 160.0, 100.0)
"""The same box."""


@dataclass(frozen=True)
class Export:
    """What an export is made of.

    Attributes:
        outputs: arrays by name; all are given for every picture.
        names: metadata `names`, as its text; None leaves it out.
        shape: of the input; 0 is a side that is not fixed.
        input_type: ONNX's type of the input.
        metadata: beside the names.
        takes_sizes: a second input `orig_target_sizes`, as D-FINE has it.
    """

    outputs: Mapping[str, Array]
    names: str | None = None
    shape: tuple[int, ...] = (1, 3, 640, 640)
    input_type: int = TensorProto.FLOAT
    metadata: Mapping[str, str] = field(default_factory=dict)
    takes_sizes: bool = False

    def save(self, file: Path) -> Path:
        """Write it."""
        sides = [side or f"side{number}" for number, side in enumerate(self.shape)]
        inputs = [helper.make_tensor_value_info("images", self.input_type, sides)]
        nodes = [
            helper.make_node("Cast", ["images"], ["real"], to=TensorProto.FLOAT),
            helper.make_node("ReduceMean", ["real"], ["mean"], keepdims=0),
            helper.make_node("Mul", ["mean", "zero"], ["nothing"]),
        ]
        if self.takes_sizes:
            inputs.append(helper.make_tensor_value_info("orig_target_sizes", TensorProto.INT64, ["N", 2]))
            nodes += [
                helper.make_node("Cast", ["orig_target_sizes"], ["sizes"], to=TensorProto.FLOAT),
                helper.make_node("ReduceMean", ["sizes"], ["sizes_mean"], keepdims=0),
                helper.make_node("Mul", ["sizes_mean", "zero"], ["no_size"]),
            ]
        constants = [numpy_helper.from_array(np.float32(0), "zero")]
        infos = []
        for name, values in self.outputs.items():
            kind = helper.np_dtype_to_tensor_dtype(values.dtype)
            constants.append(numpy_helper.from_array(values, f"{name}_values"))
            nodes += [
                helper.make_node("Cast", ["nothing"], [f"{name}_nothing"], to=kind),
                helper.make_node("Add", [f"{name}_values", f"{name}_nothing"], [name]),
            ]
            infos.append(helper.make_tensor_value_info(name, kind, values.shape))
        graph = helper.make_graph(nodes, "export", inputs, infos, constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        helper.set_model_props(model, {**({} if self.names is None else {"names": self.names}), **self.metadata})
        onnx.save(model, file)
        return file


def coco_names() -> str:
    """COCO's 80 names as Ultralytics writes them."""
    from services.detector.engines.class_names import COCO

    return str(dict(enumerate(COCO)))


def anchors(classes: int, class_id: int, *, count: int = 8400, box: Array | None = None, score: float = 0.9) -> Array:
    """(1, 4 + classes, anchors): one vehicle, as YOLOv8 and newer give it."""
    values = np.zeros((1, 4 + classes, count), np.float32)
    values[0, :4, 17] = CENTRE_AND_SIZE if box is None else box
    values[0, 4 + class_id, 17] = score
    return values


def objectness(classes: int, class_id: int, *, count: int = 25200, scores: tuple[float, float] = (0.95, 0.95),
               background: float = 0.0) -> Array:  # fmt: skip
    """(1, anchors, 5 + classes): random boxes without objectness and one vehicle, as YOLOv5 and YOLOv7 give them."""
    values = np.full((1, count, 5 + classes), background, np.float32)
    values[0, :, :4] = np.random.default_rng(5).uniform(8, 632, (count, 4))
    values[0, 17, :4] = CENTRE_AND_SIZE
    values[0, 17, 4], values[0, 17, 5 + class_id] = scores
    return values


def yolox(classes: int, class_id: int, *, side: int = 640) -> Array:
    """(1, cells, 5 + classes) that is not decoded: the vehicle is in row 31, column 22 of the finest grid."""
    cells = sum((side // stride) ** 2 for stride in (8, 16, 32))
    values = np.zeros((1, cells, 5 + classes), np.float32)
    row, column = 31, 22
    scale = side / 640
    cx, cy, width, height = (value * scale / 8 for value in CENTRE_AND_SIZE)
    cell = row * (side // 8) + column
    values[0, cell, :4] = cx - column, cy - row, np.log(width), np.log(height)
    values[0, cell, 4], values[0, cell, 5 + class_id] = 0.95, 0.95
    return values


def end_to_end(class_id: int, *, count: int = 300, box: tuple[float, ...] = BOX) -> Array:
    """(1, n, 6): one vehicle, and rows of zeros."""
    values = np.zeros((1, count, 6), np.float32)
    values[0, 0] = (*box, 0.9, class_id)
    return values


def queries(classes: int, class_id: int, *, logits: bool = False) -> Array:
    """(1, 300, 4 + classes): boxes in shares of the picture, as RT-DETR gives them."""
    values = np.full((1, 300, 4 + classes), -6.0 if logits else 0.0, np.float32)
    values[0, :, :4] = np.random.default_rng(6).uniform(0.2, 0.4, (300, 4))
    values[0, 5, :4] = np.array(CENTRE_AND_SIZE) / 640
    values[0, 5, 4 + class_id] = np.log(0.9 / 0.1) if logits else 0.9
    return values


def ranked(class_id: int) -> dict[str, Array]:
    """`labels`, `boxes`, `scores` as D-FINE gives them."""
    boxes = np.zeros((1, 300, 4), np.float32)
    boxes[0, 0] = BOX
    labels = np.zeros((1, 300), np.int64)
    labels[0, 0] = class_id
    scores = np.zeros((1, 300), np.float32)
    scores[0, 0] = 0.9
    return {"labels": labels, "boxes": boxes, "scores": scores}
