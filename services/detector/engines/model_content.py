"""Look at the files of an OpenVINO model before OpenVINO does: its messages do not say what is wrong with them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from libs.common.errors import EngineError
from services.detector.engines.model_file import AGAIN, openvino_files

_WEIGHTS: Final = re.compile(r'\boffset="(\d+)" size="(\d+)"|\bsize="(\d+)"[^>]*? offset="(\d+)"')


def find_model_file(path: Path) -> Path:
    """The file of a model: the path itself, or the one model in a folder.

    Raises:
        EngineError: the files belong together and one is cut off; the text says what to do.
    """
    file = next(iter(openvino_files(path)), path)
    problem = _ir_problem(file) if file.suffix.lower() == ".xml" else None
    if problem is not None:
        raise EngineError(f"OpenVINO cannot load {file.name}: {problem}; {AGAIN}")
    return file


def openvino_reason(error: Exception) -> str:
    """The line of OpenVINO's message that says something."""
    lines = [line.strip() for line in str(error).splitlines()]
    lines = [line for line in lines if line and not line.startswith(("Exception from", "FrontEnd API", "Check '"))]
    return lines[-1][:300].strip("-. ") if lines else "it gives no reason"


def _ir_problem(file: Path) -> str | None:
    """What is wrong with an `.xml` and its `.bin`; None if nothing is."""
    try:
        text = file.read_text("utf-8", "replace")
        if not text.rstrip().endswith("</net>"):
            return "it is cut off"
        ends = [int(a or d) + int(b or c) for a, b, c, d in _WEIGHTS.findall(text)]
        weights = file.with_suffix(".bin")
        with weights.open("rb") as opened:
            has_bytes, wants_bytes = opened.seek(0, 2), max(ends, default=0)
    except OSError as error:
        return f"{error.filename} cannot be read: {error.strerror}"
    if has_bytes < wants_bytes:
        return f"{weights.name}, which holds its weights, is cut off: {has_bytes} of {wants_bytes} bytes"
    return None
