from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from services.detector.engines.letterbox import GREY, fit
from services.detector.engines.output_layout import Layout
from services.detector.engines.output_reading import OutputReader, Values

IDS = {1: "car", 2: "truck"}
ANCHORS = OutputReader(Layout("anchors", "YOLOv8", rows_last=True), Values())
END_TO_END = OutputReader(Layout("end_to_end", "YOLOv10"), Values())
SIZE = (640, 384)
LIMITS = (0.25, 0.6)


def anchors(*rows: tuple[float, float, float, float, float, float, float]) -> list[npt.NDArray[np.float32]]:
    """Output of a model with three classes: (cx, cy, w, h, person, car, truck) a row, among empty anchors."""
    output = np.zeros((7, 50), np.float32)
    output[:, : len(rows)] = np.array(rows, np.float32).T
    return [output]


@pytest.mark.parametrize("size", [(1280, 720), (640, 480), (300, 900), (640, 384)])
@pytest.mark.parametrize("how", ["centre", "corner", "stretch"])
def test_a_box_comes_back_to_where_it_was(size: tuple[int, int], how: str) -> None:
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    picture[size[1] // 2 :, size[0] // 2 :] = 255
    fitted, letterbox = fit(picture, SIZE, how)  # type: ignore[arg-type] # one of the three
    assert fitted.shape == (384, 640, 3)
    white = np.argwhere((fitted > 200).all(axis=2))
    box = np.array([[white[0][1], white[0][0], white[-1][1] + 1, white[-1][0] + 1]], np.float32)
    assert letterbox.to_picture(box)[0] == pytest.approx([size[0] / 2, size[1] / 2, *size], abs=3)


def test_bars_are_grey() -> None:
    fitted, _ = fit(np.zeros((720, 1280, 3), np.uint8), SIZE)
    assert (fitted[:12] == GREY).all()
    assert (fitted[-12:] == GREY).all()


def test_vehicles_above_the_confidence_are_read_in_picture_pixels() -> None:
    _, letterbox = fit(np.zeros((720, 1280, 3), np.uint8), SIZE)
    output = anchors((100, 112, 40, 20, 0, 0.8, 0.1), (300, 112, 40, 20, 0.9, 0, 0), (500, 112, 40, 20, 0, 0.05, 0.1))
    found = ANCHORS.read(output, IDS, letterbox, SIZE, LIMITS)
    assert found.xyxy.tolist() == [[160, 180, 240, 220]]
    assert found.data["class_name"].tolist() == ["car"]
    assert found.confidence == pytest.approx([0.8])


def test_one_vehicle_with_two_classes_is_one_vehicle() -> None:
    _, letterbox = fit(np.zeros((384, 640, 3), np.uint8), SIZE)
    output = anchors((100, 100, 40, 20, 0, 0.6, 0), (101, 100, 40, 20, 0, 0, 0.7), (200, 100, 40, 20, 0, 0.5, 0))
    found = ANCHORS.read(output, IDS, letterbox, SIZE, LIMITS)
    assert found.data["class_name"].tolist() == ["truck", "car"]


def test_a_model_that_ends_in_its_own_nms_is_read_too() -> None:
    _, letterbox = fit(np.zeros((384, 640, 3), np.uint8), SIZE)
    output = np.zeros((300, 6), np.float32)
    output[0] = (80, 90, 120, 110, 0.8, 1)
    output[1] = (280, 90, 320, 110, 0.9, 0)
    found = END_TO_END.read([output], IDS, letterbox, SIZE, LIMITS)
    assert found.xyxy.tolist() == [[80, 90, 120, 110]]


def test_an_empty_picture_has_no_vehicles() -> None:
    _, letterbox = fit(np.zeros((384, 640, 3), np.uint8), SIZE)
    assert len(ANCHORS.read(anchors(), IDS, letterbox, SIZE, LIMITS)) == 0
