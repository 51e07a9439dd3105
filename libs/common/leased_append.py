"""Append large entries to cameras' streams under their leases, without the cost of passing them through a script.

`LeasedTransaction` hands every argument to Lua, which copies a frame several times: about 90 µs of Redis's time for
50 KB, where a plain XADD takes 20 µs. Here plain XADDs go first and a script follows them in the same MULTI/EXEC. The
script looks at every lease and takes back what should not have been written, before anybody else can see it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis
from redis.exceptions import ResponseError

from libs.common import keys
from libs.common.clock import running_s
from libs.common.lease import Lease
from libs.common.leased_transaction import NO_TOKEN, LeasedTransaction, Part, Write

TRANSACTION_RETRY_S: Final = 5.0
"""After Redis refused a transaction, for example because it is full, entries go through the script for this long."""

# ARGV: the hash of cameras, then for each entry: lease, token, deletion marker, camera id, stream. The script is loaded
# in each transaction: one that Redis has forgotten would be found missing only after the XADDs have run. An entry that
# is refused is the newest of its stream, since nothing can come between. A stream that is empty then and has no readers
# was created by this XADD.
_VERIFY: Final = """#!lua flags=allow-oom
local answers = {}
for at = 2, #ARGV, 5 do
    local stream = ARGV[at + 4]
    local is_owner = redis.pcall('GET', ARGV[at]) == ARGV[at + 1]
    if is_owner and redis.call('GET', ARGV[at + 2]) then
        is_owner = redis.call('HEXISTS', ARGV[1], ARGV[at + 3]) == 1
    end
    local answer = 1
    if not is_owner then
        answer = 0
        local newest = redis.pcall('XREVRANGE', stream, '+', '-', 'COUNT', 1)
        if newest.err then
            answer = newest
        elseif newest[1] then
            redis.call('XDEL', stream, newest[1][1])
            if redis.call('XLEN', stream) == 0 and #redis.call('XINFO', 'GROUPS', stream) == 0 then
                redis.call('DEL', stream)
            end
        end
    end
    answers[#answers + 1] = answer
end
return answers
"""
_VERIFY_SHA1: Final = hashlib.sha1(_VERIFY.encode(), usedforsecurity=False).hexdigest()


@dataclass(frozen=True, slots=True)
class Append:
    """One entry for a camera's stream.

    Attributes:
        lease: of the camera whose stream it is.
        stream: the key.
        maxlen: how many entries stay, exactly.
        fields: names and values by turns.
    """

    lease: Lease
    stream: str
    maxlen: int
    fields: Sequence[Part]

    def command(self) -> tuple[Part, ...]:
        """The XADD."""
        return ("XADD", self.stream, "MAXLEN", "=", self.maxlen, "*", *self.fields)

    def evidence(self) -> tuple[Part, ...]:
        """What the script looks at."""
        camera_id, lock = self.lease.camera_id, self.lease.lock
        return (str(lock.name), lock.local.token or NO_TOKEN, keys.deleted(camera_id), camera_id, self.stream)


class LeasedAppend:
    """Appends entries, each only if its lease is held in Redis and its camera is not deleted when it arrives there."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._transaction = LeasedTransaction(redis)
        self._by_script_until_s = 0.0

    async def append_each(self, appends: Sequence[Append]) -> list[bytes | Exception | None]:
        """Append entries in one round trip; one that fails harms no other. It goes on while Redis is full.

        Args:
            appends: at most one for each stream.

        Returns:
            For each the entry's id, None where the lease is not held or the camera is deleted, or Redis's error.

        Raises:
            redis.RedisError: Redis is away.
        """
        if running_s() < self._by_script_until_s:
            return await self._by_script(appends)
        pipe = self._redis.pipeline(transaction=True)
        for one in appends:
            pipe.execute_command(*one.command())
        pipe.script_load(_VERIFY)
        pipe.evalsha(_VERIFY_SHA1, 0, keys.CAMERAS, *(part for one in appends for part in one.evidence()))
        try:
            *entry_ids, _, verdicts = await pipe.execute(raise_on_error=False)
        except ResponseError:  # nothing was run: Redis is full, read-only, or does not permit one of the commands
            self._by_script_until_s = running_s() + TRANSACTION_RETRY_S
            return await self._by_script(appends)
        if isinstance(verdicts, Exception):
            raise verdicts
        return [
            next((one for one in (entry_id, verdict) if isinstance(one, Exception)), entry_id if verdict else None)
            for entry_id, verdict in zip(entry_ids, verdicts, strict=True)
        ]

    async def _by_script(self, appends: Sequence[Append]) -> list[bytes | Exception | None]:
        answers = await self._transaction.execute_each([Write(one.lease, [one.command()]) for one in appends])
        return [answer[0] if isinstance(answer, list) else answer for answer in answers]
