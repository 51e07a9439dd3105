"""Both engines on real pictures with a real model, and what is said when a model cannot be used."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from libs.common.errors import EngineError
from services.detector.engines import ultralytics
from services.detector.engines.base import in_batches
from services.detector.engines.loading import load_engine
from services.detector.engines.openvino import OpenVinoEngine
from services.detector.engines.ultralytics import UltralyticsEngine, batch_limit, half_precision
from services.detector.occupancy.matching import SpaceMatcher
from services.detector.pictures import decode
from services.detector.settings import DEMO_MODEL, DetectorSettings
from tests.support.real_data import PKLOT, YOLO11N, needs_real_data

pytestmark = pytest.mark.slow  # loads real models, one of them by torch

needs_ultralytics = pytest.mark.skipif(
    importlib.util.find_spec("ultralytics") is None, reason="the extra `ultralytics` is not installed"
)
# What Ultralytics and torch warn of is theirs to mend.
quiet = pytest.mark.filterwarnings("ignore")


def settings(engine: str, model: str = str(YOLO11N)) -> DetectorSettings:
    return DetectorSettings.model_validate({"model": model, "engine": engine, "workers": 2})


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


@pytest.mark.parametrize(
    ("exported_for", "device", "limit"),
    [(None, "cuda:0", 8), (None, "cpu", 1), (None, "mps", 1), (4, "cuda:1", 4), (16, "cpu", 16), (0, "cuda:0", 1)],
)
def test_a_batch_is_as_large_as_model_and_device_take_it(exported_for: int | None, device: str, limit: int) -> None:
    assert batch_limit(exported_for, device) == limit


def test_pictures_go_in_batches_in_their_order() -> None:
    pictures = [np.full((1, 1, 3), number, np.uint8) for number in range(7)]
    batches = list(in_batches(pictures, 3))
    assert [len(batch) for batch in batches] == [3, 3, 1]
    assert [int(one[0, 0, 0]) for batch in batches for one in batch] == list(range(7))
    assert list(in_batches([], 3)) == []


@needs_ultralytics
@quiet
def test_half_precision_is_asked_for_as_this_ultralytics_knows_it() -> None:
    from ultralytics.cfg import get_cfg
    from ultralytics.utils import DEFAULT_CFG_DICT

    get_cfg(overrides=half_precision(DEFAULT_CFG_DICT))  # raises at an argument that it does not know
    assert half_precision({"half": False}) == {"half": True}


@pytest.fixture(scope="module")
def untrained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A YOLO11n that was never trained, as `.pt`: it takes everything for a car, wherever that is."""
    from services.detector.engines.torchvision_nms import ensure_torchvision

    ensure_torchvision()
    from ultralytics import YOLO

    model: Any = YOLO("yolo11n.yaml")
    model.model.names = dict.fromkeys(range(80), "car")
    file = tmp_path_factory.mktemp("model") / "untrained.pt"
    model.save(file)
    return file


NOISE = [np.random.default_rng(seed).integers(0, 255, (180, 320, 3), np.uint8) for seed in range(5)]


@needs_ultralytics
@quiet
def test_a_pt_model_runs_on_the_device_that_is_named(untrained: Path) -> None:
    engine = load_engine(DetectorSettings(model=str(untrained), device="cpu"))
    assert (engine.input_size, engine.batch_max) == ((640, 640), 1)
    assert "untrained.pt, Ultralytics on cpu, input 640x640" in engine.description
    found = engine.detect([*NOISE[:2], NOISE[0][:100]], 1e-6)
    assert [len(one) > 0 for one in found] == [True] * 3
    assert (found[2].xyxy[:, 3] <= 100).all(), "pixels of the picture itself"


@needs_ultralytics
@quiet
def test_pictures_of_one_shape_are_one_run_of_a_pt_model_without_grey_bars(
    untrained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ultralytics, "batch_limit", lambda exported_for, device: 8)  # as on CUDA
    engine = ultralytics.UltralyticsEngine(str(untrained), "cpu", 0.5, {})
    runs: list[tuple[int, ...]] = []
    engine._model.predictor.model.register_forward_pre_hook(lambda _, given: runs.append(tuple(given[0].shape)))
    small = [cv2.resize(one, (640, 360)) for one in NOISE[:3]]
    large = [cv2.resize(one, (1280, 720)) for one in NOISE[3:5]]
    together = engine.detect([*small, *large], 1e-6)
    assert runs == [(5, 3, 384, 640)]
    for one, seen in zip([*small, *large], together, strict=True):
        alone = engine.detect([one], 1e-6)[0]
        assert len(seen) == len(alone) > 0
        assert seen.xyxy == pytest.approx(alone.xyxy, abs=0.5)
    assert any(seen.xyxy[:, 2].max() > 640 for seen in together[3:]), "pixels of the picture itself"
    runs.clear()
    assert len(engine.detect([small[0], NOISE[0][:, :180]], 1e-6)) == 2
    assert runs == [(2, 3, 640, 640)], "other shapes share a run, too"


@needs_ultralytics
@quiet
def test_an_exported_model_takes_the_batches_that_it_was_exported_for(
    untrained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenVINO stands for TensorRT: Ultralytics writes the same facts into both, and refuses other batches in both."""
    from ultralytics import YOLO

    exported = Path(YOLO(untrained).export(format="openvino", imgsz=(192, 320), batch=2))
    engine = load_engine(DetectorSettings(model=str(exported), engine="ultralytics"))
    assert (engine.input_size, engine.batch_max) == ((320, 192), 2)
    together = engine.detect(NOISE, 1e-6)
    alone = [engine.detect([picture], 1e-6)[0] for picture in NOISE]
    assert len(together) == len(NOISE)
    for one, other in zip(together, alone, strict=True):
        assert len(one) > 0
        assert one.xyxy == pytest.approx(other.xyxy, abs=0.1)


@needs_ultralytics
@quiet
@pytest.mark.skipif(importlib.util.find_spec("tensorrt") is not None, reason="TensorRT is installed")
def test_a_tensorrt_engine_on_a_machine_without_tensorrt_says_so(tmp_path: Path) -> None:
    file = tmp_path / "yolo.engine"
    file.write_bytes(b"\0" * 64)
    with pytest.raises(EngineError, match=r"yolo\.engine needs TensorRT, .* pip install tensorrt"):
        load_engine(DetectorSettings(model=str(file), device="cpu"))


def test_the_demo_model_runs_without_torch() -> None:
    engine = load_engine(DetectorSettings())
    assert isinstance(engine, OpenVinoEngine)
    assert "lotcast-demo.onnx" in engine.description
    assert len(engine.detect([np.full((720, 1280, 3), 100, np.uint8)], 0.25)[0]) == 0


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
