"""`lotcast cameras`: the registered cameras and a cameras file."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer
from redis.asyncio import Redis

from libs.common.bus import connect
from libs.common.errors import BusUnavailable, ConfigurationError, LotcastError
from libs.common.redis_address import RedisAddress
from libs.common.redis_errors import REDIS_ERRORS, explain
from lotcast.status.command import find_address
from services.ingest.applying import CameraChange, apply_change, plan_changes
from services.ingest.cameras_file import CameraEntry, read_cameras_file

app = typer.Typer(help="Compare a cameras file with the registered cameras, and apply it.", no_args_is_help=True)


@app.callback()
def cameras() -> None:
    """Compare a cameras file with the registered cameras, and apply it."""


@app.command(epilog="Exit codes: 0 applied, or nothing to change; 1 declined, refused, or Redis cannot be reached.")
def apply(
    file: Annotated[Path, typer.Argument(help="YAML, as for INGEST_CAMERAS_FILE")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
    redis_url: Annotated[
        str | None, typer.Option(help="the system's Redis [REDIS_URL, or that of the system that runs here]")
    ] = None,
) -> None:
    """Make the registered cameras and their spaces what FILE says, after showing the difference.

    Overrules what was changed or deleted since. Cameras that FILE does not name stay as they are, and so do the spaces
    of an entry without `spaces`.
    """
    entries = read_cameras_file(file)
    address = find_address(redis_url)
    try:
        asyncio.run(_apply(entries, address, yes))
    except REDIS_ERRORS as error:
        raise BusUnavailable(
            f"{address}: {explain(error)}; REDIS_URL or --redis-url says where another Redis is"
        ) from error


async def _apply(entries: list[CameraEntry], address: RedisAddress, yes: bool) -> None:
    redis = connect(address)
    try:
        changes, others = await plan_changes(redis, entries)
        for change in changes:
            _show(change)
        if others:
            _say(f"not in the file, left alone: {', '.join(others)}")
        changed = [change for change in changes if change.lines]
        if not changed:
            _say("nothing to change")
            return
        if not yes:
            _ask(len(changed))
        await _write(redis, changed)
    finally:
        await redis.aclose()


def _ask(count: int) -> None:
    if not sys.stdin.isatty():
        raise ConfigurationError(f"{_cameras(count)} would change; nothing is written without --yes")
    if not typer.confirm(f"Change {_cameras(count)}?"):
        raise ConfigurationError("nothing was changed")


async def _write(redis: Redis, changes: list[CameraChange]) -> None:
    missed = [change.entry.id for change in changes if not await apply_change(redis, change)]
    _say(f"applied to {_cameras(len(changes) - len(missed))}")
    if missed:
        raise LotcastError(f"somebody changed {', '.join(missed)} meanwhile; run it again to see the difference")


def _show(change: CameraChange) -> None:
    sign = "=" if not change.lines else "+" if change.is_new else "~"
    first, *rest = change.lines or ("unchanged",)
    _say(f"{sign} {change.entry.id}: {first}")
    for line in rest:
        _say(f"{'':{len(change.entry.id) + 4}}{line}")


def _cameras(count: int) -> str:
    return f"{count} camera{'' if count == 1 else 's'}"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
