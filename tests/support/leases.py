"""Leases that Redis has granted, without the loop that extends them."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.asyncio.lock import Lock

from libs.common import keys
from libs.common.clock import running_s
from libs.common.leases import Lease


async def held_lease(
    redis: Redis, role: keys.Role, camera_id: str, timeout_s: float = 60, member: str = "member-1"
) -> Lease:
    """A camera's lease, granted by Redis for a minute, which its holder believes in for `timeout_s`."""
    lock = Lock(redis, keys.lease(role, camera_id), timeout=60, thread_local=False)
    assert await lock.acquire(token=member)
    lease = Lease(camera_id, lock, timeout_s)
    lease.extend(running_s())
    return lease
