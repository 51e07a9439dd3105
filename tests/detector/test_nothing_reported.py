"""Libraries that tell their makers who uses them do not do so from a detector."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import ROOT

WHAT_IS_LOADED = "import sys; print(*(name for name in sys.modules if 'telemetry' in name and sys.modules[name]))"
pytestmark = pytest.mark.long  # starts interpreters that import all anew
UNLIKE_A_USER = ("CI", "PYTEST_CURRENT_TEST", "YOLO_OFFLINE")
"""Variables in whose presence these libraries report nothing."""


def run_at(home: Path, code: str) -> str:
    """What `code` prints where nobody has said yes or no to a report."""
    environment = {name: value for name, value in os.environ.items() if name not in UNLIKE_A_USER}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, env=environment | {"HOME": str(home)}, cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("module", ["engines.openvino", "engines.rectangular", "judge.judge", "__main__"])
def test_openvino_sends_no_event(module: str, tmp_path: Path) -> None:
    loaded = run_at(tmp_path, f"import services.detector.{module}; {WHAT_IS_LOADED}").split()
    assert [name for name in loaded if name.startswith("openvino_telemetry")] == []
    assert list(tmp_path.iterdir()) == [], "no client id either"


@pytest.mark.skipif(importlib.util.find_spec("ultralytics") is None, reason="the extra ultralytics is not installed")
def test_ultralytics_sends_no_event(tmp_path: Path) -> None:
    online = "import socket; socket.getaddrinfo = lambda *_: []"
    code = "import services.detector.engines.ultralytics; from ultralytics.utils.events import events"
    assert run_at(tmp_path, f"{online}; {code}; print(events.enabled)").splitlines()[-1] == "False"
