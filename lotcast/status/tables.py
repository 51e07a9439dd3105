"""A reading as a person sees it; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from libs.common.camera_state import SpaceCounts
from libs.common.redis_clock import describe_skew
from libs.common.system.camera import CameraReading
from libs.common.system.reading import ROLES, ProcessReading, Reading, RedisReading

NOTHING: Final = "-"
STATE_STYLES: Final = {"live": "green", "broadcast": "green", "connecting": "yellow", "disabled": "dim"}
BAD: Final = "red"
OWNERLESS: Final = frozenset({"disabled", "broadcast", "silent"})
"""States of a camera that no ingest and no detector should hold."""


def render(reading: Reading, where: str, problem: str | None = None) -> RenderableType:
    """Everything as tables.

    Args:
        reading: the last one.
        where: Redis's address, without a password.
        problem: why it is not fresh any more; None if it is.
    """
    parts: list[RenderableType] = [_headline(reading, where), Text(), _cameras(reading.cameras)]
    parts += [
        Text.assemble((f"{camera.camera_id}: ", "bold"), (camera.error, BAD))
        for camera in reading.cameras
        if camera.error
    ]
    parts += [
        Text.assemble((f"{camera.camera_id}: ", "bold"), (camera.notice, "yellow"))
        for camera in reading.cameras
        if camera.notice
    ]
    parts += [Text(), _processes(reading.processes)]
    missing = [role for role in ROLES if all(process.role != role for process in reading.processes)]
    if missing:
        parts.append(Text(f"not running: {', '.join(missing)}", BAD))
    sentences = (*reading.redis.problems, *_skews(reading.processes), *_versions(reading.processes))
    parts += [Text(sentence, BAD) for sentence in sentences]
    if problem is not None:
        parts.append(Text(problem, BAD))
    return Group(*parts)


def _skews(processes: Sequence[ProcessReading]) -> list[str]:
    """A sentence for each host whose clock differs from Redis's."""
    by_host = {
        process.host: process.clock_skew_ms
        for process in processes
        if process.host is not None and process.clock_skew_ms is not None
    }
    sentences = (describe_skew(host, skew_ms) for host, skew_ms in sorted(by_host.items()))
    return [sentence for sentence in sentences if sentence is not None]


def _versions(processes: Sequence[ProcessReading]) -> list[str]:
    """A sentence if not all processes are of one version."""
    versions = sorted({process.version for process in processes if process.version is not None})
    return [f"different versions run: {', '.join(versions)}; finish the update"] if len(versions) > 1 else []


def _headline(reading: Reading, where: str) -> Text:
    at = datetime.fromtimestamp(reading.at_ms / 1000).astimezone()
    return Text(f"{at:%H:%M:%S}  {where}\n{_redis(reading.redis)}", style="dim")


def _redis(redis: RedisReading) -> str:
    limit = f" of {_mebibytes(redis.memory_max_bytes)}" if redis.memory_max_bytes else ""
    return (
        f"Redis {redis.version}: {_mebibytes(redis.memory_bytes)}{limit}, {redis.clients} clients, "
        f"{redis.commands_per_s} commands/s"
    )


def _cameras(cameras: Sequence[CameraReading]) -> RenderableType:
    if not cameras:
        return Text("no cameras", "yellow")
    table = Table("camera", "state", box=None, pad_edge=False, header_style="bold")
    for heading in ("in/s", "out/s", "latency", "lag"):
        table.add_column(heading, justify="right")
    table.add_column("ingest")
    table.add_column("detector")
    for heading in ("viewers", "occupied"):
        table.add_column(heading, justify="right")
    for camera in cameras:
        table.add_row(
            Text(camera.camera_id, "bold"),
            Text(camera.state, STATE_STYLES.get(camera.state, BAD)),
            _rate(camera.input_fps),
            _rate(camera.output_fps),
            NOTHING if camera.latency_ms is None else f"{camera.latency_ms} ms",
            NOTHING if camera.lag is None else str(camera.lag),
            _owner(camera.ingest, camera.state),
            _owner(camera.detector, camera.state),
            str(camera.viewers),
            _occupied(camera.spaces),
        )
    return table


def _processes(processes: Sequence[ProcessReading]) -> RenderableType:
    table = Table("role", "process", box=None, pad_edge=False, header_style="bold")
    for heading in ("cameras", "viewers", "CPU", "memory", "heartbeat", "up"):
        table.add_column(heading, justify="right")
    for process in processes:
        name = Text(process.name.removeprefix(f"{process.role}-"))
        name.stylize("bold", len(name) - len(_short(process.name)))
        table.add_row(
            process.role,
            name,
            NOTHING if process.cameras is None else str(process.cameras),
            NOTHING if process.viewers is None else str(process.viewers),
            NOTHING if process.cpu_cores is None else f"{process.cpu_cores:.0%}",
            NOTHING if process.memory_bytes is None else _mebibytes(process.memory_bytes),
            f"{process.heartbeat_age_s:.1f} s",
            NOTHING if process.up_s is None else _duration(process.up_s),
        )
    return table


def _short(name: str | None) -> str:
    """The end of a process's name, by which it is found in the table of processes."""
    return NOTHING if name is None else name.rpartition("-")[2]


def _owner(name: str | None, state: str) -> Text:
    """Who holds a camera; nobody is a fault unless nobody should."""
    return Text(_short(name), BAD if name is None and state not in OWNERLESS else "")


def _rate(per_second: float | None) -> str:
    return NOTHING if per_second is None else f"{per_second:.1f}"


def _occupied(spaces: SpaceCounts) -> str:
    unknown = f", {spaces.unknown} unknown" if spaces.unknown else ""
    return f"{spaces.occupied}/{spaces.total}{unknown}" if spaces.total else NOTHING


def _mebibytes(size_bytes: int) -> str:
    return f"{size_bytes / 2**20:.0f} MiB"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
