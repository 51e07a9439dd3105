"""Fan-out: one Redis subscription for all cameras that have viewers here; each message goes to every viewer's slot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.exceptions import RedisError

from libs.common import keys
from libs.common.errors import MessageError
from libs.common.logging import get_logger
from libs.common.shutdown import sleep_until_stopped
from services.gateway.hub.prepared import PreparedMessage
from services.gateway.hub.viewer import ViewerSlot
from services.gateway.metrics import GatewayMetrics

_log = get_logger("hub")

CONTROL_CHANNEL = "lotcast:gateways"
"""Always subscribed, so that the connection stands before the first viewer comes."""


class Hub:
    """All viewers of this process."""

    def __init__(self, redis: Redis, subscriber: Redis, metrics: GatewayMetrics) -> None:
        """Prepare.

        Args:
            redis: for `latest`.
            subscriber: a client of its own, for the one subscription.
            metrics: what is counted.
        """
        self._redis = redis
        self._pubsub = subscriber.pubsub(ignore_subscribe_messages=True)
        self._metrics = metrics
        self._slots: dict[str, set[ViewerSlot]] = {}

    def viewers(self) -> dict[str, int]:
        """How many viewers each camera has here; cameras without any are absent."""
        return {camera_id: len(slots) for camera_id, slots in self._slots.items()}

    @property
    def viewer_count(self) -> int:
        """How many viewers are connected here."""
        return sum(len(slots) for slots in self._slots.values())

    @asynccontextmanager
    async def viewing(self, camera_id: str) -> AsyncIterator[ViewerSlot]:
        """A slot that gets the camera's pictures, the current one first, while the context lasts."""
        slot = ViewerSlot()
        slots = self._slots.setdefault(camera_id, set())
        slots.add(slot)
        self._metrics.viewers.inc()
        try:
            if len(slots) == 1:
                await self._subscribe(camera_id)
            await self._offer_latest(camera_id, slot)
            yield slot
        finally:
            slots.discard(slot)
            self._metrics.viewers.dec()
            if not slots and self._slots.get(camera_id) is slots:
                del self._slots[camera_id]
                await self._unsubscribe(camera_id)

    async def run(self, stop: asyncio.Event) -> None:
        """Hand messages out until stopped; outlives Redis being away."""
        away = True
        while not stop.is_set():
            try:
                if away:
                    await self._resubscribe()
                    away = False
                message = await self._pubsub.get_message(timeout=0.5)
                if message is not None:
                    self._hand_out(message["channel"], message["data"])
            except (RedisError, OSError) as error:
                if not away:
                    _log.warning("subscription lost; trying again until redis is back", error=str(error))
                away = True
                await sleep_until_stopped(stop, 0.5)
        await self._close_subscription()

    def _hand_out(self, channel: bytes, data: bytes) -> None:
        camera_id = channel.decode().partition("{")[2].partition("}")[0]
        self._metrics.frames_received.inc()
        prepared = PreparedMessage(data)
        for slot in self._slots.get(camera_id, ()):
            if not slot.offer(prepared):
                self._metrics.frames_skipped.inc()

    async def _resubscribe(self) -> None:
        """Subscribe anew to everything, and show every viewer what it missed."""
        await self._close_subscription()
        await self._pubsub.subscribe(CONTROL_CHANNEL, *(keys.live(camera_id) for camera_id in self._slots))
        for camera_id, slots in list(self._slots.items()):
            for slot in list(slots):
                await self._offer_latest(camera_id, slot)
        _log.info("subscribed", cameras=len(self._slots))

    async def _close_subscription(self) -> None:
        await self._pubsub.aclose()  # type: ignore[no-untyped-call] # redis-py left it without types

    async def _subscribe(self, camera_id: str) -> None:
        try:
            await self._pubsub.subscribe(keys.live(camera_id))
        except (RedisError, OSError) as error:
            _log.info("cannot subscribe now; done when redis is back", camera=camera_id, error=str(error))

    async def _unsubscribe(self, camera_id: str) -> None:
        try:
            await self._pubsub.unsubscribe(keys.live(camera_id))
        except (RedisError, OSError) as error:
            _log.info("cannot unsubscribe now; the connection is gone anyway", camera=camera_id, error=str(error))

    async def _offer_latest(self, camera_id: str, slot: ViewerSlot) -> None:
        """Show the last picture, unless a newer one has come in the meantime."""
        try:
            packed = await self._redis.get(keys.latest(camera_id))
        except (RedisError, OSError) as error:
            _log.info("cannot fetch the current picture", camera=camera_id, error=str(error))
            return
        if isinstance(packed, bytes) and slot.is_empty:
            slot.offer(PreparedMessage(packed))


def text_or_none(message: PreparedMessage, camera_id: str) -> str | None:
    """A message's JSON text; None, and a line in the log, where somebody published what is no viewer message."""
    try:
        return message.json_text
    except MessageError as error:
        _log.warning("message skipped", camera=camera_id, error=str(error))
        return None
