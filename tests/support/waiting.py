"""Waiting for a condition instead of for a time."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

PATIENCE_S: Final = 60.0
"""How long tests wait for what comes in a second or two on a quiet machine. A busy one may take its time: how soon
something must come is asserted where it is promised, not by this.
"""


async def wait_for(
    condition: Callable[[], Awaitable[Any]] | Callable[[], Any], timeout_s: float = PATIENCE_S, every_s: float = 0.02
) -> Any:
    """Ask until the condition is true.

    Args:
        condition: asked; True, or any true value.
        timeout_s: another deadline than `PATIENCE_S`, for what is promised within a time.
        every_s: how often it is asked.

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
