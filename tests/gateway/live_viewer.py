"""A viewer of `/ws/viewer/live` for tests, and frames for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgpack
from redis.asyncio import Redis

from libs.common import keys
from libs.common.messages import LATEST_EXPIRES_S, pack_viewer_message
from tests.support.waiting import PATIENCE_S

JPEG = b"\xff\xd8plain\xff\xd9"
DRAWN = b"\xff\xd8drawn\xff\xd9"
SMALL = b"\xff\xd8small\xff\xd9"
PICTURES = {keys.live: DRAWN, keys.plain: JPEG, keys.small: SMALL}


class LiveViewer:
    """One connection; acknowledges pictures as it reads them, unless told not to."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.acknowledges = True

    async def watch(self, camera_id: str, picture: str = "plain", **more: Any) -> None:
        """Ask for a camera."""
        await self.socket.send_json({"op": "watch", "camera_id": camera_id, "picture": picture, **more})

    async def unwatch(self, camera_id: str) -> None:
        """Ask for no more of a camera."""
        await self.socket.send_json({"op": "unwatch", "camera_id": camera_id})

    async def acknowledge(self) -> None:
        """Say that the last picture was shown."""
        await self.socket.send_json({"op": "ack"})

    async def read(self, timeout_s: float = PATIENCE_S) -> dict[str, Any]:
        """The next message."""
        message: dict[str, Any] = msgpack.unpackb(await self.socket.receive_bytes(timeout=timeout_s))
        if message["type"] == "frame" and message["jpeg"] is not None and self.acknowledges:
            await self.acknowledge()
        return message

    async def until(self, is_wanted: Callable[[dict[str, Any]], bool], timeout_s: float = PATIENCE_S) -> dict[str, Any]:
        """The next message of a kind; others are passed over."""
        async with asyncio.timeout(timeout_s):
            while True:
                message = await self.read(timeout_s)
                if is_wanted(message):
                    return message

    async def frame(self, camera_id: str, number: int = 0, timeout_s: float = PATIENCE_S) -> dict[str, Any]:
        """The camera's next frame, or the one numbered so."""
        return await self.until(
            lambda one: one["type"] == "frame" and one["camera_id"] == camera_id and one["n"] >= number, timeout_s
        )


@asynccontextmanager
async def live_viewer(http: aiohttp.ClientSession) -> AsyncIterator[LiveViewer]:
    """A connection that has been greeted."""
    async with http.ws_connect("/ws/viewer/live", max_msg_size=0) as socket:
        viewer = LiveViewer(socket)
        hello = await viewer.read()
        assert hello["type"] == "hello"
        assert abs(hello["now_ms"] - time.time() * 1000) < 5000
        yield viewer


def metadata_of(spaces: int = 2, **more: Any) -> dict[str, Any]:
    """What a detector says of a frame, as far as live viewers are concerned."""
    now_ms = round(time.time() * 1000)
    occupancy = [
        {
            "space_id": f"A{number}",
            "space_name": f"A{number}",
            "is_occupied": number % 2 == 1,
            "state": "occupied" if number % 2 else "free",
            "bbox": {"x": 0.1, "y": 0.1, "width": 0.1, "height": 0.1},
            "polygon": [[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]],
        }
        for number in range(spaces)
    ]
    timings = dict.fromkeys(("captured_at", "read_at", "detected_at", "published_at"), now_ms)
    return {"width": 640, "height": 360, "space_occupancy": occupancy, "detections": [], "timings": timings, **more}


async def publish_frame(
    redis: Redis, camera_id: str, number: int, *, latest: bool = False, **more: Any
) -> dict[str, int]:
    """Publish a frame in all its pictures, as a detector does where somebody watches each; subscribers by kind.

    With `latest` it is also kept for those who come later. Without, nobody gets it by another way than its channel.
    """
    metadata, told = metadata_of(**more), {}
    for name, jpeg in PICTURES.items():
        message = pack_viewer_message(camera_id, jpeg, metadata, number, time.time())
        told[name.__name__] = await redis.publish(name(camera_id), message)
        if latest and name is keys.live:
            await redis.set(keys.latest(camera_id), message, ex=LATEST_EXPIRES_S)
    return told
