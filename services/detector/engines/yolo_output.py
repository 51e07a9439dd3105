"""Read the output tensor of a YOLO model: pure, without the engine that made it."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
import numpy.typing as npt
import supervision as sv

from services.detector.engines.base import make_detections
from services.detector.engines.letterbox import Letterbox

Floats = npt.NDArray[np.float32]


def read_output(
    output: Floats, vehicle_ids: Mapping[int, str], letterbox: Letterbox, confidence: float, nms_iou: float
) -> sv.Detections:
    """The vehicles in one picture's output.

    Args:
        output: (4 + classes, anchors), rows cx, cy, w, h in input pixels and one score a class (YOLOv8 to YOLO12), or
            (n, 6), rows x1, y1, x2, y2, score, class of a model that ends in its own NMS.
        vehicle_ids: class id → vehicle class name.
        letterbox: how the picture lies in the input.
        confidence: least score kept, 0..1.
        nms_iou: overlap above which the lower-scored of two boxes goes, whatever their classes.

    Returns:
        Detections in picture pixels, best first.
    """
    ids = np.array(sorted(vehicle_ids))
    if output.shape[1] == 6 and output.shape[0] != 6:
        xyxy, scores, classes = _read_end_to_end(output, ids, confidence)
    else:
        xyxy, scores, classes = _read_anchors(output, ids, confidence)
    keep = _suppress(xyxy, scores, confidence, nms_iou)
    names = np.array([vehicle_ids[int(class_id)] for class_id in classes[keep]], dtype=object)
    return make_detections(letterbox.to_picture(xyxy[keep]), scores[keep], names)


def _read_anchors(
    output: Floats, ids: npt.NDArray[np.int64], confidence: float
) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    scores_of = output[4 + ids]
    best = scores_of.max(axis=0)
    candidates = np.flatnonzero(best >= confidence)
    cx, cy, width, height = output[:4, candidates]
    xyxy = np.stack([cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2], axis=1)
    return xyxy, best[candidates], ids[scores_of[:, candidates].argmax(axis=0)]


def _read_end_to_end(
    output: Floats, ids: npt.NDArray[np.int64], confidence: float
) -> tuple[Floats, Floats, npt.NDArray[np.int64]]:
    classes = output[:, 5].astype(np.int64)
    wanted = (output[:, 4] >= confidence) & np.isin(classes, ids)
    return output[wanted, :4], output[wanted, 4], classes[wanted]


def _suppress(xyxy: Floats, scores: Floats, confidence: float, nms_iou: float) -> npt.NDArray[np.int64]:
    """Indices that survive greedy non-maximum suppression, best first."""
    if not len(xyxy):
        return np.empty(0, np.int64)
    xywh = np.concatenate([xyxy[:, :2], xyxy[:, 2:] - xyxy[:, :2]], axis=1)
    keep = cv2.dnn.NMSBoxes(xywh.tolist(), scores.tolist(), confidence * 0.999, nms_iou)
    return np.asarray(keep, np.int64).reshape(-1)
