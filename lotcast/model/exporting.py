"""Export an Ultralytics model to OpenVINO: with the Ultralytics that is here, or in a throw-away environment."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from libs.common.errors import ConfigurationError

PACKAGES: Final = ("ultralytics>=8.3.150,<9", "openvino>=2025.2,<2027")
SIZE: Final = "about 3 GB to download and 7 GB of disk while it runs (PyTorch comes with its GPU libraries)"
EXPORT: Final = """
import sys
sys.path[:0] = {path!r}
try:
    from services.detector.engines.torchvision_nms import ensure_torchvision
    ensure_torchvision()
except ImportError:
    pass
from ultralytics import YOLO
print("EXPORTED", YOLO(sys.argv[1], task="detect").export(format="openvino", imgsz=640))
"""


def export_model(weights: str, folder: Path, say: Callable[[str], None]) -> None:
    """Export into `folder`; beside the model nothing is left.

    Args:
        weights: a `.pt` file here, or a name that Ultralytics fetches.
        folder: an empty folder for the model's files.
        say: is told what happens.

    Raises:
        ConfigurationError: it failed; the text says at what.
    """
    work = folder / "export"
    work.mkdir()
    file = Path(weights).expanduser()
    if file.is_file():
        shutil.copy(file, work / file.name)
    try:
        python = sys.executable
        if importlib.util.find_spec("ultralytics") is None or importlib.util.find_spec("torch") is None:
            say(f"Ultralytics is installed for this export only: {SIZE}")
            venv.create(work / "venv", with_pip=True)
            python = str(work / "venv/bin/python")
            _run([python, "-m", "pip", "install", "--disable-pip-version-check", *PACKAGES], work, "installing")
        else:
            say("Ultralytics is installed here already: nothing else is downloaded")
        say(f"exporting {file.name} to OpenVINO; this takes a minute or two")
        code = EXPORT.format(path=[str(Path(__file__).parents[2])])
        _run([python, "-c", code, file.name], work, f"exporting {file.name}")
        exported = sorted(work.glob("*_openvino_model"))
        if not exported:
            raise ConfigurationError(f"exporting {file.name} left no model")
        for one in exported[0].iterdir():
            shutil.move(one, folder / one.name)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _run(command: Sequence[str], folder: Path, what: str) -> None:
    """Run a command whose output is shown on a terminal; else its last line is in the error."""
    shown = sys.stderr.isatty()
    done = subprocess.run(
        command, cwd=folder, stdout=sys.stderr if shown else subprocess.PIPE,
        stderr=sys.stderr if shown else subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        lines = [line.strip() for line in (done.stdout or "").splitlines() if line.strip()]
        raise ConfigurationError(f"{what} failed" + (f": {lines[-1]}" if lines else "; the lines above say why"))
