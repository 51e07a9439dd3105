"""The small picture of a camera for those who ask by HTTP: what `small` viewers see, made here where nobody watches it.

A camera's small picture is made at most once a second, for whoever asks first; all others get the same bytes.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final, cast

from redis.asyncio import Redis

from libs.common import keys
from libs.common.bus import as_text
from libs.common.errors import LotcastError, MessageError
from libs.common.logging import get_logger
from libs.common.messages import LATEST_EXPIRES_S, unpack_viewer_message
from libs.common.redis_clock import RedisClock
from services.gateway.live.hub import LiveHub
from services.gateway.shrinking import Shrinker

_log = get_logger("small")

REUSED_FOR_S: Final = 1.0
KEPT_MAX: Final = 256
"""Cameras whose small picture is kept, some 25 KB each."""
MAKING_MAX: Final = 64
"""Cameras whose small picture may be asked for at the same time; one more is refused."""
MADE_WITHIN_S: Final = 5.0


class TooManyPictures(LotcastError):
    """More small pictures are asked for than can be made now."""


@dataclass(frozen=True, slots=True)
class _Made:
    jpeg: bytes
    at_s: float


class SmallPictures:
    """Small pictures of all cameras; raises `redis.RedisError` when Redis is away."""

    def __init__(self, redis: Redis, live: LiveHub, shrinker: Shrinker, clock: RedisClock) -> None:
        """Begin with none.

        Args:
            redis: has the newest frames.
            live: has the small picture that viewers see.
            shrinker: makes small ones.
            clock: Redis's, for the age of a frame.
        """
        self._redis = redis
        self._live = live
        self._shrinker = shrinker
        self._clock = clock
        self._made: OrderedDict[str, _Made] = OrderedDict()
        self._making: dict[str, asyncio.Task[bytes | None]] = {}

    async def get(self, camera_id: str) -> bytes | None:
        """The camera's newest picture as a JPEG at most `SMALL_WIDTH` pixels wide, as it was up to a second ago.

        Returns:
            None if there is no picture from the last five minutes, or none that can be decoded.

        Raises:
            TooManyPictures: too much is asked for at once; again in a second.
        """
        if await self._redis.exists(keys.deleted(camera_id)):
            self._made.pop(camera_id, None)
            self._live.forget(camera_id)  # perhaps nobody has told it yet
        made = self._made.get(camera_id)
        if made is not None and asyncio.get_running_loop().time() - made.at_s < REUSED_FOR_S:
            return made.jpeg
        making = self._making.get(camera_id)
        if making is None:
            if len(self._making) >= MAKING_MAX:
                raise TooManyPictures("too many small pictures are being made; ask again in a second")
            making = self._making[camera_id] = asyncio.create_task(self._make(camera_id))
            making.add_done_callback(lambda done: self._has_made(camera_id, done))
        return await asyncio.shield(making)  # others wait for it, too

    def _has_made(self, camera_id: str, making: asyncio.Task[bytes | None]) -> None:
        self._making.pop(camera_id, None)
        if making.cancelled() or making.exception() is not None or (jpeg := making.result()) is None:
            return  # who asked is told
        self._made[camera_id] = _Made(jpeg, asyncio.get_running_loop().time())
        self._made.move_to_end(camera_id)
        if len(self._made) > KEPT_MAX:
            self._made.popitem(last=False)

    async def _make(self, camera_id: str) -> bytes | None:
        try:
            async with asyncio.timeout(MADE_WITHIN_S):
                async for jpeg in self._sources(camera_id):
                    try:
                        return await self._shrinker.shrink(jpeg)
                    except MessageError as error:
                        _log.info("no small picture of this one; trying another", camera=camera_id, error=str(error))
        except TimeoutError:
            raise TooManyPictures(
                f"no small picture could be made within {MADE_WITHIN_S:.0f} s; ask again in a second"
            ) from None
        return None

    async def _sources(self, camera_id: str) -> AsyncIterator[bytes]:
        """Pictures to make it of, the best first: what viewers see now, the newest raw frame, the last one drawn."""
        now_ms = self._clock.now_ms()
        current = self._live.current("small", camera_id)
        if current is not None and current.jpeg is not None and now_ms - current.published_at_ms < REUSED_FOR_S * 1000:
            yield current.jpeg
        entries: Any = await self._redis.xrevrange(keys.frames(camera_id), count=1)
        for frame_id, fields in entries:
            at_ms = int(as_text(frame_id).partition("-")[0])
            jpeg = fields.get(b"jpeg")
            if isinstance(jpeg, bytes) and now_ms - at_ms < LATEST_EXPIRES_S * 1000:
                yield jpeg
        packed = await self._redis.get(keys.latest(camera_id))
        if isinstance(packed, bytes):
            try:
                yield cast(bytes, unpack_viewer_message(packed)["frame"])
            except MessageError as error:
                _log.info("the last picture cannot be read", camera=camera_id, error=str(error))
