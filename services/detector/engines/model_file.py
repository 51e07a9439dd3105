"""Whether a model can be what it is given as, asked in milliseconds and before any library is loaded."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from libs.common.errors import EngineError

OPENVINO_SUFFIXES: Final = frozenset({".xml", ".onnx"})
ULTRALYTICS_SUFFIXES: Final = frozenset({".pt", ".engine", ".torchscript", ".mlpackage", ".pb", ".tflite", ".mnn"})
ULTRALYTICS_FOLDERS: Final = re.compile(r".*_(saved_model|paddle_model|ncnn_model|rknn_model|imx_model|axelera_model)")
ULTRALYTICS_NAMES: Final = re.compile(r"(yolov?\d+\w?\w*|yolo_nas_[sml]|rtdetr-[lx]|yoloe?-[\w-]+)(-\w+)*(\.pt)?")
"""Models that Ultralytics downloads by name: `yolo11n.pt`, `yolov8s`, `rtdetr-l.pt`."""

_REMOTE: Final = re.compile(r"(https?|grpc|ul)://", re.IGNORECASE)
_HEAD_BYTES: Final = 4096
_KNOWN: Final = (
    "known are .xml and .onnx files, OpenVINO folders, and with Ultralytics .pt, .engine and its other exports"
)


def check_model(model: str, variable: str = "DETECTOR_MODEL") -> None:
    """Refuse what no engine can load: a name mistyped, an empty folder, a text file.

    Args:
        model: as in `DETECTOR_MODEL`: a path, a name or an address that Ultralytics knows, or `demo`.
        variable: how the user gave it, for the text.

    Raises:
        EngineError: the text says what is wrong and what would be right.
    """
    if model == "demo":
        return
    try:
        _check(model)
    except ValueError as error:
        raise EngineError(f"{variable}: {error}") from None


def _check(model: str) -> None:
    if not model.strip():
        raise ValueError("is empty; name a model file or folder, or `demo`")
    if _REMOTE.match(model):
        _need_ultralytics(model)
        return
    path = Path(model).expanduser()
    try:
        if path.is_dir():
            _check_folder(path)
        elif path.exists():
            _check_file(path)
        elif ULTRALYTICS_NAMES.fullmatch(model):
            _need_ultralytics(model)
        else:
            raise ValueError(_absent(model, path))
    except OSError as error:
        raise ValueError(f"{model} cannot be read: {error.strerror}") from None


def _check_folder(path: Path) -> None:
    models = sorted(path.glob("*.xml"))
    if models:
        for model in models:
            _check_file(model)
    elif ULTRALYTICS_FOLDERS.fullmatch(path.name) and any(path.iterdir()):
        _need_ultralytics(str(path))
    else:
        what = "no model" if any(path.iterdir()) else "nothing"
        raise ValueError(f"there is {what} in the folder {path}; an OpenVINO folder holds an .xml and a .bin file")


def _check_file(path: Path) -> None:
    suffix = path.suffix.lower()
    if suffix not in OPENVINO_SUFFIXES | ULTRALYTICS_SUFFIXES:
        raise ValueError(f"{path} is no model by its name; {_KNOWN}")
    if not path.is_file():
        raise ValueError(f"{path} is no file")
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    looks_right = _LOOKS.get(suffix, _is_binary)
    if not head:
        raise ValueError(f"{path} is empty")
    if not looks_right(head):
        raise ValueError(f"{path} is not what its name says: its content is no {suffix} model")
    if suffix == ".xml" and not path.with_suffix(".bin").is_file():
        raise ValueError(f"{path.with_suffix('.bin').name} is missing beside {path}; an OpenVINO model is both files")
    if suffix in ULTRALYTICS_SUFFIXES:
        _need_ultralytics(str(path))


def _is_binary(head: bytes) -> bool:
    """Whether this is no text: models hold bytes that texts do not."""
    return any(byte < 9 or 13 < byte < 32 for byte in head)


_LOOKS: Final[Mapping[str, Callable[[bytes], bool]]] = {
    ".xml": lambda head: b"<net" in head,
    ".pt": lambda head: head.startswith((b"PK", b"\x80")),
    ".torchscript": lambda head: head.startswith(b"PK"),
}


def _need_ultralytics(model: str) -> None:
    if find_spec("ultralytics") is None or find_spec("torch") is None:
        raise ValueError(
            f"{model} needs Ultralytics, which is not installed: run `make ultralytics`, or take an OpenVINO or ONNX "
            "export, which needs nothing more"
        )


def _absent(model: str, path: Path) -> str:
    try:
        beside = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
    except OSError:
        beside = []
    near = difflib.get_close_matches(path.name, [*beside, "demo", "yolo11n.pt", "yolo11s.pt", "yolo26n.pt"], 1, 0.75)
    meant = f"; did you mean {model[: len(model) - len(path.name)]}{near[0]}?" if near else f"; {_KNOWN}"
    is_path = "/" in model or path.suffix.lower() in OPENVINO_SUFFIXES | ULTRALYTICS_SUFFIXES
    return f"{model} does not exist{meant}" if is_path else f"{model} is no file and no model that we know{meant}"
