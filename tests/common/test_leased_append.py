"""Frames are appended under their lease, or leave no trace; at the cost of a plain XADD."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import OutOfMemoryError, ResponseError

from libs.common import keys
from libs.common.bus import connect
from libs.common.leased_append import Append, LeasedAppend
from libs.common.leases import Lease
from tests.support.leases import held_lease
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_for

MAXLEN = 3


async def appends_of(redis: Redis, *camera_ids: str) -> list[Append]:
    return [append(await held_lease(redis, "ingest", camera_id)) for camera_id in camera_ids]


def append(lease: Lease, number: int = 1) -> Append:
    return Append(lease, keys.frames(lease.camera_id), MAXLEN, ("seq", number, "jpeg", bytes(50_000)))


async def sequence(redis: Redis, camera_id: str) -> list[int]:
    rows: Any = await redis.xrange(keys.frames(camera_id))
    return [int(fields[b"seq"]) for _, fields in rows]


async def test_the_owner_appends_and_exactly_the_newest_stay(redis: Redis) -> None:
    stream, lease = LeasedAppend(redis), await held_lease(redis, "ingest", "CAM1")
    for number in range(5):
        (entry_id,) = await stream.append_each([append(lease, number)])
        assert isinstance(entry_id, bytes)
        assert (await redis.xinfo_stream(keys.frames("CAM1")))["last-generated-id"] == entry_id
        await redis.script_flush()  # as after a restart
    assert await sequence(redis, "CAM1") == [2, 3, 4]


async def test_what_others_wrote_and_joined_stays_when_an_entry_is_refused(redis: Redis) -> None:
    appends = await appends_of(redis, "KEPT", "MOVED", "EXPIRED", "JOINED", "DELETED", "AGAIN")
    await redis.set(keys.lease("ingest", "MOVED"), "somebody-else")
    await redis.xadd(keys.frames("MOVED"), {"seq": 7})
    for camera_id in ("EXPIRED", "JOINED"):
        await redis.delete(keys.lease("ingest", camera_id))
    await redis.xgroup_create(keys.frames("JOINED"), keys.DETECTOR_GROUP, "$", mkstream=True)
    for camera_id in ("DELETED", "AGAIN"):
        await redis.set(keys.deleted(camera_id), 1)
    await redis.hset(keys.CAMERAS, "AGAIN", "registered again, with redis-cli")
    answers = await LeasedAppend(redis).append_each(appends)
    written = [one.lease.camera_id for one, answer in zip(appends, answers, strict=True) if answer is not None]
    assert written == ["KEPT", "AGAIN"]
    assert await sequence(redis, "MOVED") == [7]
    assert await redis.exists(keys.frames("JOINED")), "a detector waits for its first frame"
    assert not await redis.exists(keys.frames("EXPIRED"), keys.frames("DELETED"))


async def test_a_detector_that_waits_is_not_handed_an_entry_that_is_refused(redis: Redis, redis_url: str) -> None:
    (refused,) = await appends_of(redis, "CAM1")
    await redis.xgroup_create(refused.stream, keys.DETECTOR_GROUP, "$", mkstream=True)
    await redis.set(keys.lease("ingest", "CAM1"), "somebody-else")
    async with connect(redis_url) as detector:
        read: Any = detector.xreadgroup(keys.DETECTOR_GROUP, "me", {refused.stream: ">"}, block=300, noack=True)
        reading = asyncio.ensure_future(read)

        async def waits() -> bool:
            return int((await redis.info("clients"))["blocked_clients"]) > 0

        await wait_for(waits, every_s=0.002)
        assert await LeasedAppend(redis).append_each([refused]) == [None]
        assert not [entry for _, entries in await reading or [] for entry in entries]


async def test_one_that_fails_harms_no_other(redis: Redis) -> None:
    appends = await appends_of(redis, "BAD", "GOOD", "BAD-AND-MOVED")
    for camera_id in ("BAD", "BAD-AND-MOVED"):
        await redis.set(keys.frames(camera_id), "no stream")
    await redis.set(keys.lease("ingest", "BAD-AND-MOVED"), "somebody-else")
    bad, good, moved = await LeasedAppend(redis).append_each(appends)
    assert isinstance(bad, ResponseError)
    assert isinstance(good, bytes)
    assert isinstance(moved, ResponseError)
    assert await redis.get(keys.frames("BAD-AND-MOVED")) == b"no stream"


async def test_frames_go_on_while_redis_is_full_and_still_only_under_the_lease(own_redis_server: RedisServer) -> None:
    redis = connect(own_redis_server.url)
    try:
        appends = await appends_of(redis, "MINE", "MOVED")
        await redis.set(keys.lease("ingest", "MOVED"), "somebody-else")
        await redis.config_set("maxmemory", 1)
        with pytest.raises(OutOfMemoryError):
            await redis.set("ordinary", "write")
        stream = LeasedAppend(redis)
        for _ in range(2):
            mine, moved = await stream.append_each(appends)
            assert isinstance(mine, bytes)
            assert moved is None
        assert await sequence(redis, "MINE") == [1, 1]
        assert not await redis.exists(keys.frames("MOVED"))
    finally:
        await redis.aclose()
