"""Put OpenCV's headless build in place where the one with windows cannot be loaded (docs/decisions/0004).

`pip install lotcast[run]` brings both: we ask for the headless build, `trackers` for the other, and which of them is
written last is pip's choice. The other needs libGL and libxcb, which servers lack. Nothing is done where it works.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

STAND_IN: Final = "+headless"
"""How the version of the empty package ends that stands for opencv-python."""

_LOAD_TIMEOUT_S: Final = 60.0
_PIP_TIMEOUT_S: Final = 600.0
_HERE: Final = Path(__file__).parent


class OpenCvError(Exception):
    """OpenCV does not work here; the text says what to do."""


def ensure_opencv() -> None:
    """See that OpenCV can be loaded, if both builds are installed; in a virtual environment, put that right.

    Raises:
        OpenCvError: it cannot, and this is no virtual environment, or pip could not help.
    """
    if _version("opencv-python").endswith(STAND_IN) or not _version("opencv-python") or _loads():
        return
    headless = _version("opencv-python-headless")
    wanted = f"opencv-python-headless=={headless}" if headless else "opencv-python-headless"
    by_hand = (
        "OpenCV's build with windows cannot be loaded, since this machine has no libGL: run "
        f"`{sys.executable} -m pip uninstall -y opencv-python` and then "
        f"`{sys.executable} -m pip install --force-reinstall --no-deps {wanted}`"
    )
    if sys.prefix == sys.base_prefix:
        raise OpenCvError(by_hand)
    sys.stderr.write("lotcast: this machine has no libGL; putting OpenCV's headless build in place, once\n")
    stand_in = next(iter(sorted(_HERE.glob("opencv_python-*.whl"))), _HERE.parent / "tools/opencv-python")
    steps = [["uninstall", "--yes", "opencv-python"], ["install", "--force-reinstall", "--no-deps", wanted]]
    if stand_in.exists():
        steps.append(["install", "--no-deps", str(stand_in)])
    if not all(_pip(step) for step in steps) or not _loads():
        raise OpenCvError(by_hand)


def _version(package: str) -> str:
    """Its version; empty if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _loads() -> bool:
    try:
        done = subprocess.run(
            [sys.executable, "-c", "import cv2"], capture_output=True, timeout=_LOAD_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _pip(arguments: list[str]) -> bool:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_PIP_TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return False
    if done.returncode:
        sys.stderr.write(done.stderr)
    return done.returncode == 0
