"""Refit a YOLO export of a fixed input size to another one.

An export for 640x640 sees a picture of 1280x720 between grey bars, and works on them as hard as on the picture.
Ultralytics' `rect` inference leaves the bars out, but an export has its grid of anchors frozen in: the anchors' points
and strides, and the shapes to which feature maps are folded. Here these are cut down to the new grid.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
import openvino as ov
from openvino import opset13 as ops

from libs.common.errors import EngineError
from services.detector.engines.output_layout import Layout
from services.detector.engines.output_reading import OutputReader

STRIDES: Final = (8, 16, 32)
"""Input pixels per cell of the three grids on which YOLOv8 to YOLO12 detect."""


def rectangle_for(picture_size: tuple[int, int], input_size: tuple[int, int]) -> tuple[int, int]:
    """The smallest input in which a picture has the size that it has in the model's own.

    Args:
        picture_size: (width, height) in pixels.
        input_size: (width, height) of the model's input.

    Returns:
        (width, height), multiples of the coarsest stride, no larger than `input_size`.
    """
    scale = min(input_size[0] / picture_size[0], input_size[1] / picture_size[1])
    cells = [-(-max(1, round(side * scale)) // STRIDES[-1]) for side in picture_size]
    return min(cells[0] * STRIDES[-1], input_size[0]), min(cells[1] * STRIDES[-1], input_size[1])


def refit(model: ov.Model, size: tuple[int, int], layout: Layout) -> ov.Model:
    """A copy of a model for a smaller input.

    Args:
        model: with one input (1, 3, height, width), sides multiples of 32.
        size: (width, height) of the new input, multiples of 32, no larger than the old.
        layout: of its output, which has an anchor for each cell of the three grids.

    Raises:
        EngineError: the model is not of a form that is known here; the text says how it differs.
    """
    _, _, height, width = (int(side) for side in model.input(0).get_shape())
    old, new = _grids((width, height)), _grids(size)
    if layout.kind not in ("anchors", "grid"):
        raise EngineError("models of its kind cannot be refitted")
    if any(side % STRIDES[-1] for side in (width, height)):
        raise EngineError(f"its input {width}x{height} is no multiple of {STRIDES[-1]}")
    refitted = model.clone()
    try:
        nodes = refitted.get_ordered_ops()
        refitted.get_parameters()[0].set_partial_shape(ov.PartialShape([1, 3, size[1], size[0]]))
        for node in nodes:
            if node.get_type_name() == "Constant":
                _cut_anchors(node, old, new)
            elif node.get_type_name() in ("Reshape", "Interpolate"):
                _cut_shape(node, old, new)
        refitted.validate_nodes_and_infer_types()
    except RuntimeError as error:
        raise EngineError(f"its shapes do not follow: {str(error).splitlines()[-1]}") from error
    anchors = int(refitted.output(layout.outputs[0]).get_shape()[-1 if layout.rows_last else -2])
    if anchors != _anchors(new):
        raise EngineError(f"it has {anchors} anchors at {size[0]}x{size[1]} instead of {_anchors(new)}")
    return refitted


def make_probe(size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """A picture of soft blots, (height, width, 3), that gives every anchor something to see."""
    blots = np.random.default_rng(seed=1).integers(0, 256, (size[1] // 32, size[0] // 32, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(blots, size, interpolation=cv2.INTER_CUBIC), np.uint8)


def outputs_agree(
    reader: OutputReader,
    own: tuple[Sequence[npt.NDArray[Any]], tuple[int, int]],
    refitted: tuple[Sequence[npt.NDArray[Any]], tuple[int, int]],
) -> bool:
    """Whether a refitted model's anchors are where they should be.

    Args:
        reader: of the model's outputs.
        own: outputs of the model as it came for a picture that fills the top left of its input, and (width, height) of
            the input.
        refitted: outputs of the refitted model for that picture, and (width, height) of its input.

    Returns:
        True if the median box is off by less than half of the finest stride: what is beyond the picture's border
        differs, so boxes do, a little; misplaced anchors are off by many strides.
    """
    boxes, other = (reader.boxes(outputs, size).T for outputs, size in (own, refitted))
    if boxes.shape[1] != _anchors(_grids(own[1])):
        return False
    kept = _cut(boxes, _grids(own[1]), _grids(refitted[1]))
    return kept.shape == other.shape and bool(np.median(np.abs(kept - other)) < STRIDES[0] / 2)


Grid = tuple[int, int]
"""(rows, columns) of cells."""


def _grids(size: tuple[int, int]) -> list[Grid]:
    return [(size[1] // stride, size[0] // stride) for stride in STRIDES]


def _anchors(grids: list[Grid]) -> int:
    return sum(rows * columns for rows, columns in grids)


def _cut_anchors(constant: ov.Node, old: list[Grid], new: list[Grid]) -> None:
    """Replace a constant of one value an anchor (points or strides) by the part that the new grids keep."""
    shape = constant.get_output_shape(0)
    if len(shape) and int(shape[-1]) == _anchors(old):
        kept = np.ascontiguousarray(_cut(constant.get_data(), old, new))
        _replace(constant, kept)


def _cut(values: npt.NDArray[Any], old: list[Grid], new: list[Grid]) -> npt.NDArray[Any]:
    """Of values (..., anchors), those of the cells in the top left of each grid."""
    parts, start = [], 0
    for (rows, columns), (new_rows, new_columns) in zip(old, new, strict=True):
        grid = values[..., start : start + rows * columns].reshape(*values.shape[:-1], rows, columns)
        parts.append(grid[..., :new_rows, :new_columns].reshape(*values.shape[:-1], new_rows * new_columns))
        start += rows * columns
    return np.concatenate(parts, axis=-1)


def _cut_shape(node: ov.Node, old: list[Grid], new: list[Grid]) -> None:
    """Bring a shape that is frozen into a node (one grid, or one folded grid, or all anchors) to the new grids."""
    source = node.input(1).get_source_output().get_node()
    if source.get_type_name() != "Constant":
        return
    shape = [int(side) for side in source.get_data().reshape(-1)]
    for (rows, columns), (new_rows, new_columns) in zip(old, new, strict=True):
        if tuple(shape[-2:]) == (rows, columns):
            shape[-2:] = [new_rows, new_columns]
            break
        if shape[-1] == rows * columns:
            shape[-1] = new_rows * new_columns
            break
    else:
        if shape[-1] != _anchors(old):
            return
        shape[-1] = _anchors(new)
    # The constant may serve other nodes, too: only this one takes the new shape.
    node.input(1).replace_source_output(ops.constant(np.array(shape, source.get_data().dtype)).output(0))


def _replace(constant: ov.Node, values: npt.NDArray[np.generic]) -> None:
    new = ops.constant(values)
    for target in constant.output(0).get_target_inputs():
        target.replace_source_output(new.output(0))
