"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any


async def wait_for(
    condition: Callable[[], Awaitable[Any]] | Callable[[], Any], timeout_s: float = 30.0, every_s: float = 0.02
) -> Any:
    """Ask until the condition is true.

    Returns:
        The first true value.

    Raises:
        AssertionError: none came within `timeout_s` seconds; the text has the last value.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s; last value: {value!r}")
        await asyncio.sleep(every_s)
