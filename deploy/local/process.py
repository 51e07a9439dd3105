"""One supervised process: started, watched, started again when it dies, stopped for good."""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from libs.common.shutdown import sleep_until_stopped

FIRST_BACKOFF_S = 0.5
LONGEST_BACKOFF_S = 10.0
STEADY_AFTER_S = 30.0
STOP_GRACE_S = 6.0
LINE_MAX_BYTES = 65_536
PR_SET_PDEATHSIG = 1

Show = Callable[[str, str], None]
"""Shows a line of a service: name, text."""


@dataclass(frozen=True, slots=True)
class Service:
    """What to run.

    Attributes:
        name: shown before each of its lines.
        command: program and arguments.
        environment: added to the supervisor's own.
        orphan_signal: what it gets from the kernel when the supervisor dies without a chance to end it.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)
    orphan_signal: signal.Signals = signal.SIGTERM


class SupervisedProcess:
    """Keeps one service running until told to stop.

    Attributes:
        failed: set if the service ended by itself with exit code 2 (bad settings), which no restart can mend.
    """

    def __init__(self, service: Service, show: Show) -> None:
        self.service = service
        self.failed = asyncio.Event()
        self._show = show

    async def run(self, stop: asyncio.Event) -> None:
        """Run, and run again, until `stop` is set; then end it and all that it started."""
        backoff_s = FIRST_BACKOFF_S
        while not stop.is_set():
            started = time.monotonic()
            code = await self._run_once(stop)
            if stop.is_set():
                self._say("stopped")
                return
            if code == 2:
                self._say("cannot start with these settings (exit code 2)")
                self.failed.set()
                return
            if time.monotonic() - started > STEADY_AFTER_S:
                backoff_s = FIRST_BACKOFF_S
            self._say(f"died ({_describe_exit(code)}); starting it again in {backoff_s:g} s")
            await sleep_until_stopped(stop, backoff_s)
            backoff_s = min(backoff_s * 2, LONGEST_BACKOFF_S)

    async def _run_once(self, stop: asyncio.Event) -> int:
        process = await asyncio.create_subprocess_exec(
            *self.service.command,
            env={**os.environ, **self.service.environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=LINE_MAX_BYTES,
            umask=0o077,  # what they write may hold cameras' passwords
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which then stops the services in order
            preexec_fn=partial(_die_with_parent, self.service.orphan_signal) if sys.platform == "linux" else None,
        )
        self._say(f"running, pid {process.pid}")
        forward = asyncio.create_task(self._forward(process))
        exited = asyncio.create_task(process.wait())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({exited, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        await self._end(process, exited)
        await forward
        return await exited

    async def _end(self, process: asyncio.subprocess.Process, exited: asyncio.Task[int]) -> None:
        """End the process, and whatever it left in its group."""
        _signal_group(process.pid, signal.SIGTERM)
        await asyncio.wait({exited}, timeout=STOP_GRACE_S)
        if not exited.done():
            self._say(f"does not stop within {STOP_GRACE_S:g} s; killed")
        _signal_group(process.pid, signal.SIGKILL)

    async def _forward(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:  # a line longer than the limit: asyncio has dropped what it had of it
                self._say("(a line too long to show)")
                continue
            if not line:
                return
            self._say(line.decode(errors="replace").rstrip())

    def _say(self, text: str) -> None:
        self._show(self.service.name, text)


def _die_with_parent(number: signal.Signals) -> None:
    """Let the kernel end the child when the supervisor is killed without a chance to do it itself."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


def _signal_group(pid: int, number: signal.Signals) -> None:
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        pass  # nothing of the group is left, which is what was wanted


def _describe_exit(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
