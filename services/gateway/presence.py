"""Who watches, over all gateways: each keeps its own numbers in Redis and a heartbeat; the dead do not count."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import RedisError

from libs.common import keys
from libs.common.bus import as_text
from libs.common.logging import get_logger
from libs.common.shutdown import sleep_until_stopped

_log = get_logger("presence")

HEARTBEAT_S = 2.0
NUDGE_PAUSE_S = 0.02
DEAD_AFTER_S = 8.0
"""A gateway silent for this long no longer counts; with the heartbeat that is within 10 s of its death."""


class ViewerCounts(Protocol):
    """A part of this gateway that has viewers."""

    def viewers(self) -> Mapping[str, int]:
        """How many viewers each camera has there."""

    def viewers_of(self, camera_id: str) -> int:
        """How many viewers a camera has there."""


class Presence:
    """This gateway's entry among the others, and the sums over all."""

    def __init__(self, redis: Redis, hubs: Sequence[ViewerCounts], gateway_id: str) -> None:
        self._redis = redis
        self._hubs = hubs
        self._gateway_id = gateway_id
        self._written: dict[str, int] = {}
        self._lock = asyncio.Lock()
        self._nudged = asyncio.Event()

    async def run(self, stop: asyncio.Event) -> None:
        """Heartbeat until stopped, then take this gateway out of the counts."""
        following = asyncio.create_task(self._follow_changes())
        while not stop.is_set():
            try:
                await self._beat()
            except (RedisError, OSError) as error:
                self._written.clear()
                _log.debug("no heartbeat", error=str(error))
            await sleep_until_stopped(stop, HEARTBEAT_S)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        try:
            await self._leave()
        except (RedisError, OSError) as error:
            _log.info("could not take this gateway out of the counts; it expires", error=str(error))

    def nudge(self) -> None:
        """A viewer has come or gone; written soon, many at once."""
        self._nudged.set()

    async def _follow_changes(self) -> None:
        while True:
            await self._nudged.wait()
            self._nudged.clear()
            try:
                await self.update()
            except (RedisError, OSError) as error:
                _log.debug("viewers not counted now; with the next heartbeat", error=str(error))
            await asyncio.sleep(NUDGE_PAUSE_S)

    async def update(self, *, everything: bool = False) -> None:
        """Write this gateway's numbers where they have changed, or all of them."""
        async with self._lock:
            now = self._viewers()
            pipe = self._redis.pipeline(transaction=False)
            for camera_id in now.keys() | self._written.keys():
                count = now.get(camera_id, 0)
                if count == self._written.get(camera_id, 0) and not (everything and count):
                    continue
                if count:
                    pipe.hset(keys.viewers(camera_id), self._gateway_id, count)
                    # A camera that nobody ever broadcast is listed once somebody watches it, as it always was.
                    pipe.zadd(keys.BROADCASTERS, {camera_id: time.time()}, nx=True)
                else:
                    pipe.hdel(keys.viewers(camera_id), self._gateway_id)
            if len(pipe):
                await pipe.execute()
            self._written = now

    async def live_gateways(self) -> set[str]:
        """The gateways that are alive."""
        pipe = self._redis.pipeline(transaction=False)
        self.ask_live_gateways(pipe)
        (members,) = await pipe.execute()
        return {member.decode() for member in members}

    @staticmethod
    def ask_live_gateways(pipe: Pipeline) -> None:
        """Put the question for `live_gateways` into a pipeline; the answer is a list of ids as bytes."""
        pipe.zrangebyscore(keys.members("gateway"), time.time() - DEAD_AFTER_S, "+inf")

    def count(self, camera_id: str, by_gateway: Mapping[bytes | str, bytes | str], live: set[str]) -> int:
        """A camera's viewers over all gateways: those here as they are now, the others' as they last told.

        Args:
            camera_id: whose.
            by_gateway: the hash `lotcast:{CAM}:viewers`.
            live: ids of the gateways that are alive.
        """
        others = live - {self._gateway_id}
        told = sum(int(count) for gateway, count in by_gateway.items() if as_text(gateway) in others)
        return told + sum(hub.viewers_of(camera_id) for hub in self._hubs)

    def _viewers(self) -> Counter[str]:
        counts: Counter[str] = Counter()
        for hub in self._hubs:
            counts.update(hub.viewers())
        return counts

    async def _beat(self) -> None:
        at = time.time()
        await self._redis.zadd(keys.members("gateway"), {self._gateway_id: at})
        await self._redis.zremrangebyscore(keys.members("gateway"), "-inf", at - 10 * DEAD_AFTER_S)
        # All of them: another gateway may have thought this one dead and removed its fields.
        await self.update(everything=True)

    async def _leave(self) -> None:
        pipe = self._redis.pipeline(transaction=False)
        pipe.zrem(keys.members("gateway"), self._gateway_id)
        for camera_id in self._written:
            pipe.hdel(keys.viewers(camera_id), self._gateway_id)
        await pipe.execute()


def silent_gateways(by_gateway: Mapping[bytes | str, bytes | str], live: set[str]) -> list[str]:
    """The gateways in the hash `lotcast:{CAM}:viewers` that are not alive; their fields should go."""
    return [gateway for gateway in map(as_text, by_gateway) if gateway not in live]
