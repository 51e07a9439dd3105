"""Write to Redis under a lease, and let Redis itself look at the lease at the moment of writing.

A process asks `Lease.is_valid()` right before it writes. But what it has sent may stay on the way: a network that was
cut delivers it once it is whole again, after the camera has gone to somebody else. Only Redis can refuse it then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.asyncio import Redis

from libs.common.leases import Lease

Command = Sequence[str | bytes | int | float]
"""A Redis command as it is sent: its name, the key or channel, arguments."""

# The commands come one after the other, each behind the number of its parts; where the number is negative, the
# payload is to be the third part. `ONLY-IF-SHA1 key digest` is not Redis's: the script stops there if the key's value
# has another SHA-1 (an absent key is taken as empty); what stands before it is done all the same. The script runs also
# while Redis is full: what is written here has bounds of its own, and history asks `RedisMemoryWatch.may_write` first.
_FENCED = """#!lua flags=allow-oom
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return false end
local answers, at = {}, 3
while ARGV[at] do
    local parts = tonumber(ARGV[at])
    local last = at + math.abs(parts)
    local command = {unpack(ARGV, at + 1, last)}
    if parts < 0 then table.insert(command, 3, ARGV[2]) end
    if command[1] == 'ONLY-IF-SHA1' then
        local stored = redis.pcall('GET', command[2])
        if redis.sha1hex(type(stored) == 'string' and stored or '') ~= command[3] then break end
        answers[#answers + 1] = 1
    else
        answers[#answers + 1] = redis.call(unpack(command))
    end
    at = last + 1
end
return answers
"""


def only_if_unchanged(key: str, sha1: str) -> Command:
    """A command of a leased transaction: those after it are run only if the value of a string key is still that one.

    Args:
        key: of the same camera.
        sha1: of the value, hexadecimal; that of no bytes for an absent key.
    """
    return ("ONLY-IF-SHA1", key, sha1)


class LeasedTransaction:
    """Runs commands that concern a camera in one go, if its lease is held in Redis when they arrive there."""

    def __init__(self, redis: Redis) -> None:
        self._script = redis.register_script(_FENCED)

    async def execute(self, lease: Lease, commands: Sequence[Command], payload: bytes = b"") -> list[Any] | None:
        """Run commands, all or, where the lease is not held, none.

        Args:
            lease: of the camera whose keys they name.
            commands: at least one, of this camera's keys only.
            payload: sent once for all commands that have this very object as their third part.

        Returns:
            Their answers as Redis gave them; None if the camera is somebody else's, or nobody's, now. Where
            `only_if_unchanged` found another value, the answers end before it.

        Raises:
            redis.RedisError: Redis is away, or refuses a command; those before it have been run.
        """
        parts: list[str | bytes | int | float] = []
        for command in commands:
            if len(command) > 2 and command[2] is payload:
                parts += (1 - len(command), *command[:2], *command[3:])
            else:
                parts += (len(command), *command)
        # The lease alone is named as a key: all keys of a camera share its slot, and a user who may only write one of
        # them may not name it to a script.
        answer: list[Any] | None = await self._script(
            keys=[lease.lock.name], args=[lease.lock.local.token, payload, *parts]
        )
        return answer
