"""At Redis's memory limit leases, heartbeats and a camera's vital keys go on; history is told to stop, in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError
from structlog.testing import capture_logs

from libs.common import keys
from libs.common.bus import connect
from libs.common.leased_transaction import LeasedTransaction
from libs.common.leases import Leases
from libs.common.membership import Membership
from libs.common.redis_memory import STOPS_AT, MemoryLevel, RedisMemory, RedisMemoryWatch
from libs.common.vital_write import VitalWrite
from tests.support.redis_server import RedisServer
from tests.support.waiting import PATIENCE_S, wait_for


@pytest.fixture
async def full_redis(own_redis_server: RedisServer) -> AsyncIterator[Redis]:
    """A client of a server that refuses every ordinary write."""
    client = connect(own_redis_server.url)
    await client.config_set("maxmemory", 1)
    with pytest.raises(OutOfMemoryError):
        await client.set("ordinary", "write")
    yield client
    await client.aclose()


async def test_leases_are_taken_extended_and_used_while_redis_is_full(full_redis: Redis) -> None:
    leases = Leases(full_redis, "detector", "first", timeout_s=0.5)
    leases.share(["CAM1"])
    stop = asyncio.Event()
    running = asyncio.create_task(leases.run(stop))
    await wait_for(lambda: "CAM1" in leases.held())
    lease = leases.held()["CAM1"]
    lease.begin()
    await asyncio.sleep(1.5)  # three timeouts
    assert lease.is_valid()
    assert leases.liveness.problem() is None
    picture = b"\xff\xd8\xff" + bytes(100_000)
    commands = [
        ("INCR", keys.count("CAM1")),
        ("SET", keys.latest("CAM1"), picture, "EX", 300),
        ("XADD", keys.frames("CAM1"), "MAXLEN", "=", 4, "*", "jpeg", picture),
    ]
    for number in range(1, 9):
        answers = await LeasedTransaction(full_redis).execute(lease, commands, picture)
        assert answers is not None
        assert answers[0] == number
    assert await full_redis.xlen(keys.frames("CAM1")) == 4
    stop.set()
    await leases.release(lease)
    await running


async def test_members_and_small_writes_go_on_while_redis_is_full(full_redis: Redis) -> None:
    members = [Membership(full_redis, "gateway", name, timeout_s=8.0) for name in ("b", "a")]
    assert [await member.beat() for member in members] == [("b",), ("a", "b")]
    await VitalWrite(full_redis)("HSET", keys.status("CAM1"), "ingest_state", "live")
    assert await full_redis.hget(keys.status("CAM1"), "ingest_state") == b"live"
    pipe = full_redis.pipeline(transaction=False)
    await VitalWrite(full_redis)("HSET", keys.viewers("CAM1"), "a", 3, pipe=pipe)
    await pipe.execute()
    assert await full_redis.hgetall(keys.viewers("CAM1")) == {b"a": b"3"}
    await members[0].leave()
    assert await members[1].beat() == ("a",)


def memory(share: float) -> RedisMemory:
    return RedisMemory(round(share * 1_000_000), 0, 1_000_000, 0, False, 0.0)


@pytest.mark.parametrize(
    ("share", "level"), [(0.0, "ok"), (0.89, "ok"), (0.90, "tight"), (0.98, "tight"), (0.99, "full"), (1.2, "full")]
)
def test_levels(share: float, level: str) -> None:
    assert memory(share).level.value == level


def test_without_a_limit_redis_is_never_full() -> None:
    assert RedisMemory(10**12, 0, 0, 0, False, 0.0).level is MemoryLevel.OK


def test_history_stops_in_the_stated_order() -> None:
    assert sorted(STOPS_AT, key=lambda kind: STOPS_AT[kind]) == ["log", "crops", "counts", "events"]


async def test_the_watch_says_what_stopped_and_what_to_do(own_redis: Redis) -> None:
    await own_redis.set("ballast", bytes(50_000_000))  # so that buffers, which come and go, do not matter
    watch = RedisMemoryWatch(own_redis)
    await watch.ask()
    assert watch.level.value == "ok"
    assert watch.problem() is None
    assert watch.last is not None
    used = watch.last.used_bytes
    with capture_logs() as lines:
        for share in (0.945, 0.945, 1.1, 0.5):
            await own_redis.config_set("maxmemory", round(used / share))
            await watch.ask()
            if share == 0.945:
                assert watch.level.value == "tight"
                assert [kind for kind in STOPS_AT if not watch.may_write(kind)] == ["log", "crops"]
                assert "log, crops" in (watch.problem() or "")
            if share == 1.1:
                assert watch.level.value == "full"
                assert not any(map(watch.may_write, STOPS_AT))
                problem = watch.problem() or ""
                assert problem.startswith("Redis is full")
                assert "raise its maxmemory" in problem
    assert watch.problem() is None
    assert [line["log_level"] for line in lines] == ["warning", "warning", "info"]


async def test_a_disk_that_takes_no_data_is_told_at_once(own_redis: Redis, own_redis_server: RedisServer) -> None:
    await own_redis.config_set("rdb-save-incremental-fsync", "no")
    watch = RedisMemoryWatch(own_redis)
    await own_redis.set("key", "value")
    # A folder stands where the snapshot should go: as little writable as a full disk.
    (own_redis_server.folder / "dump.rdb").mkdir()
    await own_redis.bgsave()
    async with asyncio.timeout(PATIENCE_S):
        while watch.problem() is None:
            await watch.ask()
            await asyncio.sleep(0.02)
    assert "cannot save its data to disk" in (watch.problem() or "")
