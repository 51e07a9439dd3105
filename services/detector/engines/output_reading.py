"""Read the outputs of a detection model: pure, without the engine that made them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal

import cv2
import numpy as np
import numpy.typing as npt
import supervision as sv

from libs.common.errors import EngineError
from services.detector.engines.base import make_detections
from services.detector.engines.letterbox import Letterbox
from services.detector.engines.output_layout import Layout

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.int64]
Boxes = Literal["pixels", "shares", "cells"]
"""What boxes are measured in: pixels of the input, shares of it, or cells of the grid with logarithms of their size."""

_SHARES_MAX: Final = 2.0
"""No box in pixels is this small; a box in shares reaches over the border by less."""
_CELLS_MAX: Final = 32.0
"""Boxes that are not decoded stay below this: offsets of some cells, and logarithms of sizes."""
_SLACK: Final = 1e-3
_LIKELY: Final = 0.1
"""Rows that score less may be anything."""


@dataclass(frozen=True, slots=True)
class Values:
    """What the values of a model's outputs mean, where their shapes do not tell.

    Attributes:
        boxes: see `Boxes`.
        scores_are_logits: scores need a sigmoid.
        objectness_is_logits: objectness needs one.
        objectness_is_one: for every anchor, as YOLOv6 has it.
    """

    boxes: Boxes = "pixels"
    scores_are_logits: bool = False
    objectness_is_logits: bool = False
    objectness_is_one: bool = False


@dataclass(frozen=True, slots=True)
class OutputReader:
    """Reads outputs of one layout.

    Attributes:
        layout: what kind of export it is.
        values: what its values mean.
    """

    layout: Layout
    values: Values

    def read(
        self,
        outputs: Sequence[npt.NDArray[np.generic]],
        vehicles: Mapping[int, str],
        letterbox: Letterbox,
        size: tuple[int, int],
        limits: tuple[float, float],
    ) -> sv.Detections:
        """The vehicles in one picture's outputs.

        Args:
            outputs: those that the layout names, each without its batch.
            vehicles: class id → vehicle class.
            letterbox: how the picture lies in the input.
            size: (width, height) of the input.
            limits: least score that is kept; overlap above which the lower-scored of two boxes goes, whatever their
                classes. Both 0..1.

        Returns:
            Detections in picture pixels, best first.
        """
        confidence, nms_iou = limits
        ids = np.array(sorted(vehicles))
        xyxy, scores, classes = self._candidates(outputs, ids, size, confidence)
        keep = _suppress(xyxy, scores, confidence, nms_iou)
        names = np.array([vehicles[int(class_id)] for class_id in classes[keep]], dtype=object)
        return make_detections(letterbox.to_picture(xyxy[keep]), scores[keep], names)

    def boxes(self, outputs: Sequence[npt.NDArray[np.generic]], size: tuple[int, int]) -> Floats:
        """All boxes as (n, 4) corners in pixels of the input, whatever their scores."""
        columns, corners = _box_columns(self.layout, outputs)
        return self._to_corners(columns.astype(np.float32), np.arange(columns.shape[1]), size, corners)

    def _candidates(
        self, outputs: Sequence[npt.NDArray[np.generic]], ids: Ids, size: tuple[int, int], confidence: float
    ) -> tuple[Floats, Floats, Ids]:
        """Corners, scores and classes of what is likely enough."""
        columns, corners = _box_columns(self.layout, outputs)
        labelled = _labels_and_scores(self.layout, outputs)
        if labelled is not None:
            classes, scores = labelled
            kept = np.flatnonzero((scores >= confidence) & np.isin(classes, ids))
            classes, scores = classes[kept], scores[kept]
        else:
            every = self._scores(outputs, ids)
            best = every.max(axis=0)
            kept = np.flatnonzero(best >= confidence)
            scores, classes = best[kept], ids[every[:, kept].argmax(axis=0)]
        return self._to_corners(columns, kept, size, corners), scores.astype(np.float32), classes.astype(np.int64)

    def _scores(self, outputs: Sequence[npt.NDArray[np.generic]], ids: Ids) -> Floats:
        """(classes of `ids`, anchors) scores, 0..1."""
        objectness, scores = _score_columns(self.layout, outputs)
        wanted = scores[ids].astype(np.float32)
        if self.values.scores_are_logits:
            wanted = _sigmoid(wanted)
        if objectness is None or self.values.objectness_is_one:
            return wanted
        objectness = objectness.astype(np.float32)
        product: Floats = wanted * (_sigmoid(objectness) if self.values.objectness_is_logits else objectness)
        return product

    def _to_corners(self, columns: Floats, kept: npt.NDArray[np.intp], size: tuple[int, int], corners: bool) -> Floats:
        """Boxes of the anchors `kept` as (n, 4) corners in pixels of the input."""
        boxes = columns[:, kept].astype(np.float32)
        if self.values.boxes == "cells":
            boxes = _decode_cells(boxes, kept, size, self.layout.strides)
        elif self.values.boxes == "shares":
            boxes = boxes * np.array([*size, *size], np.float32)[:, None]
        if corners:
            return boxes.T
        half = boxes[2:] / 2
        whole: Floats = np.concatenate([boxes[:2] - half, boxes[:2] + half]).T
        return whole


def learn_values(layout: Layout, probes: Sequence[Sequence[npt.NDArray[np.generic]]], classes: int) -> OutputReader:
    """Find out what values mean by looking at the outputs for some pictures.

    Args:
        layout: by the shapes.
        probes: for each picture the outputs that the layout names, each without its batch.
        classes: how many the model has.

    Raises:
        EngineError: the values are not those of such a model; what is wrong, to be put behind the name of the file.
    """
    if layout.kind == "end_to_end":
        layout = _rows_of_six(layout, np.concatenate([_floats(outputs[0]) for outputs in probes]), classes)
    boxes = np.concatenate([_box_columns(layout, outputs)[0] for outputs in probes], axis=1)
    if not np.isfinite(boxes).all():
        raise EngineError("gives boxes that are no numbers; export it again in FP32")
    largest = float(np.abs(boxes).max(initial=0.0))
    labelled = [found for found in (_labels_and_scores(layout, outputs) for outputs in probes) if found is not None]
    for labels, scores in labelled:
        _check_labels(labels, scores, classes)
    if labelled:
        return OutputReader(layout, Values("shares" if 0 < largest <= _SHARES_MAX else "pixels"))
    columns = [_score_columns(layout, outputs) for outputs in probes]
    objectness = np.concatenate([one for one, _ in columns if one is not None] or [np.empty(0, np.float32)])
    is_one = bool(len(objectness)) and bool((objectness == 1).all())
    is_grid = layout.kind == "grid" and not is_one
    in_shares = 0 < largest <= _SHARES_MAX and not is_grid
    if layout.kind == "grid":
        layout = replace(layout, family="YOLOX" if is_grid else "YOLOv6")
    return OutputReader(
        layout,
        Values(
            boxes="cells" if is_grid and largest <= _CELLS_MAX else "shares" if in_shares else "pixels",
            scores_are_logits=any(_are_logits(scores) for _, scores in columns),
            objectness_is_logits=_are_logits(objectness),
            objectness_is_one=is_one,
        ),
    )


def _box_columns(layout: Layout, outputs: Sequence[npt.NDArray[np.generic]]) -> tuple[Floats, bool]:
    """Boxes as (4, anchors), and whether they are corners instead of centre and size."""
    if layout.kind == "query_pair":
        return _floats(outputs[1]).T, False
    if layout.kind == "ranked":
        return _floats(outputs[1]).T, True
    if layout.kind == "batch_rows":
        return _floats(outputs[0])[:, 1:5].T, True
    columns = _columns(layout, outputs)
    return columns[:4], layout.kind == "end_to_end"


def _labels_and_scores(layout: Layout, outputs: Sequence[npt.NDArray[np.generic]]) -> tuple[Ids, Floats] | None:
    """Class and score of each row, of a model that has chosen the class itself."""
    if layout.kind == "ranked":
        return outputs[0].astype(np.int64), _floats(outputs[2])
    if layout.kind in ("end_to_end", "ranked_queries"):
        rows = _floats(outputs[0])
        return rows[:, 5].astype(np.int64), rows[:, 4]
    if layout.kind == "batch_rows":
        rows = _floats(outputs[0])
        return rows[:, 5].astype(np.int64), rows[:, 6]
    return None


def _score_columns(layout: Layout, outputs: Sequence[npt.NDArray[np.generic]]) -> tuple[Floats | None, Floats]:
    """Objectness (anchors,), if there is one, and scores (classes, anchors)."""
    if layout.kind == "query_pair":
        return None, _floats(outputs[0]).T
    columns = _columns(layout, outputs)
    if layout.kind in ("objectness", "grid"):
        return columns[4], columns[5:]
    return None, columns[4:]


def _columns(layout: Layout, outputs: Sequence[npt.NDArray[np.generic]]) -> Floats:
    """The one output as (values, anchors)."""
    output = _floats(outputs[0])
    return output if layout.rows_last else output.T


def _floats(values: npt.NDArray[np.generic]) -> Floats:
    return values.astype(np.float32, copy=False)


def _check_labels(labels: Ids, scores: Floats, classes: int) -> None:
    if not np.isfinite(scores).all() or scores.min(initial=0.0) < -_SLACK or scores.max(initial=0.0) > 1 + _SLACK:
        raise EngineError(
            "has rows of six values whose fifth is no score between 0 and 1; export it as YOLOv8 or newer"
        )
    used = labels[scores > _SLACK]
    if len(used) and int(used.max()) >= classes:
        raise EngineError(
            f"finds class {int(used.max())} where its metadata names {classes}; export it again with all its names"
        )


def _rows_of_six(layout: Layout, rows: Floats, classes: int) -> Layout:
    """Tell end-to-end rows (corners, score, class) from RT-DETR's (centre, size, score and class, or two scores)."""
    has_classes = bool((rows[:, 5] == np.round(rows[:, 5])).all())
    in_shares = bool(np.abs(rows[:, :4]).max(initial=0.0) <= _SHARES_MAX)
    certain = rows if in_shares else rows[rows[:, 4] > _LIKELY]
    if has_classes and (certain[:, 2:4] >= certain[:, :2]).all():
        return layout
    if has_classes and in_shares:
        return Layout("ranked_queries", "RT-DETR with its post-processing", layout.outputs)
    if classes == 2:
        return Layout("queries", "RT-DETR", layout.outputs)
    raise EngineError(
        "has rows of six values that are no corners, score and class; for RT-DETR that is 2 classes where its metadata "
        f"names {classes}; export it again, so that both agree"
    )


def _are_logits(scores: Floats) -> bool:
    return bool(scores.min(initial=0.0) < -_SLACK or scores.max(initial=0.0) > 1 + _SLACK)


def _decode_cells(boxes: Floats, kept: npt.NDArray[np.intp], size: tuple[int, int], strides: Sequence[int]) -> Floats:
    """Centre and size in pixels from offsets in cells and logarithms (YOLOX: Ge et al., 2021, section 2.1)."""
    corners, steps = _cells(size, tuple(strides))
    centre = (boxes[:2] + corners[:, kept]) * steps[kept]
    decoded: Floats = np.concatenate([centre, np.exp(boxes[2:]) * steps[kept]])
    return decoded


@lru_cache(maxsize=16)
def _cells(size: tuple[int, int], strides: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Column and row (2, cells) of each cell in its grid, and the cell's side (cells,) in pixels; finest grid first."""
    corners, steps = [], []
    for stride in strides:
        rows, columns = np.indices((-(-size[1] // stride), -(-size[0] // stride)))
        corners.append(np.stack([columns.ravel(), rows.ravel()]))
        steps.append(np.full(rows.size, stride))
    return np.concatenate(corners, axis=1).astype(np.float32), np.concatenate(steps).astype(np.float32)


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -60, 60))), np.float32)


def _suppress(xyxy: Floats, scores: Floats, confidence: float, nms_iou: float) -> Ids:
    """Indices that survive greedy non-maximum suppression, best first."""
    if not len(xyxy):
        return np.empty(0, np.int64)
    xywh = np.concatenate([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]], axis=1)
    keep = cv2.dnn.NMSBoxes(xywh.tolist(), scores.tolist(), confidence * 0.999, nms_iou)
    return np.asarray(keep, np.int64).reshape(-1)
