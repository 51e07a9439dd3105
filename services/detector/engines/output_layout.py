"""Tell by the shapes of a model's outputs, and by how many classes it has, what kind of export it is; pure.

An export that is taken for another kind gives boxes that look like boxes and mean nothing. So one whose shapes do not
add up to exactly one known kind is refused, with what to export instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from libs.common.errors import EngineError

Kind = Literal[
    "anchors", "objectness", "grid", "end_to_end", "queries", "ranked_queries", "query_pair", "ranked", "batch_rows"
]
"""How rows are read.

`anchors`: centre, size, a score a class, for every anchor. `objectness`: the same with objectness before the scores.
`grid`: `objectness` of one anchor a cell, boxes perhaps not decoded (YOLOX, YOLOv6). `end_to_end`: corners, score,
class. `queries`: centre and size in shares of the picture, a score a class. `query_pair`: `queries` in two outputs.
`ranked_queries`: centre and size in shares, score, class.
`ranked`: labels, corners and scores in three outputs. `batch_rows`: picture, corners, class, score.
"""

Shape = tuple[int | None, ...]
"""Sides of an output; None is one that is not fixed."""

DETECTION_INSTEAD: Final = "export a detection model instead (yolo11n.pt, not yolo11n-seg.pt, -pose, -obb or -cls)"
_OTHER_TASKS: Final = {
    "segment": "a segmentation model",
    "pose": "a pose model",
    "obb": "a model of rotated boxes (OBB)",
    "classify": "a classifier, which finds no boxes",
    "semantic": "a semantic segmentation model",
    "depth": "a depth model",
}
_STRIDES: Final = ((8, 16, 32), (4, 8, 16, 32), (8, 16, 32, 64), (16, 32), (8, 16), (4, 8, 16))
_ANCHORS_A_CELL: Final = 3
_QUERIES_MAX: Final = 1000
"""Of DETR models; 300 are usual. Models with anchors have more rows."""
_MASK_COEFFICIENTS: Final = 32


@dataclass(frozen=True, slots=True)
class Output:
    """One output of a model: its name and its shape, with the batch before it."""

    name: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class Layout:
    """How a model's outputs are to be read.

    Attributes:
        kind: see `Kind`.
        family: models that export so, for people.
        outputs: which of the model's outputs are read, in the order of the kind.
        rows_last: the anchors are the last side of the output, not the last but one.
        strides: input pixels a cell, of a `grid`.
    """

    kind: Kind
    family: str
    outputs: tuple[int, ...] = (0,)
    rows_last: bool = False
    strides: tuple[int, ...] = ()


def identify(outputs: Sequence[Output], classes: int | None, size: tuple[int, int], task: str | None) -> Layout:
    """Tell what kind of export it is.

    Args:
        outputs: the model's, in their order.
        classes: how many the metadata names; None if it names none.
        size: (width, height) of the model's input.
        task: what the metadata says that the model does; None if it says nothing.

    Raises:
        EngineError: no kind of export that can be read; what it is and what to export instead, to be put behind the
            name of the file.
    """
    if task in _OTHER_TASKS:
        raise EngineError(f"is {_OTHER_TASKS[task]}; {DETECTION_INSTEAD}")
    if len(outputs) == 1 and is_batch_rows(outputs[0].shape) and (classes != 7 or outputs[0].shape[0] is None):
        return Layout("batch_rows", "YOLOv7 with --end2end")
    named = {output.name.lower(): index for index, output in enumerate(outputs)}
    several = _several_outputs(outputs, named, classes)
    if several is not None:
        return several
    flat = [index for index, output in enumerate(outputs) if len(output.shape) == 3]
    if len(flat) != 1:
        raise EngineError(f"{_what_else(outputs, classes)}")
    number = flat[0]
    if any(len(output.shape) == 4 and output.shape[1] == _MASK_COEFFICIENTS for output in outputs):
        raise EngineError(f"is {_OTHER_TASKS['segment']}; {DETECTION_INSTEAD}")
    _, first, second = outputs[number].shape
    layout = _one_output(first, second, classes, size)
    if layout is None:
        raise EngineError(_mismatch(outputs[number].shape, classes, size))
    return Layout(layout.kind, layout.family, (number,), layout.rows_last, layout.strides)


def class_count(outputs: Sequence[Output], size: tuple[int, int]) -> int | None:
    """How many classes the shapes leave room for, whatever the metadata names; None if they do not tell."""
    for output in outputs:
        if output.name.lower() == "logits" and len(output.shape) == 3:
            return output.shape[-1]
    flat = [output.shape for output in outputs if len(output.shape) == 3 and output.shape[-1] != 4]
    if len(flat) != 1 or flat[0][1] is None or flat[0][2] is None:
        return None
    _, first, second = (side or 0 for side in flat[0])
    if grid_strides(second, size):
        return first - 4
    if _is_three_a_cell(first, size):
        return second - 5
    if grid_strides(first, size):
        return None  # with or without objectness
    return second - 4 if 6 != second < first <= _QUERIES_MAX else None


def grid_strides(anchors: int | None, size: tuple[int, int]) -> tuple[int, ...]:
    """The strides of a model with one anchor a cell; none if no known strides give that many anchors."""
    return next((strides for strides in _STRIDES if _cells(strides, size) == anchors), ())


def _several_outputs(outputs: Sequence[Output], named: dict[str, int], classes: int | None) -> Layout | None:
    """Kinds that are told by more than one output."""
    if {"labels", "boxes", "scores"} <= named.keys() and len(outputs[named["boxes"]].shape) == 3:
        numbers = named["labels"], named["boxes"], named["scores"]
        return Layout("ranked", "D-FINE, DEIM or RT-DETR with its post-processing", numbers)
    if {"logits", "pred_boxes"} <= named.keys():
        room = outputs[named["logits"]].shape[-1]
        if classes is not None and room != classes:
            raise EngineError(_counts_differ(room, classes))
        return Layout("query_pair", "RT-DETR or D-FINE of Transformers", (named["logits"], named["pred_boxes"]))
    if {"dets", "labels"} <= named.keys():
        raise EngineError("is an RF-DETR export, whose classes and colours are not known here; export D-FINE or YOLO")
    if any(name.startswith(("num_det", "det_")) for name in named):
        raise EngineError(
            "ends in the suppression of TensorRT or ONNX Runtime (num_dets, det_boxes, …); export it without "
            "(YOLOv6 and YOLOv7: no --end2end)"
        )
    return None


def _one_output(first: int | None, second: int | None, classes: int | None, size: tuple[int, int]) -> Layout | None:
    """The kind of one output of two sides, without its batch; None if it is none."""
    last, rows_last = grid_strides(second, size), True
    if last and classes is not None and first == classes + 4:
        return Layout("anchors", "YOLOv8 to YOLO12, or YOLO26 without end-to-end", rows_last=rows_last)
    if _is_three_a_cell(second, size) and classes is not None and first == classes + 5:
        return Layout("objectness", "YOLOv5 or YOLOv7, transposed", rows_last=rows_last)
    if last:
        return None
    cells = grid_strides(first, size)
    if cells and classes is not None and second == classes + 4:
        return Layout("anchors", "YOLOv8 to YOLO12, transposed")
    if cells:
        is_grid = classes is not None and second == classes + 5
        return Layout("grid", "YOLOX or YOLOv6", strides=cells) if is_grid else None
    if _is_three_a_cell(first, size):
        is_v5 = classes is not None and second == classes + 5
        return Layout("objectness", "YOLOv5 or YOLOv7") if is_v5 else None
    if second == 6:
        return Layout("end_to_end", "end-to-end: YOLOv10, YOLO26, or an export with `nms`")
    if classes is None or first is None or second is None:
        return None
    if second == classes + 4 and first <= _QUERIES_MAX:
        return Layout("queries", "RT-DETR")
    if first == classes + 4 and second > _QUERIES_MAX:
        return Layout("anchors", "YOLOv8 to YOLO12 on another grid", rows_last=rows_last)
    if second == classes + 4:
        return Layout("anchors", "YOLOv8 to YOLO12 on another grid, transposed")
    if second == classes + 5 and first > _QUERIES_MAX:
        return Layout("objectness", "YOLOv5 or YOLOv7 on another grid")
    return None


def _what_else(outputs: Sequence[Output], classes: int | None) -> str:
    """What outputs are that no detection is in."""
    shapes = [output.shape for output in outputs]
    ranks = {len(shape) for shape in shapes}
    if ranks == {2} and len(shapes) == 1:
        return f"is {_OTHER_TASKS['classify']}; {DETECTION_INSTEAD}"
    if len(shapes) == 1 and ranks == {4} and shapes[0][1] == 1 and shapes[0][3] == 7:
        return f"is an SSD model, which is not known here; {DETECTION_INSTEAD}"
    if len(shapes) == 1 and ranks == {4}:
        return f"is {_OTHER_TASKS['semantic']}; {DETECTION_INSTEAD}"
    if ranks <= {4, 5} and len(shapes) > 1:
        return (
            "gives feature maps that are no boxes yet; export it with its last layer "
            "(YOLOv5: export.py --include onnx; YOLOv7: export.py --grid; YOLOX: one output)"
        )
    if sum(len(shape) == 3 for shape in shapes) == 2 and any(shape[-1] == 4 for shape in shapes):
        return f"has boxes and scores in two outputs, as YOLO-NAS and PP-YOLOE have; {DETECTION_INSTEAD}"
    return f"has outputs that are not known here: {', '.join(map(shape_text, shapes))}; {DETECTION_INSTEAD}"


def _mismatch(shape: Shape, classes: int | None, size: tuple[int, int]) -> str:
    """Why one output of two sides is no kind."""
    text = shape_text(shape)
    if classes is None:
        return (
            f"does not say its class names, and its output {text} does not tell how many it has; export it with "
            "Ultralytics, which writes them, or with 80 COCO classes"
        )
    _, first, second = shape
    values = first if grid_strides(second, size) or _is_three_a_cell(second, size) else second
    extra = (values or 0) - 4 - classes
    has_objectness = _is_three_a_cell(first, size)
    if extra - has_objectness == _MASK_COEFFICIENTS or values == 6 + _MASK_COEFFICIENTS:
        return (
            f"is {_OTHER_TASKS['segment']}: its output {text} has {_MASK_COEFFICIENTS} mask values; {DETECTION_INSTEAD}"
        )
    if values == 7 and not has_objectness and not grid_strides(first, size) and not grid_strides(second, size):
        return f"is {_OTHER_TASKS['obb']}: its output {text} has an angle; {DETECTION_INSTEAD}"
    if extra == 1 and grid_strides(second, size):
        return (
            f"is {_OTHER_TASKS['obb']}, or names {classes} of {classes + 1} classes: its output is {text}; "
            f"{DETECTION_INSTEAD}, with all its names"
        )
    room = (values or 0) - (5 if has_objectness else 4)
    return _counts_differ(room, classes, text)


def _counts_differ(room: int | None, classes: int, text: str = "") -> str:
    shown = f" {text}" if text else ""
    return (
        f"has an output{shown} for {room} classes where its metadata names {classes}; "
        "export it again as a detection model, so that both agree"
    )


def is_batch_rows(shape: Shape) -> bool:
    """Whether an output has a row of seven for each vehicle in the whole batch, as YOLOv7 gives with --end2end."""
    return len(shape) == 2 and shape[1] == 7


def shape_text(shape: Shape) -> str:
    """A shape as people write it."""
    return "x".join("?" if side is None else str(side) for side in shape)


def _is_three_a_cell(anchors: int | None, size: tuple[int, int]) -> bool:
    return (
        anchors is not None and anchors % _ANCHORS_A_CELL == 0 and bool(grid_strides(anchors // _ANCHORS_A_CELL, size))
    )


def _cells(strides: tuple[int, ...], size: tuple[int, int]) -> int:
    return sum(-(-size[0] // stride) * -(-size[1] // stride) for stride in strides)
