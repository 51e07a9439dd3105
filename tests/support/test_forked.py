"""A forked process is what `python -m` would have made, to everybody who looks at it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.support.forked import ROOT, fork_server, run_forked
from tests.support.processes import has_ended, running
from tests.support.redis_server import RedisServer


@pytest.mark.parametrize(
    ("module", "arguments", "environment"),
    [
        ("services.ingest", ["--help"], {}),
        ("services.ingest", [], {"INGEST_STALL_AFTER_S": "soon", "REDIS_URL": "redis://127.0.0.1:1/0"}),
        ("services.ingest", [], {"INGEST_CAMERAS_FILE": "/no/such/file.yaml"}),
        ("lotcast", ["--version"], {}),
        ("lotcast", ["nonsense"], {}),
    ],
)
def test_it_says_the_same_and_ends_the_same(module: str, arguments: list[str], environment: dict[str, str]) -> None:
    environment = {**os.environ, "LOG_FORMAT": "text", **environment}
    command = [sys.executable, "-m", module, *arguments]
    started = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)
    forked = run_forked(module, *arguments, environment=environment)
    assert timeless(forked.stdout) == timeless(started.stdout)
    assert timeless(forked.stderr) == timeless(started.stderr)
    assert forked.returncode == started.returncode
    assert started.stdout + started.stderr != ""


def timeless(text: str) -> str:
    """A log without its times."""
    return re.sub(r"\d", "0", text)


def test_it_has_only_the_environment_that_it_is_given(tmp_path: Path) -> None:
    told = run_forked("services.ingest", "--help", environment={"PATH": os.environ["PATH"]})
    assert told.returncode == 0
    with running("services.ingest", {"REDIS_URL": "redis://127.0.0.1:1/0"}, tmp_path / "log") as process:
        shown = psutil.Process(process.process.pid)
        assert shown.cwd() == str(ROOT)
        assert shown.pid != os.getpid()


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_signals_are_its_own(redis_server: RedisServer, tmp_path: Path, number: signal.Signals, code: int) -> None:
    environment = {"REDIS_URL": redis_server.url}
    with (
        running("services.ingest", environment, tmp_path / "one") as one,
        running("services.ingest", environment, tmp_path / "other") as other,
    ):
        for process in (one, other):
            process.wait_for_log("ingest ready")
        seen = psutil.Process(one.process.pid)
        assert one.stop(number) == code
        assert has_ended(seen)
        assert other.process.poll() is None
        names = {line for log in (one.log, other.log) for line in log.splitlines() if "ingest ready" in line}
        assert len(names) == 2, "each is a process of its own name"


def test_what_does_not_end_is_killed() -> None:
    with pytest.raises(subprocess.TimeoutExpired):
        run_forked("services.ingest", environment={**os.environ, "REDIS_URL": "redis://127.0.0.1:1/0"}, timeout_s=1)
    server = psutil.Process(fork_server("services.ingest").pid)
    assert [child for child in server.children() if not has_ended(child)] == []
