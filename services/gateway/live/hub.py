"""Fan-out to live viewers: each message from Redis is made compact once, and the same bytes go to all who want it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Final

import msgpack
from redis.asyncio import Redis

from libs.common import keys
from libs.common.errors import MessageError
from libs.common.live_messages import PictureKind
from libs.common.logging import get_logger
from libs.common.messages import unpack_viewer_message
from libs.common.redis_errors import REDIS_ERRORS, describe
from libs.common.shutdown import sleep_until_stopped
from services.gateway.hub.subscription import Subscription, deleted_camera
from services.gateway.live.compact import LiveFrame, SpaceTable, compact
from services.gateway.live.connection import LiveConnection
from services.gateway.metrics import GatewayMetrics
from services.gateway.shrinking import Shrinker

_log = get_logger("live")

ChannelId = tuple[PictureKind, str]
"""What the picture shows, and whose it is."""

ACKNOWLEDGED_WITHIN_S: Final = 60.0
"""A viewer that shows a picture for longer without a word is gone: its page was frozen or its machine sleeps."""
CHECK_EVERY_S: Final = 5.0
TRY_AGAIN_LATER: Final = 1013

_CHANNEL_NAMES: Final[dict[PictureKind, Callable[[str], str]]] = {
    "plain": keys.plain,
    "annotated": keys.live,
    "small": keys.small,
    # Nothing is drawn or encoded for it, and its picture is not sent on.
    "none": keys.plain,
}


class LiveChannel:
    """The viewers of one camera that want the same kind of picture, and the frame that they got last."""

    def __init__(self) -> None:
        self.viewers: set[LiveConnection] = set()
        self.current: LiveFrame | None = None
        self.spaces: SpaceTable | None = None
        self.live_messages = 0


class LiveHub:
    """All live viewers of this process.

    Attributes:
        on_change: called when a camera gains or loses a viewer.
        on_watch: called with a connection and a camera that it has just begun to watch.
    """

    def __init__(self, redis: Redis, subscriber: Redis, shrinker: Shrinker, metrics: GatewayMetrics) -> None:
        """Prepare.

        Args:
            redis: for `latest`.
            subscriber: a client of its own, for the one subscription.
            shrinker: makes `latest` small for those who want it so.
            metrics: what is counted.
        """
        self.on_change: Callable[[], None] = lambda: None
        self.on_watch: Callable[[LiveConnection, str], None] = lambda viewer, camera_id: None
        self._redis = redis
        self._shrinker = shrinker
        self._metrics = metrics
        self._connections: set[LiveConnection] = set()
        self._channels: dict[ChannelId, LiveChannel] = {}
        self._subscription = Subscription(subscriber, self._names, self._hand_out, self._load_latest, self._on_control)
        self._loading: set[asyncio.Task[None]] = set()

    @property
    def connection_count(self) -> int:
        """Connections open here."""
        return len(self._connections)

    def viewers(self) -> Counter[str]:
        """How many live viewers each camera has here."""
        counts: Counter[str] = Counter()
        for (_, camera_id), channel in self._channels.items():
            counts[camera_id] += len(channel.viewers)
        return counts

    def viewers_of(self, camera_id: str) -> int:
        """How many live viewers a camera has here."""
        return sum(len(channel.viewers) for channel in self._channels_of(camera_id))

    def watching(self, camera_id: str) -> list[LiveConnection]:
        """The connections that watch a camera."""
        return [viewer for channel in self._channels_of(camera_id) for viewer in channel.viewers]

    def current(self, kind: PictureKind, camera_id: str) -> LiveFrame | None:
        """The frame that a camera's viewers of a kind of picture got last; None if there are no such viewers here."""
        channel = self._channels.get((kind, camera_id))
        return None if channel is None else channel.current

    def enter(self, viewer: LiveConnection) -> None:
        """A connection is open."""
        self._connections.add(viewer)
        self._metrics.live_viewers.inc()

    def leave(self, viewer: LiveConnection) -> None:
        """A connection is gone."""
        viewer.stop()
        if viewer in self._connections:
            self._connections.remove(viewer)
            self._metrics.live_viewers.dec()
            self._count_frames(viewer)

    def watch(self, viewer: LiveConnection, camera_id: str, kind: PictureKind) -> None:
        """Send a camera's frames to a viewer from now on, the last one first."""
        channel = self._channels.get((kind, camera_id))
        if channel is None:
            channel = self._channels[kind, camera_id] = LiveChannel()
            self._subscription.change()
            self._load_latest((kind, camera_id))
        channel.viewers.add(viewer)
        self.on_watch(viewer, camera_id)
        if channel.current is not None:
            viewer.offer(camera_id, channel.current)
        self.on_change()

    def unwatch(self, viewer: LiveConnection, camera_id: str, kind: PictureKind) -> None:
        """Send a viewer no more frames of a camera."""
        channel = self._channels.get((kind, camera_id))
        if channel is None or viewer not in channel.viewers:
            return
        channel.viewers.discard(viewer)
        if not channel.viewers:
            del self._channels[kind, camera_id]
            self._subscription.change()
        self.on_change()

    def renew_subscription(self) -> None:
        """Subscribe on a new connection: Redis has failed over, and the old one may lead to a server without news."""
        self._subscription.renew()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until stopped; outlives Redis being away."""
        await asyncio.gather(self._subscription.run(stop), self._close_silent(stop))
        await asyncio.gather(*self._loading, return_exceptions=True)

    def _channels_of(self, camera_id: str) -> list[LiveChannel]:
        ids: list[ChannelId] = [(kind, camera_id) for kind in _CHANNEL_NAMES]
        return [self._channels[one] for one in ids if one in self._channels]

    def _names(self) -> dict[bytes, list[ChannelId]]:
        names: dict[bytes, list[ChannelId]] = {}
        for kind, camera_id in self._channels:
            names.setdefault(_CHANNEL_NAMES[kind](camera_id).encode(), []).append((kind, camera_id))
        return names

    def _hand_out(self, channel_id: ChannelId, data: bytes) -> None:
        channel = self._channels.get(channel_id)
        if channel is None:
            return
        channel.live_messages += 1
        self._show(channel_id, channel, data, channel_id[0])

    def forget(self, camera_id: str) -> None:
        """Show a camera's last picture to no new viewer: it was deleted."""
        for channel in self._channels_of(camera_id):
            channel.current = None

    def _on_control(self, message: bytes) -> None:
        camera_id = deleted_camera(message)
        if camera_id is not None:
            self.forget(camera_id)

    def _show(self, channel_id: ChannelId, channel: LiveChannel, data: bytes, shows: PictureKind) -> None:
        camera_id = channel_id[1]
        try:
            frame = compact(camera_id, data, shows, channel.spaces)
        except MessageError as error:
            _log.warning("message skipped", camera=camera_id, error=str(error))
            return
        before = channel.current
        if before is not None and (before.number, before.shows) == (frame.number, frame.shows):
            return  # the current picture, fetched once more after subscribing
        channel.current, channel.spaces = frame, frame.spaces
        for viewer in list(channel.viewers):
            viewer.offer(camera_id, frame)

    def _load_latest(self, channel_id: ChannelId) -> None:
        """Fetch the camera's last picture in the background, for viewers who have none yet."""
        task = asyncio.create_task(self._show_latest(channel_id))
        self._loading.add(task)
        task.add_done_callback(self._loading.discard)

    async def _show_latest(self, channel_id: ChannelId) -> None:
        try:
            packed = await self._redis.get(keys.latest(channel_id[1]))
        except REDIS_ERRORS as error:
            _log.info(
                "cannot fetch the current picture; the next one is shown", camera=channel_id[1], error=describe(error)
            )
            return
        if channel_id[0] == "small" and isinstance(packed, bytes):
            packed = await self._with_small_picture(packed)
        channel = self._channels.get(channel_id)
        if channel is not None and isinstance(packed, bytes) and not channel.live_messages:
            # It was drawn for the viewers of the annotated picture; a page that draws itself is told so.
            self._show(channel_id, channel, packed, "none" if channel_id[0] == "none" else "annotated")

    async def _with_small_picture(self, packed: bytes) -> bytes:
        """A viewer message with its picture made small; as it was where that is not possible."""
        try:
            message = unpack_viewer_message(packed)
            if not message["metadata"].get("width"):
                return packed  # boxes are in pixels of this very picture
            message["frame"] = await self._shrinker.shrink(message["frame"])
        except (MessageError, AttributeError, KeyError) as error:
            _log.debug("the current picture stays as large as it is", error=repr(error))
            return packed
        small: bytes = msgpack.packb(message)
        return small

    def _count_frames(self, viewer: LiveConnection) -> None:
        """Add what a session has counted for itself, which is cheaper than counting each frame here."""
        session, frames = viewer.session, self._metrics.frames
        frames.count("send", frames=session.sent)
        frames.count("send", "still", session.still)
        frames.drop("send", "newer", session.skipped)
        session.sent = session.still = session.skipped = 0

    async def _close_silent(self, stop: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        while not await sleep_until_stopped(stop, CHECK_EVERY_S):
            for viewer in list(self._connections):
                self._count_frames(viewer)
                since_s = viewer.session.unanswered_since_s
                if since_s is not None and loop.time() - since_s > ACKNOWLEDGED_WITHIN_S:
                    viewer.close(TRY_AGAIN_LATER, "no picture was acknowledged for a minute")
