"""Both engines on real pictures with a real model, and what is said when a model cannot be used."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from libs.common.errors import EngineError
from services.detector.engines.loading import load_engine
from services.detector.engines.openvino import OpenVinoEngine
from services.detector.engines.ultralytics import UltralyticsEngine
from services.detector.occupancy.matching import SpaceMatcher
from services.detector.pictures import decode
from services.detector.settings import DEMO_MODEL, DetectorSettings
from tests.support.real_data import PKLOT, YOLO11N, needs_real_data

needs_ultralytics = pytest.mark.skipif(
    importlib.util.find_spec("ultralytics") is None, reason="the extra `ultralytics` is not installed"
)
# What Ultralytics and torch warn of is theirs to mend.
quiet = pytest.mark.filterwarnings("ignore")


def settings(engine: str, model: str = str(YOLO11N)) -> DetectorSettings:
    return DetectorSettings.model_validate({"model": model, "engine": engine, "lanes": 2})


@needs_real_data
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("openvino", OpenVinoEngine),
        pytest.param("ultralytics", UltralyticsEngine, marks=[needs_ultralytics, quiet]),
    ],
)
def test_an_engine_finds_the_parked_cars_of_a_real_lot(name: str, kind: type) -> None:
    engine = load_engine(settings(name))
    assert isinstance(engine, kind)
    pictures = json.loads((PKLOT / "annotations.json").read_text("utf-8"))["images"]
    fullest = max(pictures, key=lambda one: sum(space["is_occupied"] for space in one["spaces"]))
    picture = decode((PKLOT / fullest["image"]).read_bytes())
    found, empty = engine.detect([picture, np.zeros((480, 640, 3), np.uint8)], 0.25)
    assert len(empty) == 0
    assert set(found.data["class_name"]) <= {"car", "motorcycle", "bus", "truck"}
    assert found.confidence.min() >= 0.25
    height, width = picture.shape[:2]
    assert (found.xyxy >= 0).all()
    assert (found.xyxy <= [width, height, width, height]).all()
    spaces = [np.array(space["polygon"]) * (width, height) for space in fullest["spaces"] if space["is_occupied"]]
    centres = (found.xyxy[:, :2] + found.xyxy[:, 2:]) / 2
    hit = sum(any((s.min(0) <= c).all() and (c <= s.max(0)).all() for c in centres) for s in spaces)
    assert hit >= 0.7 * len(spaces), "one look at a full lot misses a quarter of its distant cars, not more"


@needs_real_data
@needs_ultralytics
@quiet
def test_both_engines_agree() -> None:
    picture = decode(next(iter(sorted(PKLOT.glob("*.jpg")))).read_bytes())
    first, second = (load_engine(settings(name)).detect([picture], 0.4)[0] for name in ("openvino", "ultralytics"))
    assert len(first) == len(second) > 0
    by_place = [found.xyxy[np.lexsort(found.xyxy.T)] for found in (first, second)]
    assert by_place[0] == pytest.approx(by_place[1], abs=4), "pixels; the two scale pictures a little differently"


def test_the_demo_model_runs_without_torch() -> None:
    engine = load_engine(DetectorSettings())
    assert isinstance(engine, OpenVinoEngine)
    assert "lotcast-demo.onnx" in engine.description
    assert len(engine.detect([np.full((720, 1280, 3), 100, np.uint8)], 0.25)[0]) == 0


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("none.onnx", None, "DETECTOR_MODEL: .*none.onnx does not exist"),
        ("broken.onnx", b"nonsense", "OpenVINO cannot load broken.onnx"),
    ],
)
def test_a_model_that_cannot_be_used_says_why(tmp_path: Path, name: str, content: bytes | None, problem: str) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(EngineError, match=problem):
        load_engine(settings("auto", str(file)))


def test_spaces_of_the_demo_are_matched_in_its_own_picture() -> None:
    """The matcher's thresholds hold for the painted rectangles of the demo as for PKLot's hand-drawn polygons."""
    from deploy.demo.lot.truth import Truth
    from deploy.demo.model.measuring import read_clip
    from services.ingest.cameras_file import parse_cameras_file

    assets = DEMO_MODEL.parent
    described = json.loads((assets / "north.spaces.json").read_text("utf-8"))
    text = json.dumps({"cameras": [{"id": "N", "url": "http://n/", "spaces": described["spaces"]}]})
    spaces = parse_cameras_file(text, "north")[0].spaces or []
    truth = Truth.load(assets / "north.truth.json")
    engine = load_engine(DetectorSettings())
    matcher = SpaceMatcher(spaces, truth.size)
    picture = next(iter(read_clip(assets / "north.mp4")))
    taken = {spaces[match.space].space_id for match in matcher.match(engine.detect([picture], 0.25)[0].xyxy)}
    assert taken == truth.occupied_spaces(0)
