"""Processes of the benchmark, each on its core, and the CPU time that they use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

SERVER_CORE = 0
CLIENT_CORE = 1
START_S = 20.0


def pin_to(core: int) -> list[str]:
    """The start of a command that keeps a process on one core; nothing on a machine with one core."""
    return ["taskset", "-c", str(core)] if (os.cpu_count() or 1) > 1 else []


@contextmanager
def started(
    command: list[str], core: int, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """A process on `core`; killed at the end."""
    process = subprocess.Popen(
        [*pin_to(core), *command],
        env={**os.environ, **(environment or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads of a process, user and system, from the scheduler's own nanosecond count."""
    total_ns = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total_ns += int((task / "schedstat").read_text().split()[0])
    return total_ns / 1e9


def resident_bytes(pid: int) -> int:
    """Memory that a process has in RAM."""
    size: int = psutil.Process(pid).memory_info().rss
    return size


def wait_until_steady(pid: int) -> None:
    """Wait until a process takes no more memory, for ten seconds at most."""
    last = 0
    for _ in range(50):
        time.sleep(0.2)
        now = resident_bytes(pid)
        if abs(now - last) < 50_000:
            return
        last = now


def wait_for_port(port: int, process: subprocess.Popen[str]) -> None:
    """Wait until somebody listens on a port of loopback."""
    import socket

    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{process.args!r} does not listen on {port}") from None
            time.sleep(0.05)


class Audience:
    """Viewers in a process of their own; see `viewers`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError("the viewers could not connect")

    def start(self) -> None:
        """Count from here."""
        self._tell("start")

    def stop(self) -> dict[str, float]:
        """What came since `start`."""
        self._tell("stop")
        assert self._process.stdout is not None
        result: dict[str, float] = json.loads(self._process.stdout.readline())
        return result

    def _tell(self, word: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()


@contextmanager
def crowd(port: int, path: str, count: int, cameras: int, stamp: str, *, watch: bool = False) -> Iterator[Audience]:
    """Many connected viewers, or some that watch many cameras each; see `crowd`."""
    command = [sys.executable, "-m", "bench.gateway.crowd", str(port), path, str(count), str(cameras)]
    command += ["--stamp", stamp, *(["--watch"] if watch else [])]
    with started(command, CLIENT_CORE) as process:
        yield Audience(process)


def visit(port: int, path: str, rate: float, seconds: float) -> dict[str, float]:
    """Viewers that come and go; see `churn`. Returns when the last has gone."""
    command = [sys.executable, "-m", "bench.gateway.churn", str(port), path, str(rate), str(seconds)]
    with started(command, CLIENT_CORE) as process:
        assert process.stdout is not None
        result: dict[str, float] = json.loads(process.stdout.readline())
        return result


@contextmanager
def returning_viewers(port: int, path: str, count: int) -> Iterator[subprocess.Popen[str]]:
    """Connected viewers that come back when they lose their connection; see `returning`."""
    command = [sys.executable, "-m", "bench.gateway.returning", str(port), path, str(count)]
    with started(command, CLIENT_CORE) as process:
        assert process.stdout is not None
        if process.stdout.readline().strip() != "ready":
            raise RuntimeError("the viewers could not connect")
        yield process


@contextmanager
def audience(port: int, path: str, count: int, cameras: int = 1, *, deflate: bool = False) -> Iterator[Audience]:
    """Connected viewers."""
    command = [sys.executable, "-m", "bench.gateway.viewers", str(port), path, str(count), str(cameras)]
    with started(command + (["--deflate"] if deflate else []), CLIENT_CORE) as process:
        yield Audience(process)
