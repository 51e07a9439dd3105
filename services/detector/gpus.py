"""Which GPU a detector uses: detectors that see the same ones take different ones, by a lease in Redis.

A replica in a container cannot tell by its host's name who shares its GPUs, but a GPU's UUID is the same for all.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from redis.asyncio import Redis

from libs.common import keys
from libs.common.bus import as_text
from libs.common.errors import BusUnavailable
from libs.common.logging import get_logger
from libs.common.redis_errors import REDIS_ERRORS, OutageLog, describe, explain

_log = get_logger("gpus")

BEATS_PER_TIMEOUT: Final = 4

# One script, so that two detectors never choose at the same time. An entry is `GPU member`; the time is Redis's own.
# Chosen is the first of those that the fewest others use.
_TAKE = """
local member, timeout = ARGV[1], tonumber(ARGV[2])
local now = redis.call('TIME')
local seconds = now[1] + now[2] / 1000000
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('(%.3f', seconds - timeout))
local others = {}
for _, entry in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    local gpu, user = string.match(entry, '^(%S+) (%S+)$')
    if gpu and user ~= member then others[gpu] = (others[gpu] or 0) + 1 end
end
local chosen = ARGV[3]
for i = 4, #ARGV do
    if (others[ARGV[i]] or 0) < (others[chosen] or 0) then chosen = ARGV[i] end
end
redis.call('ZADD', KEYS[1], string.format('%.3f', seconds), chosen .. ' ' .. member)
return {chosen, others[chosen] or 0}
"""


@dataclass(frozen=True, slots=True)
class Gpu:
    """One GPU.

    Attributes:
        device: torch's name of it in this process, `cuda:0`.
        uuid: the same in every process and container; without spaces.
        name: for the log.
    """

    device: str
    uuid: str
    name: str


def list_gpus() -> list[Gpu]:
    """The GPUs that torch sees; none without torch."""
    try:
        import torch
    except ImportError:
        return []
    if not torch.cuda.is_available():
        return []
    seen = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    return [Gpu(f"cuda:{number}", str(one.uuid), str(one.name)) for number, one in enumerate(seen)]


class GpuShare:
    """This process's GPU, and how many others use it. Raises `redis.RedisError` when Redis is away.

    Attributes:
        gpu: the one that was taken.
        others: detectors that use it, too, when last asked.
    """

    def __init__(self, redis: Redis, member: str, timeout_s: float) -> None:
        """Use none yet.

        Args:
            redis: the bus.
            member: this process; without spaces.
            timeout_s: a process that is silent for this long uses no GPU.
        """
        self.gpu: Gpu | None = None
        self.others = 0
        self._redis = redis
        self._member = member
        self._timeout_s = timeout_s
        self._take = redis.register_script(_TAKE)

    async def take(self, gpus: Sequence[Gpu]) -> Gpu:
        """Take the GPU that the fewest others use, and say so.

        Args:
            gpus: at least one, those to choose from.
        """
        by_uuid = {gpu.uuid: gpu for gpu in gpus}
        uuid, others = await self._take(keys=[keys.GPUS], args=[self._member, self._timeout_s, *by_uuid])
        gpu = by_uuid[as_text(uuid)]
        if gpu != self.gpu or int(others) != self.others:
            _log.info("gpu taken", device=gpu.device, gpu=gpu.name, uuid=gpu.uuid, shared_with=int(others))
        self.gpu, self.others = gpu, int(others)
        return gpu

    async def keep(self) -> None:
        """Go on saying so, until cancelled. A model does not move: a GPU that was lost meanwhile is shared."""
        outage = OutageLog(_log, "other detectors are not told which gpu this one uses")
        while True:
            await asyncio.sleep(self._timeout_s / BEATS_PER_TIMEOUT)
            try:
                if self.gpu is not None:
                    await self.take([self.gpu])
                outage.worked()
            except REDIS_ERRORS as error:
                outage.failed(error)

    async def give_back(self) -> None:
        """Say that the GPU is used no more; if Redis is away, the others notice by themselves."""
        if self.gpu is None:
            return
        try:
            await self._redis.zrem(keys.GPUS, f"{self.gpu.uuid} {self._member}")
        except REDIS_ERRORS as error:
            _log.info("could not give the gpu back", error=describe(error))
        self.gpu = None


@asynccontextmanager
async def leased_gpu(redis: Redis, member: str, timeout_s: float, gpus: Sequence[Gpu]) -> AsyncIterator[Gpu]:
    """One of the GPUs (at least one), this process's while the context lasts.

    Raises:
        BusUnavailable: Redis is away at the start.
    """
    share = GpuShare(redis, member, timeout_s)
    try:
        gpu = await share.take(gpus)
    except REDIS_ERRORS as error:
        raise BusUnavailable(f"no gpu was chosen: {explain(error)}") from error
    keeping = asyncio.create_task(share.keep())
    try:
        yield gpu
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await share.give_back()
