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

AGAIN: Final = "export or download it again"

_REMOTE: Final = re.compile(r"(https?|grpc|ul)://", re.IGNORECASE)
_HEAD_BYTES: Final = 4096
_KNOWN: Final = (
    "known are .xml and .onnx files, OpenVINO folders, and with Ultralytics .pt, .engine and its other exports"
)


MODELS_FOLDER: Final = Path("lotcast-data/models")
"""Where fetched models lie, unless somebody says otherwise."""


def locate_model(model: str, models_folder: Path) -> Path:
    """Where a model lies: a path as it is, or the folder of a model that `lotcast model get` fetched by that name."""
    path = Path(model).expanduser()
    fetched = models_folder / model
    return fetched if path.name == model and not path.exists() and fetched.is_dir() else path


def openvino_files(folder: Path) -> list[Path]:
    """The models in a folder that OpenVINO runs; none if it is no folder."""
    if not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.suffix.lower() in OPENVINO_SUFFIXES)


def check_model(model: str, variable: str = "DETECTOR_MODEL", models_folder: Path = MODELS_FOLDER) -> None:
    """Refuse what no engine can load: a name mistyped, an empty folder, a text file.

    Args:
        model: as in `DETECTOR_MODEL`: a path, a name or an address that Ultralytics knows, or `demo`.
        variable: how the user gave it, for the text.
        models_folder: where models lie that were fetched by name.

    Raises:
        EngineError: the text says what is wrong and what would be right.
    """
    if model == "demo":
        return
    try:
        _check(model, models_folder)
    except ValueError as error:
        raise EngineError(f"{variable}: {error}") from None


def _check(model: str, models_folder: Path) -> None:
    if not model.strip():
        raise ValueError("is empty; name a model file or folder, or `demo`")
    if _REMOTE.match(model):
        _need_ultralytics(model)
        return
    try:
        path = locate_model(model, models_folder)
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
    models = openvino_files(path)
    if len(models) > 1:
        raise ValueError(f"{path} holds several models ({', '.join(file.name for file in models)}); name one of them")
    if models:
        _check_file(models[0])
    elif ULTRALYTICS_FOLDERS.fullmatch(path.name) and any(path.iterdir()):
        _need_ultralytics(str(path))
    else:
        what = "no model" if any(path.iterdir()) else "nothing"
        raise ValueError(
            f"there is {what} in the folder {path}; it should hold one .onnx file, or OpenVINO's .xml and .bin"
            + _meant_below(path)
        )


def _meant_below(folder: Path) -> str:
    """What may be meant instead of a folder without a model."""
    known = OPENVINO_SUFFIXES | ULTRALYTICS_SUFFIXES
    found = sorted(file for deep in ("*", "*/*") for file in folder.glob(deep) if file.suffix.lower() in known)
    return f"; did you mean {found[0].relative_to(folder)} in it?" if found else ""


def _check_file(path: Path) -> None:
    suffix = path.suffix.lower()
    if suffix == ".bin" and path.with_suffix(".xml").is_file():
        raise ValueError(f"{path} holds a model's weights only; name {path.with_suffix('.xml').name} beside it")
    if suffix not in OPENVINO_SUFFIXES | ULTRALYTICS_SUFFIXES:
        raise ValueError(f"{path} is no model by its name; {_KNOWN}")
    if not path.is_file():
        raise ValueError(f"{path} is no file")
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    looks_right = _LOOKS.get(suffix, _is_binary)
    if not head:
        raise ValueError(f"{path} is empty; {AGAIN}")
    if not looks_right(head):
        raise ValueError(f"{path} is not what its name says: its content is no {suffix} model{_instead(head)}; {AGAIN}")
    if suffix == ".xml" and not path.with_suffix(".bin").is_file():
        raise ValueError(f"{path.with_suffix('.bin').name} is missing beside {path}; an OpenVINO model is both files")
    if suffix in ULTRALYTICS_SUFFIXES:
        _need_ultralytics(str(path))


def _instead(head: bytes) -> str:
    """What a file is that is no model, where its beginning tells."""
    if head.lstrip()[:9].lower().startswith((b"<!doctype", b"<html")):
        return " but a web page"
    if head.startswith(b"version https://git-lfs"):
        return " but a pointer of Git LFS (`git lfs pull` fetches the model)"
    if head.startswith(b"PK"):
        return " but an archive, perhaps a PyTorch .pt"
    return ""


def _is_binary(head: bytes) -> bool:
    """Whether this is no text: models hold bytes that texts do not."""
    return any(byte < 9 or 13 < byte < 32 for byte in head)


_LOOKS: Final[Mapping[str, Callable[[bytes], bool]]] = {
    ".xml": lambda head: b"<net" in head,
    ".onnx": lambda head: _is_binary(head) and not head.startswith(b"PK"),
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
    if is_path:
        return f"{model} does not exist{meant}"
    return f"{model} is no file and no model that we know{meant}; `lotcast model list` shows what can be fetched"
