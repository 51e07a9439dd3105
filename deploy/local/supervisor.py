"""Runs a set of services together: a line per service, restarts, and nothing left behind at the end."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.local.process import Service, SupervisedProcess
from libs.common.errors import ConfigurationError

Step = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Stage:
    """Services that start and stop together.

    Attributes:
        services: what to run.
        ready: waits until the next stage may start.
        before_stop: is done before these services are stopped, after those of later stages were.
    """

    services: Sequence[Service]
    ready: Step
    before_stop: Step | None = None


def show(name: str, text: str) -> None:
    """Print one line of a service."""
    try:
        sys.stdout.write(f"{name:<9} {text}\n")
        sys.stdout.flush()
    except OSError:
        pass  # the terminal is gone or the pipe is closed; the services are to stop in order all the same


async def supervise(stages: Sequence[Stage], stop: asyncio.Event) -> None:
    """Start services stage by stage and keep them running until `stop` is set; then stop them, last stage first.

    Args:
        stages: in the order of their start.
        stop: set by signals.

    Raises:
        ConfigurationError: a service refused its settings, or a stage did not become ready.
    """
    running: list[tuple[Stage, asyncio.Event, list[asyncio.Task[None]]]] = []
    failures: list[asyncio.Task[bool]] = []
    try:
        for stage in stages:
            stage_stop = asyncio.Event()
            processes = [SupervisedProcess(service, show) for service in stage.services]
            running.append((stage, stage_stop, [asyncio.create_task(process.run(stage_stop)) for process in processes]))
            failures += [asyncio.create_task(process.failed.wait()) for process in processes]
            if not await _wait_until_ready(stage.ready, stop, failures):
                return
        await _first_of([asyncio.create_task(stop.wait()), *failures])
        _raise_if_failed(failures)
    finally:
        show("lotcast", "stopping")
        for failure in failures:
            failure.cancel()
        for stage, stage_stop, tasks in reversed(running):
            if stage.before_stop is not None:
                await stage.before_stop()
            stage_stop.set()
            await asyncio.gather(*tasks)


async def _wait_until_ready(ready: Step, stop: asyncio.Event, failures: list[asyncio.Task[bool]]) -> bool:
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
