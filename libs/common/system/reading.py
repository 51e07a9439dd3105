"""One reading of the whole system from Redis: what each camera and each process does now.

`lotcast status` and the gateway read it the same way. Only what the ACL user `monitor` may read: no picture, and no
camera's address, which may hold a password. So that user finds the cameras by the names of their keys; one that was
registered before any ingest ran is not seen yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, get_args

from redis.asyncio import Redis
from redis.exceptions import NoPermissionError, ResponseError

from libs.common import keys
from libs.common.bus import as_text
from libs.common.camera_state import read_number, read_whole
from libs.common.membership import ALIVE_S
from libs.common.redis_memory import MemoryLevel, RedisMemory
from libs.common.system.camera import CameraAnswers, CameraReading, read_camera
from libs.common.system.drops import Drop, drops_from_text

SCAN_COUNT: Final = 1000
PROCESSES_MAX: Final = 500
"""Of a role; of more, those with the newest heartbeats are told."""
ROLES: Final[tuple[keys.Role, ...]] = get_args(keys.Role)


@dataclass(frozen=True, slots=True)
class ProcessReading:
    """A process that is alive; what it did not tell (yet) is None.

    Attributes:
        role: ingest, detector or gateway.
        name: its name on the bus.
        heartbeat_age_s: since its last heartbeat.
        cpu_cores: cores kept busy over its last two seconds.
        memory_bytes: in RAM.
        cameras: that it holds; of ingest and detector.
        viewers: that are connected to it; of a gateway.
        up_s: since its start.
        host: where it runs.
        clock_skew_ms: that host's clock minus Redis's.
        version: of Lotcast.
        dropped: frames that it left out, by stage and cause.
    """

    role: keys.Role
    name: str
    heartbeat_age_s: float
    cpu_cores: float | None
    memory_bytes: int | None
    cameras: int | None
    viewers: int | None
    up_s: float | None
    host: str | None
    clock_skew_ms: int | None
    version: str | None = None
    dropped: list[Drop] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class RedisReading:
    """Redis itself.

    Attributes:
        version: of the server.
        memory_bytes: used for data.
        memory_max_bytes: its limit; 0 is none.
        clients: connected.
        commands_per_s: that it works on.
        problems: what is wrong with its memory and disk and what to do, a sentence each.
        level: how full it is: nothing has stopped, some of the history has, all of it has.
        save_failed: whether it could not save its data to disk.
    """

    version: str
    memory_bytes: int
    memory_max_bytes: int
    clients: int
    commands_per_s: int
    problems: list[str]
    level: MemoryLevel = MemoryLevel.OK
    save_failed: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything at one moment.

    Attributes:
        at_ms: by Redis's clock, milliseconds since the epoch.
        cameras: in order of their ids.
        processes: by role, in order of their names.
        redis: the bus.
    """

    at_ms: int
    cameras: list[CameraReading]
    processes: list[ProcessReading]
    redis: RedisReading


async def read_system(redis: Redis, registered: Sequence[str] | None = None) -> Reading:
    """Read everything, in three round trips and those of the search for cameras.

    Args:
        redis: the bus.
        registered: ids of the cameras, for a reader that may read those; None searches the names of all keys.

    Raises:
        redis.NoPermissionError: the user may not read something.
        redis.RedisError: Redis is away.
    """
    pipe = redis.pipeline(transaction=False)
    pipe.time()
    pipe.info()
    pipe.zrange(keys.BROADCASTERS, 0, -1, withscores=True)
    for role in ROLES:
        pipe.zrange(keys.members(role), -PROCESSES_MAX, -1, withscores=True)
    (seconds, microseconds), info, broadcasters, *members = await pipe.execute()
    now_ms = int(seconds) * 1000 + int(microseconds) // 1000
    alive = {
        (role, as_text(name)): now_ms / 1000 - at_s
        for role, rows in zip(ROLES, members, strict=True)
        for name, at_s in sorted(rows)
        if now_ms / 1000 - at_s < ALIVE_S
    }
    broadcast_at_s = {as_text(camera_id): float(at_s) for camera_id, at_s in broadcasters}
    known = set(registered) if registered is not None else await _find_cameras(redis)
    camera_ids = sorted(known | broadcast_at_s.keys())
    gateways = {name for role, name in alive if role == "gateway"}
    memory = RedisMemory.from_info(info)
    return Reading(
        at_ms=now_ms,
        cameras=[
            read_camera(camera_id, answers, gateways, now_ms)
            for camera_id, answers in zip(
                camera_ids, await _ask_cameras(redis, camera_ids, broadcast_at_s), strict=True
            )
        ],
        processes=await _read_processes(redis, alive, now_ms),
        redis=RedisReading(
            version=str(info["redis_version"]),
            memory_bytes=int(info["used_memory"]),
            memory_max_bytes=int(info.get("maxmemory", 0)),
            clients=int(info["connected_clients"]),
            commands_per_s=int(info["instantaneous_ops_per_sec"]),
            problems=memory.problems(),
            level=memory.level,
            save_failed=memory.save_failed,
        ),
    )


async def _find_cameras(redis: Redis) -> set[str]:
    """The ids in the names of keys `lotcast:{CAM}:…`."""
    found = set()
    async for key in redis.scan_iter(match="lotcast:{*}:*", count=SCAN_COUNT):
        found.add(as_text(key).removeprefix("lotcast:{").partition("}")[0])
    return found


async def _ask_cameras(
    redis: Redis, camera_ids: list[str], broadcast_at_s: Mapping[str, float]
) -> Iterable[CameraAnswers]:
    if not camera_ids:
        return []
    pipe = redis.pipeline(transaction=False)
    for camera_id in camera_ids:
        pipe.hgetall(keys.status(camera_id))
        pipe.get(keys.lease("ingest", camera_id))
        pipe.get(keys.lease("detector", camera_id))
        pipe.hgetall(keys.viewers(camera_id))
        pipe.get(keys.spaces(camera_id))
        pipe.hgetall(keys.occupancy(camera_id))
        pipe.xinfo_groups(keys.frames(camera_id))
    answers: list[Any] = await pipe.execute(raise_on_error=False)
    for answer in answers:
        # XINFO is an error where there is no stream, GET where somebody put another type: then nothing is known.
        if isinstance(answer, NoPermissionError) or (
            isinstance(answer, Exception) and not isinstance(answer, ResponseError)
        ):
            raise answer
    known = [None if isinstance(answer, Exception) else answer for answer in answers]
    asked = len(known) // len(camera_ids)
    return [
        CameraAnswers(broadcast_at_s.get(camera_id), *known[number * asked : (number + 1) * asked])
        for number, camera_id in enumerate(camera_ids)
    ]


async def _read_processes(
    redis: Redis, alive: Mapping[tuple[keys.Role, str], float], now_ms: int
) -> list[ProcessReading]:
    if not alive:
        return []
    pipe = redis.pipeline(transaction=False)
    for role, name in alive:
        pipe.hgetall(keys.load(role, name))
    loads = await pipe.execute()
    return [
        _process(role, name, age_s, {as_text(field): as_text(value) for field, value in load.items()}, now_ms)
        for ((role, name), age_s), load in zip(alive.items(), loads, strict=True)
    ]


def _process(role: keys.Role, name: str, age_s: float, load: Mapping[str, str], now_ms: int) -> ProcessReading:
    started_at_ms = read_whole(load.get("started_at_ms"))
    return ProcessReading(
        role=role,
        name=name,
        heartbeat_age_s=round(max(0.0, age_s), 3),
        cpu_cores=read_number(load.get("cpu_cores")),
        memory_bytes=read_whole(load.get("memory_bytes")),
        cameras=read_whole(load.get("cameras")),
        viewers=read_whole(load.get("viewers")),
        up_s=None if started_at_ms is None else round(max(0, now_ms - started_at_ms) / 1000, 1),
        host=load.get("host"),
        clock_skew_ms=read_whole(load.get("clock_skew_ms")),
        version=load.get("version"),
        dropped=drops_from_text(load.get("dropped")),
    )
