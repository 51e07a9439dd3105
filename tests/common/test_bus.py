from __future__ import annotations

import asyncio

import pytest

from libs.common.bus import connect


@pytest.mark.parametrize("is_connected", [False, True])
@pytest.mark.parametrize("cycles", range(12))  # of the event loop: connecting, writing, reading
async def test_a_request_is_cancelled_whatever_it_is_at(redis_url: str, is_connected: bool, cycles: int) -> None:
    client = connect(redis_url)
    if is_connected:
        await client.ping()
    stop = asyncio.Event()

    async def ask_until_stopped() -> None:
        while not stop.is_set():
            await client.ping()

    task = asyncio.create_task(ask_until_stopped())
    for _ in range(cycles):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=1)
    stop.set()  # so that a task that goes on ends with this test
    await asyncio.wait({task}, timeout=1)
    assert task.cancelled()
    await client.ping()
    await client.aclose()
