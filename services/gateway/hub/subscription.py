"""The one Redis subscription of a gateway process: always drained, made anew when it is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, Final, Generic, TypeVar

from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from libs.common import keys
from libs.common.bus import as_text
from libs.common.logging import get_logger
from libs.common.redis_errors import REDIS_ERRORS, OutageLog
from libs.common.shutdown import sleep_until_stopped

_log = get_logger("subscription")

_GATEWAYS: Final = keys.GATEWAYS.encode()
_DELETED: Final = b"deleted "
PING_EVERY_S: Final = 2.0
SILENCE_MAX_S: Final = 6.0
RETRY_AFTER_S: Final = 0.3


Subscriber = TypeVar("Subscriber")
"""What the owner of a subscription knows a channel by."""


class Subscription(Generic[Subscriber]):
    """Receives the viewer messages of the channels that are watched here."""

    def __init__(
        self,
        client: Redis,
        wanted: Callable[[], Mapping[bytes, Sequence[Subscriber]]],
        on_message: Callable[[Subscriber, bytes], None],
        on_subscribed: Callable[[Subscriber], None],
        on_control: Callable[[bytes], None] = lambda message: None,
    ) -> None:
        """Prepare.

        Args:
            client: of its own; waits for answers as long as it takes.
            wanted: the channels that should be subscribed now, by name, each with those that want its messages.
            on_message: gets one of those and a message; must not wait.
            on_subscribed: gets one of those when Redis has confirmed a subscription, the first and every new one.
            on_control: gets what a gateway tells all gateways; must not wait.
        """
        self._pubsub = client.pubsub()
        self._on_message = on_message
        self._on_subscribed = on_subscribed
        self._on_control = on_control
        self._wanted = wanted
        self._changed = asyncio.Event()
        self._renewal = asyncio.Event()
        self._channels: dict[bytes, Sequence[Subscriber]] = {}
        self._heard_at = 0.0

    def change(self) -> None:
        """Other channels are wanted than before."""
        self._changed.set()

    def renew(self) -> None:
        """Leave this connection and subscribe on a new one."""
        self._renewal.set()

    async def run(self, stop: asyncio.Event) -> None:
        """Receive until stopped; outlives Redis being away."""
        outage = OutageLog(_log, "no pictures come until that is over")
        while not stop.is_set():
            try:
                self._renewal.clear()
                await self._pubsub.subscribe(_GATEWAYS)  # also before the first viewer comes
                outage.worked()
                await self._run_connected(stop)
            except REDIS_ERRORS as error:
                outage.failed(error)
            self._channels = {}
            await self._pubsub.aclose()  # type: ignore[no-untyped-call] # redis-py left it without types
            await sleep_until_stopped(stop, RETRY_AFTER_S)

    async def _run_connected(self, stop: asyncio.Event) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        parts = [asyncio.create_task(part) for part in self._parts(stop)]
        await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        for part in parts:
            part.cancel()
        for error in await asyncio.gather(*parts, return_exceptions=True):
            if error is not None and not isinstance(error, asyncio.CancelledError):
                raise error

    def _parts(self, stop: asyncio.Event) -> tuple[Coroutine[Any, Any, None], ...]:
        return self._receive(), self._follow(), _until(stop), _until(self._renewal)

    async def _follow(self) -> None:
        """Subscribe to what is watched, and ping in between so that a dead connection shows."""
        while True:
            self._changed.clear()
            wanted = dict(self._wanted())
            new = wanted.keys() - self._channels.keys()
            gone = self._channels.keys() - wanted.keys()
            self._channels = wanted
            if new:
                await self._pubsub.subscribe(*new)
            if gone:
                await self._pubsub.unsubscribe(*gone)
            try:
                async with asyncio.timeout(PING_EVERY_S):
                    await self._changed.wait()
            except TimeoutError:
                await self._pubsub.ping()

    async def _receive(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            message: dict[str, Any] | None = await self._pubsub.get_message(timeout=PING_EVERY_S)
            now = loop.time()
            if message is None:
                if now - self._heard_at > SILENCE_MAX_S:
                    raise RedisConnectionError("redis does not answer on the subscription")
                continue
            self._heard_at = now
            if message["type"] == "message" and message["channel"] == _GATEWAYS:
                self._on_control(message["data"])
            elif message["type"] == "message":
                for subscriber in self._channels.get(message["channel"], ()):
                    self._on_message(subscriber, message["data"])
            elif message["type"] == "subscribe":
                for subscriber in self._channels.get(as_text(message["channel"]).encode(), ()):
                    self._on_subscribed(subscriber)


async def _until(event: asyncio.Event) -> None:
    await event.wait()


def deleted_camera(message: bytes) -> str | None:
    """The camera whose picture must not be shown again, if that is what a message to all gateways says."""
    return message.removeprefix(_DELETED).decode("utf-8", "replace") if message.startswith(_DELETED) else None
