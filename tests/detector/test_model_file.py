"""Files and folders that are no model, or only half of one: each is one sentence that says what to do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import openvino as ov
import pytest

from libs.common.errors import EngineError
from services.detector.engines.loading import engine_name, load_engine
from services.detector.settings import DEMO_MODEL, DetectorSettings
from tests.support.exports import Export, anchors

CAR = Export({"output0": anchors(1, 0)}, "['car']")
HTML = b"\n<!DOCTYPE html><html><body>404</body></html>"


@pytest.fixture
def ir(tmp_path: Path) -> Path:
    """The demo's model as OpenVINO's two files, with names beside them."""
    file = tmp_path / "ir" / "yolo.xml"
    file.parent.mkdir()
    ov.save_model(ov.Core().read_model(DEMO_MODEL), file)
    (file.parent / "metadata.yaml").write_text("names: {0: car, 1: motorcycle, 2: bus, 3: truck}\ntask: detect\n")
    return file


def refuse(path: Path | str) -> str:
    """What is said of a model that cannot be loaded."""
    with pytest.raises(EngineError) as raised:
        load_engine(DetectorSettings(model=str(path), workers=1))
    text = str(raised.value)
    assert "\n" not in text
    assert "torchvision" not in text
    return text


def test_a_model_is_named_by_its_file_or_its_folder(ir: Path, tmp_path: Path) -> None:
    assert "yolo.xml" in load_engine(DetectorSettings(model=str(ir), workers=1)).description
    assert "yolo.xml" in load_engine(DetectorSettings(model=str(ir.parent), workers=1)).description
    folder = tmp_path / "v8"
    folder.mkdir()
    CAR.save(folder / "v8.ONNX")
    assert "v8.ONNX" in load_engine(DetectorSettings(model=str(folder), workers=1)).description


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("none.onnx", None, "DETECTOR_MODEL: "),
        ("none", None, "none is no file and no model that we know"),
        ("empty.onnx", b"", "empty.onnx is empty; export or download it again"),
        ("empty.xml", b"", "empty.xml is empty"),
        ("text.onnx", b"nonsense\n" * 99, "its content is no .onnx model; export"),
        ("noise.onnx", bytes(range(256)), "cannot load noise.onnx: it is damaged or cut off"),
        ("page.onnx", HTML, "its content is no .onnx model but a web page"),
        ("page.xml", HTML, "its content is no .xml model but a web page"),
        ("pointer.onnx", b"version https://git-lfs.github.com/spec/v1\noid x", "git lfs pull"),
        ("archive.onnx", b"PK\3\4" + bytes(99), "but an archive, perhaps a PyTorch .pt"),
        ("other.xml", b"<?xml version='1.0'?><note/>", "its content is no .xml model"),
        ("notes.txt", b"hello", "notes.txt is no model by its name"),
        ("picture.jpg", b"\xff\xd8", "picture.jpg is no model by its name"),
    ],
)
def test_a_file_that_is_no_model(tmp_path: Path, name: str, content: bytes | None, problem: str) -> None:
    file = tmp_path / name
    if content is not None:
        file.write_bytes(content)
    assert problem in refuse(name if content is None and "." not in name else file)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.99])
def test_an_onnx_file_that_is_cut_off(tmp_path: Path, share: float) -> None:
    whole = DEMO_MODEL.read_bytes()
    file = tmp_path / "half.onnx"
    file.write_bytes(whole[: int(len(whole) * share)])
    assert "half.onnx" in refuse(file)


CHANGES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no weights": (
        lambda ir: ir.with_suffix(".bin").unlink(),
        "yolo.bin is missing beside",
    ),
    "half the weights": (lambda ir: _cut(ir.with_suffix(".bin"), 0.5), "yolo.bin, which holds its weights, is cut off"),
    "empty weights": (lambda ir: _cut(ir.with_suffix(".bin"), 0), "0 of "),
    "half the description": (lambda ir: _cut(ir, 0.5), "cannot load yolo.xml: it is cut off"),
    "no description": (lambda ir: ir.unlink(), "there is no model in the folder"),
    "two models": (lambda ir: CAR.save(ir.parent / "b.onnx"), "holds several models (b.onnx, yolo.xml); name one"),
    "a broken metadata.yaml": (
        lambda ir: (ir.parent / "metadata.yaml").write_text("names: {0: car"),
        "metadata.yaml beside the model cannot be read",
    ),
    "another metadata.yaml": (
        lambda ir: (ir.parent / "metadata.yaml").write_text("- 1\n"),
        "metadata.yaml beside the model does not describe it",
    ),
    "a metadata.yaml of bytes": (
        lambda ir: (ir.parent / "metadata.yaml").write_bytes(b"\xff\xfe\0"),
        "metadata.yaml beside the model cannot be read",
    ),
    "other names": (
        lambda ir: (ir.parent / "metadata.yaml").write_text("names: [car, bus]\n"),
        "for 4 classes where its metadata names 2",
    ),
}


def _cut(file: Path, share: float) -> None:
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])


@pytest.mark.parametrize("change", CHANGES)
def test_a_folder_with_half_a_model(ir: Path, change: str) -> None:
    do, problem = CHANGES[change]
    do(ir)
    assert problem in refuse(ir.parent)


def test_a_folder_without_a_model_says_what_may_be_meant(ir: Path, tmp_path: Path) -> None:
    assert "did you mean ir/yolo.xml in it?" in refuse(tmp_path)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert f"there is nothing in the folder {empty}; it should hold one .onnx file" in refuse(empty)
    (empty / "yolo11n.pt").touch()
    assert "did you mean yolo11n.pt in it?" in refuse(empty)


def test_weights_alone_are_no_model(ir: Path) -> None:
    assert "yolo.bin holds a model's weights only; name yolo.xml beside it" in refuse(ir.with_suffix(".bin"))


def test_a_folder_that_is_called_like_a_file(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").mkdir()
    assert "there is nothing in the folder" in refuse(tmp_path / "model.onnx")


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Be a user whom files can be kept from: root may read everything."""
    was = os.geteuid()
    if was == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(was)


def test_what_may_not_be_read_says_so(ir: Path) -> None:
    ir.parent.chmod(0)
    try:
        with ordinary_user():
            for path in (ir, ir.parent):
                assert "cannot be read: Permission denied" in refuse(path)
    finally:
        ir.parent.chmod(0o700)


@pytest.mark.parametrize(("name", "engine"), [("yolo11n.pt", "ultralytics"), ("a/b.engine", "ultralytics"),
                                              ("a.onnx", "openvino"), ("notes.ONNX", "openvino")])  # fmt: skip
def test_each_file_has_its_engine(name: str, engine: str) -> None:
    assert engine_name(DetectorSettings(model=name)) == engine
