"""The table of exports: each kind is read right, or refused by name with what to export instead."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto

from libs.common.errors import EngineError
from services.detector.engines.loading import load_engine
from services.detector.settings import DetectorSettings
from tests.support.exports import (
    BOX,
    CENTRE_AND_SIZE,
    COCO_CAR,
    Array,
    Export,
    anchors,
    coco_names,
    end_to_end,
    objectness,
    queries,
    ranked,
    yolox,
)

COCO = coco_names()
SHARES = np.array(CENTRE_AND_SIZE) / 640
SQUARE = np.full((640, 640, 3), 90, np.uint8)


def out(values: Array) -> Mapping[str, Array]:
    return {"output0": values}


def batch_rows() -> Mapping[str, Array]:
    """As YOLOv7 gives with --end2end: picture, corners, class, score."""
    return {"output": np.array([[0, *BOX, 2, 0.9]], np.float32)}


def transformers(classes: int, class_id: int) -> Mapping[str, Array]:
    both = queries(classes, class_id, logits=True)
    return {"logits": both[..., 4:].copy(), "pred_boxes": both[..., :4].copy()}


def ranked_queries() -> Array:
    """Centre and size in shares of the picture, score, class."""
    values = queries(2, 0)
    values[0, 5, 4:] = 0.9, COCO_CAR
    return values


def yolov6(classes: int, class_id: int) -> Array:
    values = objectness(classes, class_id, count=8400, scores=(1, 0.9))
    values[..., 4] = 1
    return values


READ = {
    "YOLOv8": Export(out(anchors(80, COCO_CAR)), COCO),
    "YOLOv8, 1 class": Export(out(anchors(1, 0)), "{0: 'car'}"),
    "YOLOv8, 2 classes": Export(out(anchors(2, 1)), "{0: 'person', 1: 'car'}"),
    "YOLOv8, 3 classes": Export(out(anchors(3, 0)), "{0: 'car', 1: 'a', 2: 'b'}"),
    "YOLOv8 in shares": Export(out(anchors(80, COCO_CAR, box=SHARES)), COCO),
    "YOLOv8 transposed": Export(out(anchors(80, COCO_CAR).transpose(0, 2, 1).copy()), COCO),
    "YOLOv8 transposed, 1 class": Export(out(anchors(1, 0).transpose(0, 2, 1).copy()), "{0: 'car'}"),
    "YOLOv8 transposed, 2 classes": Export(out(anchors(2, 0).transpose(0, 2, 1).copy()), "['car', 'bus']"),
    "YOLOv8 with four grids": Export(out(anchors(80, COCO_CAR, count=34000)), COCO),
    "YOLOv8 P6": Export(out(anchors(80, COCO_CAR, count=8500)), COCO),
    "YOLOv5": Export(out(objectness(80, COCO_CAR)), COCO),
    "YOLOv5, 1 class": Export(out(objectness(1, 0)), "{0: 'car'}"),
    "YOLOv5, 2 classes": Export(out(objectness(2, 0)), "{0: 'car', 1: 'bus'}"),
    "YOLOv5 with logits": Export(out(objectness(80, COCO_CAR, scores=(4, 4), background=-9)), COCO),
    "YOLOv5 without names": Export(out(objectness(80, COCO_CAR))),
    "YOLOv5 with its feature maps": Export(
        {
            **out(objectness(80, COCO_CAR)),
            "s8": np.zeros((1, 3, 80, 80, 85), np.float32),
            "s16": np.zeros((1, 3, 40, 40, 85), np.float32),
        },
        COCO,
    ),
    "YOLOv6": Export(out(yolov6(80, COCO_CAR))),
    "YOLOv6, 1 class": Export(out(yolov6(1, 0)), "{0: 'car'}"),
    "YOLOv7 --end2end": Export(batch_rows(), COCO),
    "YOLOv10": Export(out(end_to_end(COCO_CAR)), COCO),
    "YOLO26, 1 class": Export(out(end_to_end(0)), "{0: 'car'}"),
    "YOLO26, 2 classes": Export(out(end_to_end(1)), "{0: 'person', 1: 'car'}"),
    "YOLO26, 100 rows": Export(out(end_to_end(COCO_CAR, count=100)), COCO),
    "end-to-end in shares": Export(out(end_to_end(COCO_CAR, box=tuple(np.array(BOX) / 640))), COCO),
    "RT-DETR": Export(out(queries(80, COCO_CAR)), COCO),
    "RT-DETR, 1 class": Export(out(queries(1, 0)), "{0: 'car'}"),
    "RT-DETR, 2 classes": Export(out(queries(2, 1)), "{0: 'person', 1: 'car'}"),
    "RT-DETR, 2 classes, the first": Export(out(queries(2, 0)), "{0: 'car', 1: 'person'}"),
    "RT-DETR, ranked, of newer Ultralytics": Export(out(ranked_queries()), COCO),
    "RT-DETR with logits": Export(out(queries(80, COCO_CAR, logits=True)), COCO),
    "RT-DETR of Transformers": Export(transformers(80, COCO_CAR)),
    "D-FINE": Export(ranked(COCO_CAR), takes_sizes=True),
    "D-FINE with names": Export(ranked(0), "['car']", takes_sizes=True),
    "YOLOX": Export(out(yolox(80, COCO_CAR))),
    "YOLOX, 1 class": Export(out(yolox(1, 0)), "{0: 'car'}"),
    "YOLOX decoded": Export(out(objectness(80, COCO_CAR, count=8400))),
    "YOLOX with logits": Export(out(objectness(80, COCO_CAR, count=8400, scores=(4, 4), background=-9))),
    "FP16": Export(out(anchors(80, COCO_CAR).astype(np.float16)), COCO, input_type=TensorProto.FLOAT16),
    "bytes": Export(out(anchors(80, COCO_CAR)), COCO, input_type=TensorProto.UINT8),
    "NHWC": Export(out(anchors(80, COCO_CAR)), COCO, shape=(1, 640, 640, 3)),
    "any size": Export(out(anchors(80, COCO_CAR)), COCO, shape=(0, 3, 0, 0), metadata={"imgsz": "[640, 640]"}),
    "any size, not said": Export(out(anchors(80, COCO_CAR)), COCO, shape=(0, 3, 0, 0)),
    "any batch": Export(out(anchors(80, COCO_CAR)), COCO, shape=(0, 3, 640, 640)),
    "batch of 4": Export(out(np.repeat(anchors(80, COCO_CAR), 4, axis=0)), COCO, shape=(4, 3, 640, 640)),
    "batch of 4, end-to-end": Export(out(np.repeat(end_to_end(COCO_CAR), 4, axis=0)), COCO, shape=(4, 3, 640, 640)),
}


@pytest.mark.parametrize("kind", READ)
def test_an_export_is_read_right(kind: str, tmp_path: Path) -> None:
    engine = load_engine(DetectorSettings(model=str(READ[kind].save(tmp_path / "model.onnx")), workers=1))
    found = engine.detect([SQUARE], 0.25)[0]
    assert found.xyxy.tolist() == [pytest.approx(BOX, abs=0.5)]
    assert found.data["class_name"].tolist() == ["car"]
    assert 0.85 < found.confidence[0] <= 0.99


DETECTION_INSTEAD = "export a detection model instead"
TWO_SIDES = np.zeros((1, 4, 8400), np.float32)
REFUSED = {
    "classifier": (Export(out(np.array([[0.9, 0.1]], np.float32)), "['car', 'empty']"), "is a classifier"),
    "classifier that says so": (
        Export(out(np.array([[0.9, 0.1]], np.float32)), "['car', 'empty']", metadata={"task": "classify"}),
        "is a classifier",
    ),
    "segmentation": (
        Export({**out(anchors(80 + 32, 2)), "output1": np.zeros((1, 32, 160, 160), np.float32)}, COCO),
        "is a segmentation model",
    ),
    "segmentation, masks left out": (Export(out(anchors(80 + 32, 2)), COCO), "is a segmentation model"),
    "segmentation that says so": (
        Export(out(anchors(80 + 32, 2)), COCO, metadata={"task": "segment"}),
        "is a segmentation model",
    ),
    "segmentation, end-to-end": (
        Export(
            {
                **out(np.zeros((1, 300, 38), np.float32)),
                "output1": np.zeros((1, 32, 160, 160), np.float32),
            },
            COCO,
        ),
        "is a segmentation model",
    ),
    "segmentation of YOLOv5": (
        Export({**out(objectness(80 + 32, 2)), "output1": np.zeros((1, 32, 160, 160), np.float32)}, COCO),
        "is a segmentation model",
    ),
    "pose that says so": (Export(out(anchors(1 + 51, 0)), "['car']", metadata={"task": "pose"}), "is a pose model"),
    "pose": (Export(out(anchors(1 + 51, 0)), "['car']"), "for 52 classes where its metadata names 1"),
    "OBB that says so": (Export(out(anchors(15 + 1, 0)), str(["car"] * 15), metadata={"task": "obb"}), "rotated boxes"),
    "OBB": (Export(out(anchors(15 + 1, 0)), str([f"car{n}" for n in range(15)])), "rotated boxes"),
    "OBB, end-to-end": (Export(out(np.zeros((1, 300, 7), np.float32)), COCO), "rotated boxes"),
    "semantic segmentation": (Export(out(np.zeros((1, 19, 64, 64), np.float32)), COCO), "a semantic segmentation"),
    "SSD": (Export(out(np.zeros((1, 1, 200, 7), np.float32)), COCO), "is an SSD model"),
    "feature maps": (
        Export(
            {
                "s8": np.zeros((1, 255, 80, 80), np.float32),
                "s16": np.zeros((1, 255, 40, 40), np.float32),
                "s32": np.zeros((1, 255, 20, 20), np.float32),
            },
            COCO,
        ),
        "feature maps that are no boxes yet",
    ),
    "RF-DETR": (
        Export({"dets": np.zeros((1, 300, 4), np.float32), "labels": np.zeros((1, 300, 91), np.float32)}),
        "is an RF-DETR export",
    ),
    "NMS of TensorRT": (
        Export(
            {
                "num_dets": np.zeros((1, 1), np.int32),
                "det_boxes": np.zeros((1, 100, 4), np.float32),
                "det_scores": np.zeros((1, 100), np.float32),
                "det_classes": np.zeros((1, 100), np.int32),
            },
            COCO,
        ),
        "no --end2end",
    ),
    "YOLO-NAS": (
        Export({"boxes": np.zeros((1, 8400, 4), np.float32), "classes": np.zeros((1, 8400, 80), np.float32)}, COCO),
        "YOLO-NAS",
    ),
    "more names than classes": (Export(out(anchors(2, 0)), COCO), "for 2 classes where its metadata names 80"),
    "fewer names than classes": (Export(out(anchors(80, 2)), "['car', 'bus']"), "for 80 classes where .* names 2"),
    "YOLOv5, more names": (Export(out(objectness(2, 0)), COCO), "for 2 classes where its metadata names 80"),
    "YOLOv5, fewer names": (Export(out(objectness(80, 2)), "['car']"), "for 80 classes where its metadata names 1"),
    "RT-DETR, more names": (
        Export(out(queries(2, 1)), "['a', 'car', 'b', 'c']"),
        "2 classes where its metadata names 4",
    ),
    "end-to-end, fewer names": (Export(out(end_to_end(COCO_CAR)), "['car']"), "finds class 2 where .* names 1"),
    "no names": (Export(out(anchors(3, 0))), "does not (say|name) its class"),
    "empty names": (Export(out(anchors(3, 0)), "{}"), "does not (say|name) its class"),
    "names of nothing": (Export(out(anchors(3, 0)), ""), "does not (say|name) its class"),
    "end-to-end without names": (Export(out(end_to_end(0))), "does not name its classes"),
    "broken names": (Export(out(anchors(80, 2)), "{0: 'car', 1:"), "class names cannot be read"),
    "names that are no names": (Export(out(anchors(80, 2)), "7"), "class names cannot be read"),
    "no vehicles": (Export(out(anchors(2, 0)), "['cat', 'dog']"), "knows no car, .* DETECTOR_CLASSES='cat=car'"),
    "one channel": (Export(out(anchors(80, 2)), COCO, shape=(1, 1, 640, 640)), "1 channels"),
    "no picture": (Export(out(anchors(80, 2)), COCO, shape=(1, 1000)), "takes no picture"),
    "whole numbers": (Export(out(anchors(80, 2)), COCO, input_type=TensorProto.INT32), "takes .* values"),
    "rows of six that are no scores": (Export(out(np.full((1, 300, 6), 7, np.float32)), COCO), "no score between"),
    "not numbers": (Export(out(np.full((1, 84, 8400), np.nan, np.float32)), COCO), "no numbers"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_another_kind_is_refused_by_name_in_one_sentence(kind: str, tmp_path: Path) -> None:
    export, problem = REFUSED[kind]
    file = export.save(tmp_path / "wrong one.onnx")
    with pytest.raises(EngineError, match=problem) as raised:
        load_engine(DetectorSettings(model=str(file), workers=1))
    assert "wrong one.onnx" in str(raised.value)
    assert "\n" not in str(raised.value)
