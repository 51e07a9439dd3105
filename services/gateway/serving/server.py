"""Serve the application: in this process, or in several that share the port."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Any, Final

import uvicorn

from libs.common.errors import ConfigurationError
from libs.common.logging import configure_logging, get_logger
from libs.common.process_memory import freeze_loaded_objects
from libs.common.shutdown import sleep_until_stopped
from services.gateway.metrics import forget_connections, share_numbers, shared_by_workers
from services.gateway.serving.config import GRACE_S, PARTS_GRACE_S, GatewayConfig
from services.gateway.serving.http_protocol import GatewayHttpProtocol
from services.gateway.serving.open_files import allow_viewers
from services.gateway.serving.viewer_protocol import CLOSE_GRACE_AT_STOP_S, ViewerProtocol
from services.gateway.settings import GatewaySettings

_log = get_logger("server")

MakeApp = Callable[[GatewaySettings], Any]

RESTART_AFTER_S: Final = 1.0


VIEWERS_CLOSED_PER_S: Final = 250
VIEWERS_CLOSED_WITHIN_S: Final = 2.0
"""A stop closes viewers one after the other over this time at most, so that they do not all reconnect at once."""
CLOSED_EVERY_S: Final = 0.02
REQUESTS_GRACE_S: Final = 2.0
"""After the viewers, so long a stop waits for requests that are under way."""
TASKS_GRACE_S: Final = 0.5
STOP_MAX_S: Final = VIEWERS_CLOSED_WITHIN_S + CLOSE_GRACE_AT_STOP_S + GRACE_S + PARTS_GRACE_S + 1.0
"""How long a stop takes at most; a worker that takes longer is killed."""


class GatewayServer(uvicorn.Server):
    """uvicorn's server, which wakes up once a second instead of ten times, and stops without harm to viewers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._exit = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and leave what is loaded by now to no garbage collection: each would hold up all viewers for 0.1 s."""
        await super().startup(sockets)
        freeze_loaded_objects()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, close the viewers while pictures go on, end requests, then stop the parts."""
        for server in self.servers:
            server.close()
        for bound in sockets or []:
            bound.close()
        await self._close_viewers()
        cut_off = asyncio.get_running_loop().call_later(REQUESTS_GRACE_S, self._cut_off_requests)
        try:
            await super().shutdown(sockets)
        finally:
            cut_off.cancel()

    async def _close_viewers(self) -> None:
        """Close one viewer after the other, each with its last picture whole, and wait until they are gone."""
        loop = asyncio.get_running_loop()
        viewers = self._viewers()
        spread_s, started = min(VIEWERS_CLOSED_WITHIN_S, len(viewers) / VIEWERS_CLOSED_PER_S), loop.time()
        for number, viewer in enumerate(viewers):
            due = started + spread_s * number / len(viewers)
            if due > loop.time() and not self.force_exit:
                await asyncio.sleep(max(CLOSED_EVERY_S, due - loop.time()))
            viewer.shutdown()
        deadline = loop.time() + CLOSE_GRACE_AT_STOP_S
        while self._viewers() and loop.time() < deadline and not self.force_exit:  # noqa: ASYNC110 - as uvicorn does
            await asyncio.sleep(CLOSED_EVERY_S)

    def _viewers(self) -> list[ViewerProtocol | GatewayHttpProtocol]:
        return [
            connection
            for connection in self.server_state.connections
            if isinstance(connection, ViewerProtocol | GatewayHttpProtocol) and connection.is_viewer
        ]

    def _cut_off_requests(self) -> None:
        """End what is still under way, before uvicorn does it with an error in the log."""
        connections = list(self.server_state.connections)
        if connections:
            _log.warning("requests had not ended at the stop and are cut off", connections=len(connections))
        for connection in connections:
            if (transport := getattr(connection, "transport", None)) is not None:
                transport.abort()
        # A route that reads or writes has noticed; one that waits for something else has not.
        asyncio.get_running_loop().call_later(TASKS_GRACE_S, self._cancel_tasks)

    def _cancel_tasks(self) -> None:
        for task in list(self.server_state.tasks):
            task.cancel()

    async def main_loop(self) -> None:
        """Keep the Date header fresh until a signal comes."""
        while not await self.on_tick(0):
            await sleep_until_stopped(self._exit, 1.0)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal has come; the event loop is just waking up for it."""
        super().handle_exit(sig, frame)
        self._exit.set()


def listen(settings: GatewaySettings, *, shared: bool = False) -> socket.socket:
    """A socket bound to the gateway's address.

    Args:
        settings: host and port.
        shared: other processes bind the same; the kernel spreads the connections over all that listen.

    Raises:
        ConfigurationError: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        bound.bind((settings.host, settings.port))
    except OSError as error:
        bound.close()
        raise ConfigurationError(
            f"GATEWAY_PORT: cannot listen on {settings.host}:{settings.port}: {error.strerror}"
        ) from None
    bound.set_inheritable(True)
    return bound


def serve(settings: GatewaySettings, make_app: MakeApp) -> int:
    """Serve until SIGINT or SIGTERM; returns the exit code.

    Raises:
        ConfigurationError: the address cannot be had.
    """
    return _serve_here(settings, make_app) if settings.workers == 1 else _serve_in_workers(settings, make_app)


def _serve_here(settings: GatewaySettings, make_app: MakeApp) -> int:
    allow_viewers(settings.viewers_max)
    listening = listen(settings, shared=settings.workers > 1)
    server = GatewayServer(GatewayConfig(settings, partial(make_app, settings)))
    # Before uvicorn listens for signals itself, so that one that comes while we start is not lost; and after, since it
    # raises the signal again that stopped it: by then the stop has been clean.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.handle_exit)
    server.run([listening])
    return 0 if server.started else 1


def _worker(settings: GatewaySettings, make_app: MakeApp, numbers: Path, place: int) -> None:
    configure_logging(settings, "gateway")
    share_numbers(numbers, place)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    sys.exit(_serve_here(settings, make_app))


def _end_with_parent() -> None:
    """Stop when the parent is gone, however it went: nobody would restart or end this worker any more."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _serve_in_workers(settings: GatewaySettings, make_app: MakeApp) -> int:
    with shared_by_workers() as numbers:
        return _keep_workers(settings, make_app, numbers)


def _keep_workers(settings: GatewaySettings, make_app: MakeApp, numbers: Path) -> int:
    """Keep as many workers alive as are wanted; a signal ends all of them."""
    reserved = listen(settings, shared=True)  # bound, never listening: keeps the port between two workers' lives
    context = multiprocessing.get_context("spawn")
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    def start(place: int) -> BaseProcess:
        process = context.Process(target=_worker, args=(settings, make_app, numbers, place), daemon=True)
        process.start()
        return process

    workers = [start(place) for place in range(settings.workers)]
    while not stop.wait(0.2):
        for place, process in enumerate(workers):
            if process.exitcode is not None:
                _log.error("a worker ended; starting another", pid=process.pid, exit_code=process.exitcode)
                forget_connections(numbers, place)
                stop.wait(RESTART_AFTER_S)
                workers[place] = start(place)
    for process in workers:
        process.terminate()
    deadline = time.monotonic() + STOP_MAX_S
    for process in workers:
        process.join(max(0.0, deadline - time.monotonic()))
        if process.exitcode is None:
            process.kill()
            process.join(1.0)
    reserved.close()
    return 0
