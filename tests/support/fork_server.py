"""`python -m tests.support.fork_server FD MODULE…`: runs modules as processes without importing them each time.

Imports are most of what a short process costs: a detector's take seconds of a core. This process imports MODULE… once
and forks for each request. The child goes on as `python -m` would: it has its own pid, environment, working directory,
output and exit code; only its imports are already done. So nothing may be imported here that starts threads or reads
its environment during import.

Requests come over the Unix socket FD from `tests.support.forked`. When that closes, the server ends.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

REQUEST_MAX_BYTES = 200_000


@dataclass(frozen=True, slots=True)
class Request:
    """What a process is to be.

    Attributes:
        module: what to run, as after `python -m`.
        arguments: for it.
        environment: all of its variables.
        folder: where it works.
    """

    module: str
    arguments: list[str]
    environment: dict[str, str]
    folder: str


def main() -> None:
    """Serve; in a child, be what was requested."""
    control = socket.socket(fileno=int(sys.argv[1]))
    for name in sys.argv[2:]:
        importlib.import_module(name)
        if name.endswith(".__main__"):
            del sys.modules[name]  # it is run under this name, which `runpy` wants to be the first time
    request = serve(control)
    if request is not None:
        become(request)


def serve(control: socket.socket) -> Request | None:
    """Fork for each request.

    Args:
        control: brings a request and three descriptors: for what it prints, for errors, and for its wait status (a
            number as text, once it has ended). Takes the new process's pid.

    Returns:
        In a child, its request; in the server None, once the tests are over.
    """
    gc.collect()
    gc.freeze()  # a child's garbage collector would copy every page that it looks at
    woken, waker = socket.socketpair()
    waker.setblocking(False)
    signal.set_wakeup_fd(waker.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, which end this process by closing
    status_of: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([control, woken], [], [])
        if woken in ready:
            woken.recv(1000)
            report_ended(status_of)
        if control not in ready:
            continue
        told, descriptors, _, _ = socket.recv_fds(control, REQUEST_MAX_BYTES, 3)
        if not told:
            return None
        output, errors, status = descriptors
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGHUP, signal.SIG_DFL)  # it is ignored where the tests run under `nohup`
            for one in (control, woken, waker):
                one.close()
            os.dup2(output, 1)
            os.dup2(errors, 2)
            close_all([*descriptors, *status_of.values()])
            fields: dict[str, Any] = json.loads(told)
            return Request(**fields)
        control.send(str(pid).encode())
        status_of[pid] = status
        close_all([output, errors])


def report_ended(status_of: dict[int, int]) -> None:
    """Write the wait status of each child that has ended where its owner waits for it."""
    while status_of:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with open(status_of.pop(pid), "wb", buffering=0) as told:
            try:
                told.write(str(status).encode())
            except BrokenPipeError:
                continue  # nobody wants to know any more


def close_all(descriptors: Sequence[int]) -> None:
    """Close descriptors that are another's."""
    for one in descriptors:
        os.close(one)


def become(request: Request) -> None:
    """Run a module as this process, to its end."""
    os.environ.clear()
    os.environ.update(request.environment)
    os.chdir(request.folder)
    tempfile.tempdir = None  # some import has asked for it already, and it depends on the environment
    sys.argv = [request.module, *request.arguments]
    runpy.run_module(request.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
