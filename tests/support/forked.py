"""Processes that a fork server runs, to be handled as those of `subprocess`."""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[2]
IMPORT_S = 60.0
"""A fork server answers within this time, also the first time, when it imports."""

IMPORTS: Mapping[str, Sequence[str]] = {
    "services.ingest": ["services.ingest.__main__"],
    "services.detector": ["services.detector.__main__", "services.detector.engines.openvino"],
    "services.gateway": ["services.gateway.__main__"],
    "deploy.demo.camera": ["deploy.demo.camera.__main__"],
    "lotcast": ["lotcast.__main__"],
}
"""What can be forked, and what its fork server imports."""


class ForkedProcess:
    """A process that has been forked for us; it has what of `subprocess.Popen` the tests use.

    Attributes:
        pid: its number.
        returncode: its exit code, or the negative number of the signal that ended it; None until that was asked for.
    """

    def __init__(self, pid: int, status: IO[bytes]) -> None:
        """Take over.

        Args:
            pid: its number.
            status: the end of a pipe that gets its wait status.
        """
        self.pid = pid
        self.returncode: int | None = None
        self._status = status
        os.set_blocking(status.fileno(), False)

    def poll(self) -> int | None:
        """Its exit code once it has ended."""
        if self.returncode is None and (told := self._status.read(100)) is not None:
            assert told, "the fork server has ended"
            self.returncode = os.waitstatus_to_exitcode(int(told))
            self._status.close()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code, when it has ended.

        Raises:
            subprocess.TimeoutExpired: it has not, in time.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while (code := self.poll()) is None:
            left_s = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not select.select([self._status], [], [], left_s)[0]:
                raise subprocess.TimeoutExpired(f"forked process {self.pid}", timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class ForkServer:
    """A process that has imported a module and forks for everybody who wants to run it."""

    def __init__(self, modules: Sequence[str]) -> None:
        """Start it; it imports while we do something else."""
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.settimeout(IMPORT_S)
        self._one_at_a_time = threading.Lock()
        command = [sys.executable, "-m", "tests.support.fork_server", str(theirs.fileno()), *modules]
        with theirs:
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
            )

    def start(
        self, module: str, arguments: Sequence[str], environment: Mapping[str, str], output: IO[Any], errors: IO[Any]
    ) -> ForkedProcess:
        """Run a module as a process, in the project's folder.

        Args:
            module: as after `python -m`.
            arguments: for it.
            environment: all of its variables.
            output: a file for what it prints.
            errors: a file for what it prints on standard error; may be the same.
        """
        request = {
            "module": module, "arguments": [*arguments], "environment": {**environment}, "folder": str(ROOT),
        }  # fmt: skip
        reading, writing = os.pipe()
        descriptors = [output.fileno(), errors.fileno(), writing]
        with self._one_at_a_time:
            socket.send_fds(self._control, [json.dumps(request).encode()], descriptors)
            told = self._control.recv(100)
        os.close(writing)
        assert told, "the fork server could not import, and has said why"
        return ForkedProcess(int(told), open(reading, "rb", buffering=0))

    @property
    def pid(self) -> int:
        return self._process.pid

    def close(self) -> None:
        """Let it end."""
        self._control.close()
        self._process.wait(10)


@cache
def fork_server(module: str) -> ForkServer:
    """The fork server of one of `IMPORTS`; it lives as long as this process."""
    server = ForkServer(IMPORTS[module])
    atexit.register(server.close)
    return server


def run_forked(
    module: str, *arguments: str, environment: Mapping[str, str] | None = None, timeout_s: float = 110.0
) -> subprocess.CompletedProcess[str]:
    """Run a module to its end.

    Args:
        module: one of `IMPORTS`.
        arguments: for it.
        environment: all of its variables; this process's by default.
        timeout_s: how long it may take.

    Returns:
        Its exit code and what it printed on standard output and on standard error.

    Raises:
        subprocess.TimeoutExpired: it took longer; it has been killed.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        process = fork_server(module).start(module, arguments, environment or os.environ, output, errors)
        try:
            code = process.wait(timeout_s)
        finally:
            process.kill()
            process.wait(10)
        output.seek(0)
        errors.seek(0)
        return subprocess.CompletedProcess([module, *arguments], code, output.read(), errors.read())
