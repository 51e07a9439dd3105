"""What Redis itself refuses to write: without the lease, and to a camera that was deleted."""

from __future__ import annotations

from typing import Any

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from libs.common import keys
from libs.common.leased_transaction import LeasedTransaction, Unleased, Write
from libs.common.leases import Lease
from tests.support.leases import held_lease

NOBODYS = Unleased("detector", "CAM1")
SET: Any = ("SET", keys.latest("CAM1"), "new")


@pytest.fixture
async def lease(redis: Redis) -> Lease:
    return await held_lease(redis, "detector", "CAM1")


async def test_the_owner_writes_all_of_it(redis: Redis, lease: Lease) -> None:
    transaction, payload = LeasedTransaction(redis), b"picture"
    commands: Any = [SET, ("SET", keys.latest("CAM1"), payload, "EX", 60), ("INCR", keys.count("CAM1"))]
    assert await transaction.execute(lease, commands, payload) == [b"OK", b"OK", 1]
    assert await redis.get(keys.latest("CAM1")) == payload
    assert await redis.ttl(keys.latest("CAM1")) == 60


@pytest.mark.parametrize("holder", ["somebody-else", None])
async def test_who_does_not_hold_the_lease_writes_nothing(redis: Redis, lease: Lease, holder: str | None) -> None:
    if holder is None:
        await redis.delete(keys.lease("detector", "CAM1"))
    else:
        await redis.set(keys.lease("detector", "CAM1"), holder)
    assert await LeasedTransaction(redis).execute(lease, [SET]) is None
    assert not await redis.exists(keys.latest("CAM1"))


async def test_nobody_writes_to_a_deleted_camera(redis: Redis, lease: Lease) -> None:
    transaction = LeasedTransaction(redis)
    await redis.set(keys.deleted("CAM1"), 1)
    assert await transaction.execute(lease, [SET]) is None
    assert await transaction.execute(NOBODYS, [SET]) is None
    assert await transaction.execute_each([Write(lease, [SET]), Write(NOBODYS, [SET])]) == [None, None]
    assert not await redis.exists(keys.latest("CAM1"))
    await redis.hset(keys.CAMERAS, "CAM1", "registered again, with redis-cli")
    assert await transaction.execute(NOBODYS, [SET]) == [b"OK"], "without a lease, for a camera that nobody holds"


async def test_one_that_fails_harms_no_other_also_after_redis_forgot_the_script(redis: Redis, lease: Lease) -> None:
    transaction, wrong = LeasedTransaction(redis), ("INCR", keys.latest("CAM1"))
    for _ in range(2):
        await redis.script_flush()
        first, second, third = await transaction.execute_each(
            [Write(NOBODYS, [SET]), Write(lease, [wrong]), Write(lease, [SET])]
        )
        assert (first, third) == ([b"OK"], [b"OK"])
        assert isinstance(second, ResponseError)
    with pytest.raises(ResponseError):
        await transaction.execute(lease, [wrong])
