"""Publish what a worker posts, and tell which cameras are broadcast."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final, cast

from redis.asyncio import Redis

from libs.common import keys
from libs.common.logging import get_logger
from libs.common.messages import COUNT_EXPIRES_S, LATEST_EXPIRES_S, pack_around_count
from libs.common.redis_clock import RedisClock
from libs.common.redis_errors import REDIS_ERRORS, describe
from libs.common.shutdown import sleep_until_stopped
from services.gateway.presence import Presence, silent_gateways

_log = get_logger("broadcasts")

INACTIVE_AFTER_S: Final = 300.0
"""A broadcaster without viewers and updates for this long is no longer listed."""

TIDY_EVERY_S: Final = 60.0

# All of it or nothing: no number is counted without its picture, and who hears of a picture finds it in `latest` too.
_PUBLISH: Final = """#!lua flags=allow-oom
local message = ARGV[1] .. cmsgpack.pack(redis.call('INCRBY', KEYS[1], 1)) .. ARGV[2]
redis.call('EXPIRE', KEYS[1], ARGV[6])
redis.call('SET', KEYS[2], message, 'EX', ARGV[5])
redis.call('ZADD', KEYS[3], ARGV[4], ARGV[3])
for channel = 7, 9 do redis.call('PUBLISH', ARGV[channel], message) end
"""


class Broadcasts:
    """Reads and writes the broadcasts of all cameras in Redis; raises `redis.RedisError` when that is away."""

    def __init__(self, redis: Redis, presence: Presence, clock: RedisClock) -> None:
        self._clock = clock
        self._redis = redis
        self._presence = presence
        self._publish = redis.register_script(_PUBLISH)

    async def run(self, stop: asyncio.Event) -> None:
        """Forget broadcasters and gateways that are gone, also where nobody asks, until stopped."""
        while not stop.is_set():
            try:
                await self.active()
            except REDIS_ERRORS as error:
                _log.debug("not tidied up now; tried again in a minute", error=describe(error))
            await sleep_until_stopped(stop, TIDY_EVERY_S)

    async def publish(self, camera_id: str, jpeg: bytes, metadata: Mapping[str, Any]) -> int:
        """Publish one picture as a viewer message.

        Args:
            camera_id: whose.
            jpeg: the picture.
            metadata: passes through as it came.

        Returns:
            How many viewers the camera has, over all gateways.
        """
        # Who watches is asked first: a Redis that is away or hangs shows here, where nothing has been written yet.
        asked = self._redis.pipeline(transaction=False)
        asked.hgetall(keys.viewers(camera_id))
        self._presence.ask_live_gateways(asked)
        by_gateway, live = await asked.execute()
        now = self._clock.now_ms() / 1000
        # A worker has one picture; viewers that would rather have another kind get this one.
        channels = keys.live(camera_id), keys.plain(camera_id), keys.small(camera_id)
        before, after = pack_around_count(camera_id, jpeg, metadata, now)
        await self._publish(
            keys=[keys.count(camera_id), keys.latest(camera_id), keys.BROADCASTERS],
            args=[before, after, camera_id, now, LATEST_EXPIRES_S, COUNT_EXPIRES_S, *channels],
        )
        return self._presence.count(camera_id, by_gateway, {gateway.decode() for gateway in live})

    async def active(self) -> list[dict[str, Any]]:
        """The cameras that are broadcast or watched: `camera_id`, `viewers`, `frame_count`, `last_update` (seconds).

        Those that are not, and the numbers of gateways that are not alive, are removed from Redis.
        """
        live = await self._presence.live_gateways()
        answer = await self._redis.zrange(keys.BROADCASTERS, 0, -1, withscores=True)
        rows = cast(list[tuple[bytes, float]], answer)
        camera_ids = [camera_id.decode() for camera_id, _ in rows]
        pipe = self._redis.pipeline(transaction=False)
        for camera_id in camera_ids:
            pipe.get(keys.count(camera_id))
            pipe.hgetall(keys.viewers(camera_id))
        answers = await pipe.execute() if camera_ids else []
        active, cleanup = [], self._redis.pipeline(transaction=False)
        for number, (camera_id, (_, last_update)) in enumerate(zip(camera_ids, rows, strict=True)):
            by_gateway = answers[2 * number + 1]
            viewers, dead = self._presence.count(camera_id, by_gateway, live), silent_gateways(by_gateway, live)
            if dead:
                cleanup.hdel(keys.viewers(camera_id), *dead)
            if not viewers and self._clock.now_ms() / 1000 - last_update > INACTIVE_AFTER_S:
                cleanup.zrem(keys.BROADCASTERS, camera_id)
                continue
            active.append(
                {
                    "camera_id": camera_id,
                    "viewers": viewers,
                    "frame_count": int(answers[2 * number] or 0),
                    "last_update": last_update,
                }
            )
        if len(cleanup):
            await cleanup.execute()
        return sorted(active, key=lambda row: str(row["camera_id"]))
