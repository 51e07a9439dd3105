"""Which processes of a role are alive: one sorted set a role, judged by Redis's clock.

Each member writes a heartbeat, and the same step removes the members that have been silent for too long. So whoever
reads the set sees the living ones, without comparing clocks. Heartbeats go on while Redis is full.
"""

from __future__ import annotations

from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from libs.common import keys
from libs.common.bus import as_text

ALIVE_S: Final = 8.0
"""For readers: a process whose last heartbeat is older is not running. Owners of cameras have their own timeout."""

_HEARTBEAT: Final = """#!lua flags=allow-oom
local now = redis.call('TIME')
local seconds = now[1] + now[2] / 1000000
redis.call('ZADD', KEYS[1], string.format('%.3f', seconds), ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.3f', seconds - tonumber(ARGV[2])))
return redis.call('ZRANGE', KEYS[1], 0, -1)
"""


class Membership:
    """This process among those of its role."""

    def __init__(self, redis: Redis, role: keys.Role, member: str, timeout_s: float) -> None:
        """Not a member yet.

        Args:
            redis: the bus.
            role: which processes are looked at.
            member: this process's name, which no other has.
            timeout_s: a member whose last heartbeat is older is removed; the same for all members of a role.
        """
        self.member = member
        self.role = role
        self._redis = redis
        self._timeout_s = timeout_s
        self._heartbeat = redis.register_script(_HEARTBEAT)

    async def beat(self) -> tuple[str, ...]:
        """Write a heartbeat; returns the names of all living members, sorted.

        Raises:
            redis.RedisError: Redis is away or takes no writes.
        """
        answer: Any = await self._heartbeat(keys=[keys.members(self.role)], args=[self.member, self._timeout_s])
        return tuple(sorted(as_text(member) for member in answer))

    def ask(self, pipe: Pipeline) -> None:
        """Put the question for the living members into a pipeline; the answer is a list of names as bytes."""
        pipe.zrange(keys.members(self.role), 0, -1)

    async def leave(self) -> None:
        """Be no member any more, so that the others need not wait for the timeout.

        Raises:
            redis.RedisError: Redis is away.
        """
        await self._redis.zrem(keys.members(self.role), self.member)
