"""Who watches, over all gateways: each writes its own numbers and heartbeats to Redis; dead gateways do not count."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import NoScriptError

from libs.common import keys
from libs.common.bus import as_text
from libs.common.logging import get_logger
from libs.common.membership import ALIVE_S, Membership
from libs.common.redis_clock import RedisClock
from libs.common.redis_errors import REDIS_ERRORS, OutageLog, describe
from libs.common.shutdown import sleep_until_stopped
from libs.common.vital_write import VitalWrite

_log = get_logger("presence")

HEARTBEAT_S = 2.0
NUDGE_PAUSE_S = 0.02
SHARED_EVERY_S = 0.02
"""Viewers that come in a crowd are counted together this often; each costs Redis a script otherwise."""


class ViewerCounts(Protocol):
    """A part of this gateway that has viewers."""

    def viewers(self) -> Mapping[str, int]:
        """How many viewers each camera has there."""

    def viewers_of(self, camera_id: str) -> int:
        """How many viewers a camera has there."""


class Presence:
    """This gateway's numbers among the others', and the sums over all.

    Attributes:
        membership: this gateway among the living ones.
    """

    def __init__(self, redis: Redis, hubs: Sequence[ViewerCounts], gateway_id: str, clock: RedisClock) -> None:
        self.membership = Membership(redis, "gateway", gateway_id, ALIVE_S)
        self._redis = redis
        self._write = VitalWrite(redis)
        self._hubs = hubs
        self._gateway_id = gateway_id
        self._clock = clock
        self._written = Counter[str]()
        self._lock = asyncio.Lock()
        self._nudged = asyncio.Event()
        self._shared: asyncio.Task[None] | None = None
        self._shared_at_s = float("-inf")

    async def run(self, stop: asyncio.Event) -> None:
        """Write heartbeats until stopped, then take this gateway out of the counts."""
        outage = OutageLog(_log, "viewers are not counted until that is over")
        following = asyncio.create_task(self._follow_changes())
        while not stop.is_set():
            try:
                await self._beat()
                outage.worked()
            except REDIS_ERRORS as error:
                self._written.clear()
                outage.failed(error)
            await sleep_until_stopped(stop, HEARTBEAT_S)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        try:
            await self._leave()
        except REDIS_ERRORS as error:
            _log.info("could not take this gateway out of the counts; it expires", error=describe(error))

    def nudge(self) -> None:
        """A viewer has come or gone; it is written soon, together with others."""
        self._nudged.set()

    async def counted(self) -> None:
        """Wait until the numbers as they are now are written; those who ask within a few milliseconds share a write.

        Raises:
            redis.RedisError: Redis is away.
        """
        if self._shared is None:
            self._shared = asyncio.create_task(self._update_together())
            self._shared.add_done_callback(lambda done: done.cancelled() or done.exception())  # perhaps nobody waits
        await asyncio.shield(self._shared)

    async def _update_together(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, self._shared_at_s + SHARED_EVERY_S - loop.time()))
        self._shared, self._shared_at_s = None, loop.time()  # who asks from now on may count more than this one writes
        await self.update()

    async def _follow_changes(self) -> None:
        while True:
            await self._nudged.wait()
            self._nudged.clear()
            try:
                await self.counted()
            except REDIS_ERRORS as error:
                _log.debug("viewers not counted now; with the next heartbeat", error=describe(error))
            await asyncio.sleep(NUDGE_PAUSE_S)

    async def update(self, *, everything: bool = False) -> None:
        """Write this gateway's numbers where they have changed, or all of them."""
        async with self._lock:
            now, before = self._viewers(), Counter[str]() if everything else self._written
            changed = {camera: now[camera] for camera in now.keys() | before.keys() if now[camera] != before[camera]}
            gone = [camera for camera in self._written if not now[camera]]
            if changed or gone:
                try:
                    await self._send(changed, gone, before)
                except NoScriptError:  # Redis was restarted, or this is the first time
                    await self._write.load()
                    await self._send(changed, gone, before)
            self._written = +now

    async def _send(self, changed: Mapping[str, int], gone: Iterable[str], before: Mapping[str, int]) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            for camera_id, count in changed.items():
                if count:
                    self._write.put(pipe, "HSET", keys.viewers(camera_id), self._gateway_id, count)
                    if not before[camera_id]:
                        # One that was never broadcast is listed once somebody watches it, as in the system replaced.
                        self._write.put(pipe, "ZADD", keys.WATCHED, "NX", self._clock.now_ms() / 1000, camera_id)
            for camera_id in gone:
                pipe.hdel(keys.viewers(camera_id), self._gateway_id)
            await pipe.execute()

    async def live_gateways(self) -> set[str]:
        """The gateways that are alive."""
        pipe = self._redis.pipeline(transaction=False)
        self.ask_live_gateways(pipe)
        (members,) = await pipe.execute()
        return {member.decode() for member in members}

    def ask_live_gateways(self, pipe: Pipeline) -> None:
        """Put the question for `live_gateways` into a pipeline; the answer is a list of ids as bytes."""
        self.membership.ask(pipe)

    def count(self, camera_id: str, by_gateway: Mapping[bytes | str, bytes | str], live: set[str]) -> int:
        """A camera's viewers over all gateways: this one's as they are now, the others' as they last wrote them.

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
        await self.membership.beat()
        # All of them: another gateway may have taken this one for dead and removed its fields.
        await self.update(everything=True)

    async def _leave(self) -> None:
        await self.membership.leave()
        pipe = self._redis.pipeline(transaction=False)
        for camera_id in self._written:
            pipe.hdel(keys.viewers(camera_id), self._gateway_id)
        await pipe.execute()


def silent_gateways(by_gateway: Mapping[bytes | str, bytes | str], live: set[str]) -> list[str]:
    """The gateways in the hash `lotcast:{CAM}:viewers` that are not alive; their fields should go."""
    return [gateway for gateway in map(as_text, by_gateway) if gateway not in live]
