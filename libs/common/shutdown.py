"""Shutdown of a service: a signal sets an event, the parts get a grace period, what remains is cancelled."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Coroutine, Iterable
from typing import Any, NoReturn

from libs.common.logging import get_logger

_log = get_logger("shutdown")


def stop_on_signals() -> asyncio.Event:
    """An event that SIGINT, SIGTERM, SIGHUP or SIGQUIT sets; for the running loop.

    SIGHUP stays ignored where it was when the process started: `nohup` goes on after its terminal.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        if number is not signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, stop.set)
    return stop


async def sleep_until_stopped(stop: asyncio.Event, delay_s: float) -> bool:
    """Wait for `delay_s` seconds or until `stop` is set, whichever comes first.

    Returns:
        True if stopped.
    """
    try:
        async with asyncio.timeout(delay_s):
            await stop.wait()
    except TimeoutError:
        return False
    return True


async def run_until_stopped(
    parts: Iterable[Coroutine[Any, Any, None]], stop: asyncio.Event, grace_s: float = 5.0
) -> None:
    """Run a service's parts together until `stop` is set or one of them ends.

    Args:
        parts: each watches `stop` and returns soon after it is set.
        stop: set here when a part ends, so that the others end too.
        grace_s: seconds from `stop` until parts that still run are cancelled.

    Raises:
        Exception: the first error with which a part ended.
    """
    tasks = [asyncio.create_task(part) for part in parts]
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([*tasks, stopped], return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    await stopped
    _, late = await asyncio.wait(tasks, timeout=grace_s)
    for task in late:
        _log.warning("a part did not stop in time and is cancelled", task=task.get_coro().__qualname__)  # type: ignore[union-attr]
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException) and not isinstance(result, asyncio.CancelledError):
            raise result


def end_process(code: int) -> NoReturn:
    """End with an exit code, at once if a thread still runs.

    A library that waits for a camera in such a thread may call back into an interpreter that is being taken down, and
    that is a segmentation fault.
    """
    if threading.active_count() > 1:
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)
