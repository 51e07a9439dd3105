"""Runs a set of services together: a line per service, restarts, and nothing left behind at the end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from deploy.local.process import Service, SupervisedProcess
from libs.common.errors import ConfigurationError
from libs.common.shutdown import stop_on_signals

Ready = Callable[[], Awaitable[None]]


def show(name: str, text: str) -> None:
    """Print one line of a service."""
    sys.stdout.write(f"{name:<9} {text}\n")
    sys.stdout.flush()


async def supervise(stages: Sequence[tuple[Sequence[Service], Ready]]) -> None:
    """Start services stage by stage and keep them running until SIGINT or SIGTERM; then stop them, last stage first.

    Args:
        stages: services that start together, and what to wait for before the next stage.

    Raises:
        ConfigurationError: a service refused its settings, or a stage did not become ready.
    """
    stop = stop_on_signals()
    running: list[tuple[asyncio.Event, list[asyncio.Task[None]]]] = []
    failures: list[asyncio.Task[bool]] = []
    try:
        for services, ready in stages:
            stage_stop = asyncio.Event()
            processes = [SupervisedProcess(service, show) for service in services]
            running.append((stage_stop, [asyncio.create_task(process.run(stage_stop)) for process in processes]))
            failures += [asyncio.create_task(process.failed.wait()) for process in processes]
            if not await _wait_until_ready(ready, stop, failures):
                return
        await _first_of([asyncio.create_task(stop.wait()), *failures])
        _raise_if_failed(failures)
    finally:
        show("lotcast", "stopping")
        for failure in failures:
            failure.cancel()
        for stage_stop, tasks in reversed(running):
            stage_stop.set()
            await asyncio.gather(*tasks)


async def _wait_until_ready(ready: Ready, stop: asyncio.Event, failures: list[asyncio.Task[bool]]) -> bool:
    """Wait for a stage; False if a signal came first."""
    becoming = asyncio.ensure_future(ready())
    stopping = asyncio.create_task(stop.wait())
    await _first_of([becoming, stopping, *failures])
    stopping.cancel()
    if not becoming.done():
        becoming.cancel()
        _raise_if_failed(failures)
        return False
    await becoming
    return not stop.is_set()


async def _first_of(tasks: Sequence[asyncio.Future[Any]]) -> None:
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)


def _raise_if_failed(failures: list[asyncio.Task[bool]]) -> None:
    if any(failure.done() for failure in failures):
        raise ConfigurationError("a service refused its settings; its line above says which")
