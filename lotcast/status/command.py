"""`lotcast status`: what each camera and each process does now."""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from redis.asyncio import Redis
from redis.exceptions import RedisError
from rich.console import Console
from rich.live import Live

from libs.common.bus import connect
from libs.common.cameras import hide_credentials
from libs.common.errors import BusUnavailable, ConfigurationError
from libs.common.redis_address import RedisAddress, refusal
from libs.common.run_folder import running_systems
from libs.common.settings import ServiceSettings
from libs.common.shutdown import sleep_until_stopped, stop_on_signals
from libs.common.system.reading import Reading, read_system
from lotcast.status.tables import render


def status(
    redis_url: Annotated[
        str | None, typer.Option(help="the system's Redis [REDIS_URL, or that of the system that runs here]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one reading as a JSON object, for machines")] = False,
    every: Annotated[float, typer.Option(min=0.2, max=60, help="seconds from one reading to the next")] = 1.0,
) -> None:
    """Show every camera and every process: live on a terminal until Ctrl-C, one reading elsewhere."""
    asyncio.run(_show(find_address(redis_url), as_json, every))


def find_address(redis_url: str | None) -> RedisAddress:
    """Where the system's Redis is: as given, as in `REDIS_URL`, or that of the only system that this user runs here.

    Raises:
        ConfigurationError: an address is wrong, or there are several systems to choose from.
    """
    if redis_url is not None:
        try:
            return ServiceSettings.from_environment(redis_url=redis_url).redis
        except ConfigurationError as error:
            raise ConfigurationError(str(error).replace("REDIS_URL:", "--redis-url:", 1)) from None
    settings = ServiceSettings.from_environment()
    if "redis_url" in settings.model_fields_set:
        return settings.redis
    systems = running_systems()
    if len(systems) > 1:
        named = ", ".join(
            f"--redis-url {hide_credentials(system.redis_url)} ({system.data or system.dashboard})"
            for system in systems
        )
        raise ConfigurationError(f"{len(systems)} systems run here; say which: {named}")
    if not systems:
        return settings.redis
    system = systems[0]
    return RedisAddress(
        system.redis_url,
        None if system.redis_password_file is None else Path(system.redis_password_file),
        None if system.redis_ca_file is None else Path(system.redis_ca_file),
    )


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
            problem
            or f"{address} does not answer: {error}; no `lotcast up` or `lotcast demo` of this user runs here, and "
            "REDIS_URL or --redis-url says where another Redis is"
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
