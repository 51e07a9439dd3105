"""`lotcast status`: what each camera and each process does now."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rich.console import Console
from rich.live import Live

from libs.common.bus import connect
from libs.common.errors import BusUnavailable
from libs.common.redis_address import RedisAddress, refusal
from libs.common.settings import ServiceSettings
from libs.common.shutdown import sleep_until_stopped, stop_on_signals
from lotcast.status.reading import Reading, read_system
from lotcast.status.tables import render


def status(
    redis_url: Annotated[str | None, typer.Option(help="the system's Redis [REDIS_URL]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one reading as a JSON object, for machines")] = False,
    every: Annotated[float, typer.Option(min=0.2, max=60, help="seconds from one reading to the next")] = 1.0,
) -> None:
    """Show every camera and every process: live on a terminal until Ctrl-C, one reading elsewhere."""
    given = {} if redis_url is None else {"redis_url": redis_url}
    address = ServiceSettings.from_environment(**given).redis
    asyncio.run(_show(address, as_json, every))


async def _show(address: RedisAddress, as_json: bool, every_s: float) -> None:
    redis = connect(address)
    try:
        reading = await _first(redis, address)
        console = Console()
        if as_json:
            sys.stdout.write(json.dumps(asdict(reading)) + "\n")
        elif console.is_terminal:
            await _follow(redis, reading, address, console, every_s)
        else:
            console.print(render(reading, str(address)))
    finally:
        await redis.aclose()


async def _first(redis: Redis, address: RedisAddress) -> Reading:
    """A reading, or the end: a person or a script waits for it.

    Raises:
        BusUnavailable: there is none; the text says what to do.
    """
    try:
        return await read_system(redis)
    except (RedisError, OSError) as error:
        problem = refusal(error, address)
        raise BusUnavailable(
            problem or f"{address} does not answer: {error}; is Redis running? REDIS_URL or --redis-url says where"
        ) from error


async def _follow(redis: Redis, reading: Reading, address: RedisAddress, console: Console, every_s: float) -> None:
    """Show reading after reading until Ctrl-C; while Redis is away, the last one and why."""
    stop = stop_on_signals()
    with Live(render(reading, str(address)), console=console, screen=True, auto_refresh=False) as live:
        live.refresh()
        while not await sleep_until_stopped(stop, every_s):
            problem = None
            try:
                reading = await read_system(redis)
            except (RedisError, OSError) as error:
                problem = refusal(error, address) or f"Redis does not answer: {error}; trying again"
            live.update(render(reading, str(address), problem), refresh=True)
