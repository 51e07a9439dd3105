"""The built wheel alone: a fresh environment, an empty folder, no clone, no Node.js; libGL hidden where we may."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tools.bare_machine import ROOT, run_demo

pytestmark = [pytest.mark.package, pytest.mark.timeout(600)]

BARE = [str(ROOT / "tools/bare_machine.sh")] if os.getuid() == 0 else []
"""Hides what a bare machine lacks; only root may."""


@pytest.fixture(scope="module")
def wheel() -> Path:
    """What `make wheel` has built."""
    found = sorted((ROOT / "dist").glob("lotcast-*.whl"))
    assert len(found) == 1, "run `make wheel` first; `make test-package` does"
    return found[0]


def test_the_wheel_carries_the_dashboard_and_the_demo(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
    assert "services/gateway/dashboard_files/index.html" in names
    assert any(name.startswith("services/gateway/dashboard_files/assets/") and name.endswith(".js") for name in names)
    demo = {f"deploy/demo/assets/{name}" for name in ("north.mp4", "south.spaces.json", "lotcast-demo.onnx")}
    assert demo <= names
    assert not [name for name in names if name.startswith(("tests/", "web/", "bench/"))]


def test_its_demo_runs_in_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    venv, empty = tmp_path / "venv", tmp_path / "empty"
    empty.mkdir()
    subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
    python, lotcast = venv / "bin/python", venv / "bin/lotcast"
    subprocess.run([python, "-m", "pip", "install", "-q", f"{wheel}[run]"], check=True, cwd=empty)
    told = subprocess.run([lotcast, "--version"], cwd=empty, capture_output=True, text=True, check=True).stdout
    assert told.split()[1] in wheel.name
    run_demo([*BARE, str(lotcast), "demo"], empty)
    assert list(empty.iterdir()) == [], "it leaves nothing behind"
