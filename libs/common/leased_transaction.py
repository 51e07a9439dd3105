"""Write a camera's keys under its lease; Redis itself checks the lease, and that the camera still exists, as it writes.

A process asks `Lease.is_valid()` right before it writes. But what it has sent may still be on its way: a network that
was cut delivers it once it is whole again, after the camera has gone to another process or was deleted. Only Redis can
refuse it then. What a detector writes to a camera's keys and what an ingest says of its status go through here; raw
frames have a cheaper form, `libs/common/leased_append.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis
from redis.exceptions import NoScriptError

from libs.common import keys
from libs.common.leases import Lease

Part = str | bytes | bytearray | memoryview | int | float
Command = Sequence[Part]
"""A Redis command as it is sent: its name, the key or channel, arguments."""

NO_TOKEN: Final = b"never acquired"
"""Stands for the token of a lease that was never granted; no process has this name."""

# The commands follow one another, each behind the number of its parts; where that number is negative, the payload
# belongs in third place. `ONLY-IF-SHA1 key digest` is not Redis's: the script stops there if the key's value has
# another SHA-1 (an absent key is taken as empty); what stands before it is done all the same. Without a token (ARGV[1])
# only the deletion is checked; an id registered again, perhaps with redis-cli, is not deleted. The script runs also
# while Redis is full: what is written here has bounds of its own, and history asks `RedisMemoryWatch.may_write` first.
_SCRIPT = """#!lua flags=allow-oom
if ARGV[1] ~= '' and redis.call('GET', KEYS[1]) ~= ARGV[1] then return false end
if redis.call('GET', ARGV[2]) and redis.call('HEXISTS', ARGV[3], ARGV[4]) == 0 then return false end
local answers, at = {}, 6
while ARGV[at] do
    local parts = tonumber(ARGV[at])
    local last = at + math.abs(parts)
    local command = {unpack(ARGV, at + 1, last)}
    if parts < 0 then table.insert(command, 3, ARGV[5]) end
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


@dataclass(frozen=True, slots=True)
class Unleased:
    """A camera that no process holds, for example because it is disabled: only its deletion refuses a write.

    Attributes:
        role: of the process that writes.
        camera_id: which camera.
    """

    role: keys.Role
    camera_id: str


@dataclass(frozen=True, slots=True)
class Write:
    """The commands of one transaction.

    Attributes:
        lease: of the camera whose keys they name.
        commands: at least one, of this camera's keys only.
        payload: sent once for all commands that have this very object as their third part.
    """

    lease: Lease | Unleased
    commands: Sequence[Command]
    payload: bytes = b""

    def arguments(self) -> tuple[str, list[Part]]:
        """The script's key, which is the lease, and its arguments."""
        # The lease alone is named as a key: all keys of a camera share its slot, and a user who may only read or only
        # write one of them may not name it to a script.
        camera_id = self.lease.camera_id
        if isinstance(self.lease, Unleased):
            key, token = keys.lease(self.lease.role, camera_id), b""
        else:
            key, token = str(self.lease.lock.name), self.lease.lock.local.token or NO_TOKEN
        sent: list[Part] = [token, keys.deleted(camera_id), keys.CAMERAS, camera_id, self.payload]
        for command in self.commands:
            if len(command) > 2 and command[2] is self.payload:
                sent += (1 - len(command), *command[:2], *command[3:])
            else:
                sent += (len(command), *command)
        return key, sent


class LeasedTransaction:
    """Runs commands on a camera's keys, if its lease is held in Redis and it is not deleted when they arrive there."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._script = redis.register_script(_SCRIPT)

    async def execute(
        self, lease: Lease | Unleased, commands: Sequence[Command], payload: bytes = b""
    ) -> list[Any] | None:
        """Run commands, all or, where the write is refused, none; the arguments are those of `Write`.

        Returns:
            Their answers as Redis gave them; None if the camera now belongs to another process, to none, or is deleted.
            Where `only_if_unchanged` found another value, the answers end before it.

        Raises:
            redis.RedisError: Redis is away, or refuses a command; those before it have been run.
        """
        key, args = Write(lease, commands, payload).arguments()
        answer: list[Any] | None = await self._script(keys=[key], args=args)
        return answer

    async def execute_each(self, writes: Sequence[Write]) -> list[list[Any] | Exception | None]:
        """Run several transactions in one round trip; one that fails harms no other.

        Returns:
            For each what `execute` returns, or the error that it would raise.

        Raises:
            redis.RedisError: Redis is away.
        """
        answers = await self._send(writes)
        if any(isinstance(answer, NoScriptError) for answer in answers):  # Redis was started anew
            await self._redis.script_load(_SCRIPT)
            unknown = [number for number, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
            repeated = await self._send([writes[number] for number in unknown])
            for number, answer in zip(unknown, repeated, strict=True):
                answers[number] = answer
        return answers

    async def _send(self, writes: Sequence[Write]) -> list[Any]:
        pipe = self._redis.pipeline(transaction=False)
        for write in writes:
            key, args = write.arguments()
            pipe.evalsha(self._script.sha, 1, key, *args)
        answers: list[Any] = await pipe.execute(raise_on_error=False)
        return answers
