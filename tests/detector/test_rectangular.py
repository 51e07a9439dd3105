"""Models refitted to pictures of another shape find what they found between grey bars."""

from __future__ import annotations

from itertools import islice

import numpy as np
import openvino as ov
import pytest
import supervision as sv
from openvino import opset13 as ops

from deploy.demo.model.measuring import read_clip
from libs.common.errors import EngineError
from services.detector.engines.base import Engine, Picture
from services.detector.engines.letterbox import GREY
from services.detector.engines.loading import load_engine
from services.detector.engines.output_layout import Layout
from services.detector.engines.output_reading import OutputReader, Values
from services.detector.engines.rectangular import outputs_agree, rectangle_for, refit
from services.detector.pictures import decode
from services.detector.settings import DEMO_MODEL, DetectorSettings
from tests.support.real_data import PKLOT, YOLO11N, needs_real_data

YOLOV8 = OutputReader(Layout("anchors", "YOLOv8", rows_last=True), Values())


@pytest.mark.parametrize(
    ("picture_size", "rectangle"),
    [
        ((1280, 720), (640, 384)),
        ((1920, 1080), (640, 384)),
        ((640, 480), (640, 480)),
        ((720, 1280), (384, 640)),
        ((500, 500), (640, 640)),
        ((4000, 10), (640, 32)),
    ],
)
def test_a_rectangle_is_as_small_as_the_picture_allows(
    picture_size: tuple[int, int], rectangle: tuple[int, int]
) -> None:
    assert rectangle_for(picture_size, (640, 640)) == rectangle


def in_grey(picture: Picture, size: tuple[int, int]) -> Picture:
    """The picture in the middle of a grey one of that size (width, height)."""
    height, width = picture.shape[:2]
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    whole = np.full((size[1], size[0], 3), GREY, np.uint8)
    whole[top : top + height, left : left + width] = picture
    return whole


def assert_same_vehicles(engine: Engine, picture: Picture, grey: Picture) -> None:
    """What is found for certain in the picture is found, at the same place, in the picture with grey round it."""
    offset = [(grey.shape[1] - picture.shape[1]) // 2, (grey.shape[0] - picture.shape[0]) // 2] * 2
    for one, other, shift in ((picture, grey, offset), (grey, picture, [-side for side in offset])):
        certain, all_found = engine.detect([one], 0.5)[0], engine.detect([other], 0.25)[0]
        assert len(certain) >= 3
        ious = sv.box_iou_batch(certain.xyxy + np.array(shift), all_found.xyxy)
        assert ious.max(axis=1).min() > 0.75


@needs_real_data
def test_a_wide_picture_of_a_real_lot_needs_no_grey_bars() -> None:
    engine = load_engine(DetectorSettings(model=str(YOLO11N), workers=1))
    picture = decode(sorted(PKLOT.glob("*.jpg"))[3].read_bytes())
    assert_same_vehicles(engine, picture, in_grey(picture, (1280, 1280)))


def test_the_demos_model_takes_other_shapes_too() -> None:
    engine = load_engine(DetectorSettings(workers=1))
    frame = next(islice(read_clip(DEMO_MODEL.parent / "north.mp4"), 100, 101))
    picture = np.ascontiguousarray(frame[:, 160:1120])
    assert rectangle_for((960, 720), engine.input_size) == (384, 288)
    assert_same_vehicles(engine, picture, in_grey(picture, (1280, 720)))


def test_misplaced_anchors_are_noticed() -> None:
    own = np.random.default_rng(2).uniform(0, 512, (8, 3024)).astype(np.float32)
    for other, agrees in ((own, True), (own[:, ::-1], False), (own[:, :-1], False)):
        assert outputs_agree(YOLOV8, ([own], (512, 288)), ([other], (512, 288))) is agrees


def test_a_model_of_another_form_is_left_as_it_is() -> None:
    pictures = ops.parameter([1, 3, 64, 64], np.float32)
    folded = ops.reshape(pictures, ops.constant(np.array([1, 12, 1024], np.int64)), special_zero=False)
    model = ov.Model([ops.result(folded)], [pictures])
    with pytest.raises(EngineError, match="its shapes do not follow"):
        refit(model, (64, 32), YOLOV8.layout)
