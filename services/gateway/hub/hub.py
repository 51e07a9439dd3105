"""Fan-out: a message is framed once and the same bytes are written to every viewer of its camera."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from redis.asyncio import Redis

from libs.common import keys
from libs.common.camera_state import UNKNOWN_AFTER_MS, read_state
from libs.common.cameras import parse_camera
from libs.common.clock import running_s
from libs.common.errors import MessageError
from libs.common.logging import get_logger
from libs.common.messages import LATEST_EXPIRES_S, publication_time_s
from libs.common.redis_clock import RedisClock
from libs.common.redis_errors import REDIS_ERRORS, describe
from libs.common.shutdown import sleep_until_stopped
from services.gateway.hub.aged import with_unknown_spaces
from services.gateway.hub.encoded_message import EncodedMessage, Form
from services.gateway.hub.subscription import Subscription, deleted_camera
from services.gateway.hub.viewer_sender import ViewerSender
from services.gateway.metrics import GatewayMetrics

_log = get_logger("hub")

AGE_CHECK_EVERY_S: Final = 1.0
SILENT_AFTER_S: Final = UNKNOWN_AFTER_MS / 1000 + 1
"""A watched camera that shows nothing for this long is asked for again and again, whether its spaces still hold."""


class Channel:
    """The viewers of one camera here, and the picture that they saw last."""

    def __init__(self) -> None:
        self.by_form: dict[Form, set[ViewerSender]] = {"binary": set(), "json": set(), "mjpeg": set()}
        self.current: EncodedMessage | None = None
        self.shown_at_s = 0.0
        self.checked_at_s = 0.0
        self.live_messages = 0
        self.loaded: EncodedMessage | None = None
        self.loading = asyncio.Lock()

    def __len__(self) -> int:
        return sum(len(senders) for senders in self.by_form.values())


class Hub:
    """All viewers of this process."""

    def __init__(self, redis: Redis, subscriber: Redis, metrics: GatewayMetrics, clock: RedisClock) -> None:
        """Prepare.

        Args:
            redis: for `latest`.
            subscriber: a client of its own, for the one subscription.
            metrics: what is counted.
            clock: Redis's, by which messages are dated.
        """
        self._redis = redis
        self._clock = clock
        self._metrics = metrics
        self._channels: dict[str, Channel] = {}
        self._expected: Counter[str] = Counter()
        self._subscription = Subscription(subscriber, self._watched, self.hand_out, self._load_latest, self._on_control)
        self._loading: set[asyncio.Task[None]] = set()
        self.on_change: Callable[[], None] = lambda: None

    def viewers(self) -> dict[str, int]:
        """How many viewers each camera has here; cameras without any are absent."""
        return dict(Counter({camera: len(channel) for camera, channel in self._channels.items()}) + self._expected)

    def viewers_of(self, camera_id: str) -> int:
        """How many viewers a camera has here."""
        channel = self._channels.get(camera_id)
        return self._expected[camera_id] + (0 if channel is None else len(channel))

    @property
    def viewer_count(self) -> int:
        """How many viewers are connected here."""
        return self._expected.total() + sum(len(channel) for channel in self._channels.values())

    @contextmanager
    def expecting(self, camera_id: str) -> Iterator[None]:
        """Count a viewer that is being let in until it is attached: when it hears that it is in, all counts say so."""
        self._expected[camera_id] += 1
        try:
            yield
        finally:
            self._expected[camera_id] -= 1
            self._expected += Counter()  # without those at 0
            self.on_change()

    def attach(self, camera_id: str, sender: ViewerSender) -> None:
        """Give a viewer the camera's pictures from now on, the current one first."""
        channel = self._channels.get(camera_id)
        if channel is None:
            channel = self._channels[camera_id] = Channel()
            self._subscription.change()
            self._load_latest(camera_id)
        channel.by_form[sender.form].add(sender)
        self._metrics.viewers[sender.form].inc()
        sender.start()
        if channel.current is not None and running_s() - channel.shown_at_s < LATEST_EXPIRES_S:
            self._send({sender}, sender.form, channel.current, camera_id)
        self.on_change()

    def detach(self, camera_id: str, sender: ViewerSender) -> None:
        """The viewer is gone."""
        sender.close()
        channel = self._channels.get(camera_id)
        if channel is None or sender not in channel.by_form[sender.form]:
            return
        channel.by_form[sender.form].discard(sender)
        self._metrics.viewers[sender.form].dec()
        if not len(channel):
            del self._channels[camera_id]
            self._subscription.change()
        self.on_change()

    def renew_subscription(self) -> None:
        """Subscribe on a new connection: Redis has failed over, and the old one may lead to a server without news."""
        self._subscription.renew()

    async def run(self, stop: asyncio.Event) -> None:
        """Hand messages out until stopped; outlives Redis being away."""
        await asyncio.gather(self._subscription.run(stop), self._age_pictures(stop))
        await asyncio.gather(*self._loading, return_exceptions=True)

    def hand_out(self, camera_id: str, data: bytes) -> None:
        """Send a viewer message, in msgpack, to all viewers of its camera."""
        counted, started = self._metrics.frames, time.perf_counter()
        if (published_at_s := publication_time_s(data)) is not None:
            counted.took("redis_to_gateway", self._clock.now_ms() / 1000 - published_at_s)
        channel = self._channels.get(camera_id)
        if channel is None:
            counted.drop("relay", "unwatched")
            return
        message = EncodedMessage(data)
        channel.live_messages += 1
        if channel.loaded is not None:
            # `latest` was read on another connection, so it may be ahead of what comes on this one.
            if _is_older(message, channel.loaded):
                counted.drop("relay", "older")
                return
            channel.loaded = None
        if self._show(channel, message, camera_id):
            counted.count("relay")
            counted.took("gateway_to_sockets", time.perf_counter() - started)
        else:
            counted.drop("relay", "garbled")

    def _on_control(self, message: bytes) -> None:
        """Take in what a gateway tells all gateways."""
        if (camera_id := deleted_camera(message)) is not None:
            self.forget_picture(camera_id)

    def forget_picture(self, camera_id: str) -> None:
        """Show a camera's last picture to no new viewer; those who have it keep it."""
        channel = self._channels.get(camera_id)
        if channel is not None:
            channel.current = channel.loaded = None

    def _show(self, channel: Channel, message: EncodedMessage, camera_id: str) -> bool:
        """Send a message to all viewers of a camera; False if some want it in a form that cannot be made of it."""
        channel.current, channel.shown_at_s = message, running_s()
        channel.checked_at_s = channel.shown_at_s
        is_good = True
        for form, senders in channel.by_form.items():
            if senders and not self._send(senders, form, message, camera_id):
                is_good = False
        return is_good

    def _send(self, senders: set[ViewerSender], form: Form, message: EncodedMessage, camera_id: str) -> bool:
        try:
            wire = message.wire(form)
        except MessageError as error:
            _log.warning("message skipped", camera=camera_id, error=str(error))
            return False
        sent = 0
        for sender in senders:
            sent += sender.offer(wire)
        self._metrics.frames.count("send", frames=sent)
        return True

    def _watched(self) -> dict[bytes, list[str]]:
        return {keys.live(camera_id).encode(): [camera_id] for camera_id in self._channels}

    def _load_latest(self, camera_id: str) -> None:
        """Fetch the last picture in the background.

        Done when the first viewer comes, and again when Redis has confirmed a subscription: from then on no message is
        missed, but one may have come since the first time, or while the subscription was away.
        """
        task = asyncio.create_task(self._show_latest(camera_id))
        self._loading.add(task)
        task.add_done_callback(self._loading.discard)

    async def _show_latest(self, camera_id: str) -> None:
        """Show the last picture, unless the viewers have seen it or a newer one has come in the meantime."""
        channel = self._channels.get(camera_id)
        if channel is None:
            return
        async with channel.loading:
            before = channel.live_messages
            try:
                packed = await self._read_latest(camera_id)
            except REDIS_ERRORS as error:
                _log.info(
                    "cannot fetch the current picture; the next one is shown", camera=camera_id, error=describe(error)
                )
                return
            if channel.live_messages != before:
                return
            if packed is None:
                channel.current = None  # expired, or deleted
            elif channel.current is None or packed != channel.current.packed:
                channel.loaded = EncodedMessage(packed)
                self._show(channel, channel.loaded, camera_id)

    async def _read_latest(self, camera_id: str) -> bytes | None:
        """The last viewer message; its spaces are unknown where the detector's verdict does not hold any more."""
        asked = self._redis.pipeline(transaction=False)
        asked.get(keys.latest(camera_id))
        asked.hget(keys.CAMERAS, camera_id)
        asked.hgetall(keys.status(camera_id))
        packed, entry, status = await asked.execute()
        if not isinstance(packed, bytes) or entry is None:
            return packed if isinstance(packed, bytes) else None
        camera = parse_camera(entry)
        state = read_state(
            status, self._clock.now_ms(), is_registered=True, is_enabled=camera is None or camera.enabled
        )
        return packed if state.are_spaces_known else with_unknown_spaces(packed)

    async def _age_pictures(self, stop: asyncio.Event) -> None:
        """Tell viewers of a camera that has fallen silent when its spaces have become unknown."""
        while not await sleep_until_stopped(stop, AGE_CHECK_EVERY_S):
            now_s = running_s()
            for camera_id, channel in self._channels.items():
                if channel.current is not None and now_s - channel.checked_at_s > SILENT_AFTER_S:
                    channel.checked_at_s = now_s
                    self._load_latest(camera_id)


def _is_older(message: EncodedMessage, loaded: EncodedMessage) -> bool:
    """Whether `message` is `loaded` itself or was published before it."""
    try:
        return not message.is_newer_than(loaded)
    except MessageError:
        return False
