"""Lotcast's services as real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.support.forked import IMPORTS, ForkedProcess, fork_server
from tests.support.forked import ROOT as ROOT
from tests.support.ports import free_port
from tests.support.redis_server import own_access

START_S = 60.0
SERVICES = ("ingest", "detector", "gateway")
SKEWED = "tests.support.skewed_clock"
"""Runs another module with a wall clock that is ahead or behind: its first two arguments."""


class ServiceProcess:
    """One running process, a service as its own user of Redis; what it prints goes into `log_file`.

    It is forked from one that has imported the module already (`tests.support.forked`), as far as the module is known
    there.
    """

    def __init__(self, module: str, environment: Mapping[str, str], log_file: Path, *arguments: str) -> None:
        self.log_file = log_file
        user = (arguments[1] if module == SKEWED else module).removeprefix("services.")
        if user in SERVICES and "REDIS_URL" in environment:
            environment = {**environment, **own_access(user, environment["REDIS_URL"], log_file.parent)}
        environment = {**os.environ, "LOG_FORMAT": "json", **environment}
        self.process: ForkedProcess | subprocess.Popen[bytes]
        with log_file.open("ab") as log:
            if module in IMPORTS:
                self.process = fork_server(module).start(module, arguments, environment, log, log)
            else:
                command = [sys.executable, "-m", module, *arguments]
                self.process = subprocess.Popen(
                    command, env=environment, cwd=ROOT, stdout=log, stderr=log, stdin=subprocess.DEVNULL
                )

    @property
    def log(self) -> str:
        """What it has printed so far."""
        return self.log_file.read_text("utf-8", "replace")

    def wait_for_log(self, text: str, timeout_s: float = START_S) -> None:
        """Wait until it has printed `text`."""
        deadline = time.monotonic() + timeout_s
        while text not in self.log:
            assert self.process.poll() is None, f"it ended:\n{self.log}"
            assert time.monotonic() < deadline, f"{text!r} did not come:\n{self.log}"
            time.sleep(0.02)

    def stop(self, number: signal.Signals = signal.SIGTERM, timeout_s: float = 10.0) -> int:
        """Send a signal and wait for the end; its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout_s)


def has_ended(process: psutil.Process) -> bool:
    """Whether it does no more, also where nobody has collected its exit code (an orphan in a bare container)."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@contextmanager
def running(module: str, environment: Mapping[str, str], log_file: Path, *arguments: str) -> Iterator[ServiceProcess]:
    """A process that is killed at the end, if it still runs."""
    service = ServiceProcess(module, environment, log_file, *arguments)
    try:
        yield service
    finally:
        if service.process.poll() is None:
            service.process.kill()
        service.process.wait(10)


class Gateway:
    """A running gateway and where it listens."""

    def __init__(self, service: ServiceProcess, port: int) -> None:
        self.service = service
        self.address = f"127.0.0.1:{port}"
        self.url = f"http://{self.address}"

    def viewer_url(self, camera_id: str, extra: str = "") -> str:
        """The address of a camera's WebSocket."""
        return f"ws://{self.address}/ws/viewer/detection?camera_id={camera_id}{extra}"


@contextmanager
def running_gateway(redis_url: str, folder: Path, **settings: str) -> Iterator[Gateway]:
    """A gateway that is ready; on a port of its own unless the settings name one."""
    port = int(settings.get("GATEWAY_PORT", 0)) or free_port()
    environment = {"REDIS_URL": redis_url, "GATEWAY_PORT": str(port), **settings}
    with running("services.gateway", environment, folder / f"gateway-{port}.log") as service:
        gateway = Gateway(service, port)
        deadline = time.monotonic() + START_S
        while not _answers(f"{gateway.url}/healthz"):
            assert service.process.poll() is None, f"it ended:\n{service.log}"
            assert time.monotonic() < deadline, f"it does not answer:\n{service.log}"
            time.sleep(0.05)
        yield gateway


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False
