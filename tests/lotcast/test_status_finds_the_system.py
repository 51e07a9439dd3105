"""`lotcast status` without an address, and the folders in which running systems tell of themselves."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from libs.common import keys
from libs.common.run_folder import RunningSystem, base_folder, running_systems, tell
from tests.support.forked import ForkedProcess, fork_server, run_forked
from tests.support.ports import free_port
from tests.support.processes import ROOT, has_ended
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_for

HOLDER = """
import sys, time
from libs.common.run_folder import RunningSystem, run_folder, tell
with run_folder() as folder:
    tell(folder, RunningSystem(sys.argv[1], "http://127.0.0.1:1/"))
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files that holds this test's systems only."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.delenv("REDIS_URL", raising=False)
    return folder


@contextmanager
def system(redis_url: str) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """A process that holds a folder as a running system does."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, redis_url], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())
    finally:
        process.kill()
        process.communicate(timeout=10)


def status(*arguments: str) -> subprocess.CompletedProcess[str]:
    return run_forked("lotcast", "status", *arguments)


def test_the_system_that_runs_here_is_found(own_redis_server: RedisServer) -> None:
    with own_redis_server.client() as client:
        client.xadd(keys.events("GATE"), {"a": "b"})
    with system(own_redis_server.url):
        done = status("--json")
    assert done.returncode == 0, done.stderr
    assert [camera["camera_id"] for camera in json.loads(done.stdout)["cameras"]] == ["GATE"]


def test_of_several_systems_one_has_to_be_named() -> None:
    with system("redis://u:hunter22@127.0.0.1:1/0"), system("redis://127.0.0.1:2/0"):
        done = status()
    assert done.returncode == 1
    assert done.stderr.startswith("lotcast: 2 systems run here; say which: --redis-url redis://")
    assert "hunter22" not in done.stderr
    assert done.stderr.count("\n") == 1


def test_where_none_runs_the_line_says_so() -> None:
    done = status()
    assert done.returncode == 1
    assert "no `lotcast up` or `lotcast demo` of this user runs here" in done.stderr


def test_a_bad_address_is_the_options() -> None:
    done = status("--redis-url", "localhost:6379")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "lotcast: --redis-url: must start with redis://, rediss:// or unix://\n"


def test_a_dead_systems_folder_is_not_believed_and_goes_with_the_next_start() -> None:
    with system("redis://127.0.0.1:1/0") as (process, folder):
        (folder / "cameras.yaml").write_text("secret")
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((folder / "system.json").stat().st_mode) == 0o600
        assert stat.S_IMODE(base_folder().stat().st_mode) == 0o700
        with system("redis://127.0.0.1:2/0"):
            assert folder.exists(), "it is alive"
            assert len(running_systems()) == 2
        process.kill()
        process.wait(10)
        assert running_systems() == []
        assert (folder / "cameras.yaml").exists()
        with system("redis://127.0.0.1:3/0"):
            assert not folder.exists()
            assert [one.redis_url for one in running_systems()] == ["redis://127.0.0.1:3/0"]


def test_somebody_elses_folder_is_not_used(temporary_folder: Path) -> None:
    (temporary_folder / f"lotcast-{os.getuid()}").symlink_to(temporary_folder)
    done = run_forked("lotcast", "demo")
    assert done.returncode == 1
    assert "belongs to somebody else" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM, signal.SIGINT])
async def test_signals_leave_no_folder_behind(number: signal.Signals, temporary_folder: Path, tmp_path: Path) -> None:
    demo = start_demo(tmp_path / "log")
    try:
        await wait_for(lambda: "the gateway is up" in (tmp_path / "log").read_text("utf-8", "replace"), 60)
        folder = next((temporary_folder / f"lotcast-{os.getuid()}").glob("run-*"))
        assert (folder / "cameras.yaml").exists()
        assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir() if file.is_file()} == {0o600}
        demo.send_signal(number)
        assert demo.wait(60) == 0
    finally:
        demo.kill()
        demo.wait(10)
    assert not folder.exists()


def start_demo(log: Path) -> ForkedProcess:
    environment = {**os.environ, "GATEWAY_PORT": str(free_port()), "GATEWAY_SERVICE_HOST": "10.0.0.1"}
    with log.open("wb") as out:
        return fork_server("lotcast").start("lotcast", ["demo"], environment, out, out)


async def test_what_a_killed_demo_left_goes_with_the_next_one(temporary_folder: Path, tmp_path: Path) -> None:
    first = start_demo(tmp_path / "first")
    base = temporary_folder / f"lotcast-{os.getuid()}"
    await wait_for(lambda: "redis     running" in (tmp_path / "first").read_text("utf-8", "replace"))
    left = next(base.glob("run-*"))
    children = psutil.Process(first.pid).children(recursive=True)
    first.kill()
    first.wait(10)
    assert (left / "cameras.yaml").exists()
    second = start_demo(tmp_path / "second")
    try:
        await wait_for(lambda: not left.exists())
        await wait_for(lambda: all(has_ended(child) for child in children), 15)
    finally:
        second.terminate()
        assert second.wait(30) == 0
    assert list(base.glob("run-*")) == []


def test_what_is_told_can_be_read_again(tmp_path: Path) -> None:
    told = RunningSystem("redis://h/0", "http://127.0.0.1:1/", "/data", "/password", "/ca")
    tell(tmp_path, told)
    assert RunningSystem(**json.loads((tmp_path / "system.json").read_text())) == told


def test_cameras_are_applied_to_the_system_that_runs_here(own_redis_server: RedisServer, tmp_path: Path) -> None:
    file = tmp_path / "cameras.yaml"
    file.write_text("cameras: [{id: gate, url: 'http://192.0.2.7/stream'}]")
    with system(own_redis_server.url):
        done = run_forked("lotcast", "cameras", "apply", "--yes", str(file))
    assert done.returncode == 0, done.stderr
    with own_redis_server.client() as client:
        assert client.hexists(keys.CAMERAS, "gate")
