"""Publish what a worker posts, and tell which cameras are broadcast."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from redis.asyncio import Redis

from libs.common import keys
from libs.common.bus import as_text
from libs.common.errors import LotcastError
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
# An id that nobody registered has to find room among the others that were broadcast within the last five minutes.
# KEYS: count, latest, broadcasters, cameras, unregistered. ARGV: the message's parts, the id, when
# `latest` and `count` expire, how many unregistered ids there may be and how many bytes their pictures may have
# together, the two ends of a camera's `latest` key, and the channels.
_PUBLISH: Final = """#!lua flags=allow-oom
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
if redis.call('HEXISTS', KEYS[4], ARGV[3]) == 0 then
    redis.call('ZREMRANGEBYSCORE', KEYS[5], '-inf', string.format('%.3f', now - tonumber(ARGV[4])))
    local ids, bytes, is_new = redis.call('ZRANGE', KEYS[5], 0, -1), #ARGV[1] + #ARGV[2], true
    for _, id in ipairs(ids) do
        if id == ARGV[3] then
            is_new = false
        else
            bytes = bytes + redis.call('STRLEN', ARGV[8] .. id .. ARGV[9])
        end
    end
    if is_new and #ids >= tonumber(ARGV[6]) then return -1 end
    if bytes > tonumber(ARGV[7]) then return -2 end
    redis.call('ZADD', KEYS[5], string.format('%.3f', now), ARGV[3])
end
local message = ARGV[1] .. cmsgpack.pack(redis.call('INCRBY', KEYS[1], 1)) .. ARGV[2]
redis.call('EXPIRE', KEYS[1], ARGV[5])
redis.call('SET', KEYS[2], message, 'EX', ARGV[4])
redis.call('ZADD', KEYS[3], string.format('%.3f', now), ARGV[3])
for channel = 10, #ARGV do redis.call('PUBLISH', ARGV[channel], message) end
return 1
"""


class TooManyBroadcasts(LotcastError):
    """A worker broadcasts under an id that nobody registered, and there is no room for one more."""


@dataclass(frozen=True, slots=True)
class UnregisteredLimits:
    """What cameras that nobody registered may take, all together.

    Attributes:
        cameras: broadcast within five minutes, and listed.
        total_bytes: of their last pictures.
    """

    cameras: int
    total_bytes: int


class Broadcasts:
    """Reads and writes the broadcasts of all cameras in Redis; raises `redis.RedisError` when that is away."""

    def __init__(self, redis: Redis, presence: Presence, clock: RedisClock, limits: UnregisteredLimits) -> None:
        self._redis = redis
        self._presence = presence
        self._clock = clock
        self._limits = limits
        self._publish = redis.register_script(_PUBLISH)
        self._latest_ends = tuple(keys.latest("|").split("|"))

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

        Raises:
            TooManyBroadcasts: nobody registered the camera, and there is no room for one more of those.
        """
        # Who watches is asked first: a Redis that is away or hangs shows here, where nothing has been written yet.
        asked = self._redis.pipeline(transaction=False)
        asked.hgetall(keys.viewers(camera_id))
        self._presence.ask_live_gateways(asked)
        by_gateway, live = await asked.execute()
        # A worker has one picture; viewers that would rather have another kind get this one.
        channels = keys.live(camera_id), keys.plain(camera_id), keys.small(camera_id)
        before, after = pack_around_count(camera_id, jpeg, metadata, self._clock.now_ms() / 1000)
        limits = self._limits
        outcome: Any = await self._publish(
            keys=[keys.count(camera_id), keys.latest(camera_id), keys.BROADCASTERS, keys.CAMERAS, keys.UNREGISTERED],
            args=[before, after, camera_id, LATEST_EXPIRES_S, COUNT_EXPIRES_S,
                  limits.cameras, limits.total_bytes, *self._latest_ends, *channels],
        )  # fmt: skip
        what_to_do = "register this camera, or let others rest for five minutes"
        if outcome == -1:
            raise TooManyBroadcasts(
                f"{limits.cameras} cameras that nobody registered are broadcast already (GATEWAY_UNREGISTERED_MAX); "
                + what_to_do
            )
        if outcome == -2:
            raise TooManyBroadcasts(
                f"the last pictures of cameras that nobody registered would take more than {limits.total_bytes} bytes "
                f"together (GATEWAY_UNREGISTERED_MAX_BYTES); {what_to_do}, or post smaller pictures"
            )
        return self._presence.count(camera_id, by_gateway, {as_text(gateway) for gateway in live})

    async def camera_ids(self) -> set[str]:
        """The cameras that nobody registered and that workers broadcast: at most `UnregisteredLimits.cameras`."""
        since_s = self._clock.now_ms() / 1000 - LATEST_EXPIRES_S
        answer: Any = await self._redis.zrangebyscore(
            keys.UNREGISTERED, since_s, "+inf", start=0, num=self._limits.cameras
        )
        return {as_text(camera_id) for camera_id in answer}

    async def active(self) -> list[dict[str, Any]]:
        """The cameras that are broadcast or watched: `camera_id`, `viewers`, `frame_count`, `last_update` (seconds).

        Of those that nobody registered the latest ones only: at most `UnregisteredLimits.cameras`. What is not active
        any more, and the numbers of gateways that are not alive, are removed from Redis. Reads two small values of each
        camera that is broadcast or watched; viewers can watch as many different ones as there may be viewers.
        """
        asked = self._redis.pipeline(transaction=False)
        asked.zrange(keys.BROADCASTERS, 0, -1, withscores=True)
        asked.zrange(keys.WATCHED, 0, -1, withscores=True)
        asked.hkeys(keys.CAMERAS)
        self._presence.ask_live_gateways(asked)
        broadcast, watched, registered_ids, gateways = await asked.execute()
        updated_s = {as_text(name): float(at_s) for name, at_s in broadcast}
        rows = {as_text(name): float(at_s) for name, at_s in watched} | updated_s
        live, registered = {as_text(gateway) for gateway in gateways}, {as_text(one) for one in registered_ids}
        pipe = self._redis.pipeline(transaction=False)
        for camera_id in rows:
            pipe.get(keys.count(camera_id))
            pipe.hgetall(keys.viewers(camera_id))
        answers = await pipe.execute() if rows else []
        now_s = self._clock.now_ms() / 1000
        active: list[dict[str, Any]] = []
        others: list[dict[str, Any]] = []
        cleanup = self._redis.pipeline(transaction=False)
        for number, (camera_id, last_update) in enumerate(rows.items()):
            count, by_gateway = answers[2 * number], answers[2 * number + 1]
            viewers, dead = self._presence.count(camera_id, by_gateway, live), silent_gateways(by_gateway, live)
            if dead:
                cleanup.hdel(keys.viewers(camera_id), *dead)
            if not viewers:
                cleanup.zrem(keys.WATCHED, camera_id)
                # One that was never broadcast is listed only as long as somebody watches it.
                if camera_id not in updated_s or now_s - last_update > INACTIVE_AFTER_S:
                    cleanup.zrem(keys.BROADCASTERS, camera_id)
                    continue
            row = {
                "camera_id": camera_id,
                "viewers": viewers,
                "frame_count": int(count or 0),
                "last_update": last_update,
            }
            (active if camera_id in registered else others).append(row)
        if len(cleanup):
            await cleanup.execute()
        others.sort(key=lambda row: (bool(row["frame_count"]), row["last_update"]), reverse=True)
        return sorted(active + others[: self._limits.cameras], key=lambda row: str(row["camera_id"]))
