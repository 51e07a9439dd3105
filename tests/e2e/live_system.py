"""A detector with its real model and a gateway, fed with the demo's clip: what each picture shows is known."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import aiohttp
import cv2
import msgpack
import redis

from deploy.demo.lot.truth import Truth
from deploy.demo.model.measuring import read_clip
from libs.common import keys
from libs.common.cameras import Camera
from libs.common.clock import now_ms
from libs.common.messages import FRAMES_MAXLEN, RawFrame, unpack_viewer_message
from libs.common.spaces import ParkingSpace, dump_spaces
from services.detector.pictures import encode
from tests.support.ports import free_port
from tests.support.processes import running, running_gateway
from tests.support.redis_server import RedisServer

ASSETS: Final = Path(__file__).parents[2] / "deploy/demo/assets"
FRAMES: Final = 50
"""A car drives 20 pixels from one of these frames of the clip to the next, and no space changes its state."""
FPS: Final = 5.0
MOVING: Final = ("PLAIN", "DRAWN", "SMALL", "NONE")
STILL: Final = "STILL"
WITHOUT_SPACES: Final = ("DRAWN", STILL)
FED_KEPT: Final = 10_000
DETECTOR: Final = {
    "DETECTOR_OCCUPIED_AFTER_S": "0.2",
    "DETECTOR_FREE_AFTER_S": "0.2",
    "DETECTOR_INSPECT_EVERY_S": "0",
    "DETECTOR_JUDGE": "vehicles",
}
STILL_PICTURE_EVERY_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Received:
    """A message, when it came (steady clock), and its bytes on the wire without the frame's head."""

    at_s: float
    size: int
    message: dict[str, Any]


class LiveSystem:
    """The running system.

    Attributes:
        server: its Redis, which a test may stop and start.
        jpegs: the clip's frames as the cameras send them.
        truth: what they show.
        port: of the gateway.
    """

    def __init__(self, folder: Path) -> None:
        self.server = RedisServer(folder, with_users=True)
        pictures = list(islice(read_clip(ASSETS / "north.mp4"), FRAMES))
        self.jpegs = [encode(picture, 80) for picture in pictures]
        self.truth = Truth.load(ASSETS / "north.truth.json")
        self.port = free_port()
        self._half_size = encode(cv2.resize(pictures[0], (640, 360), interpolation=cv2.INTER_AREA), 80)
        self._fed: OrderedDict[tuple[str, str], int] = OrderedDict()

    def frame_of(self, camera_id: str, frame_id: str) -> int:
        """The number of the clip's frame that a raw frame was."""
        return self._fed[camera_id, frame_id]

    def register(self) -> None:
        """Tell Redis the cameras and their spaces."""
        spaces = json.loads((ASSETS / "north.spaces.json").read_text("utf-8"))["spaces"]
        with self.server.client() as client:
            for name in (*MOVING, STILL):
                if name not in WITHOUT_SPACES:
                    client.set(keys.spaces(name), dump_spaces([ParkingSpace.model_validate(one) for one in spaces]))
                client.hset(keys.CAMERAS, name, Camera(id=name, name=name, url="http://h/").model_dump_json())

    def wait_until_judged(self, timeout_s: float = 60.0) -> None:
        """Wait until the state of every space is known."""
        deadline = time.monotonic() + timeout_s
        with self.server.client() as client:
            while True:
                packed = [client.get(keys.latest(name)) for name in (*MOVING, STILL)]
                told = [unpack_viewer_message(one)["metadata"] for one in packed if isinstance(one, bytes)]
                if len(told) == len(packed) and not any(one["unknown_spaces"] for one in told):
                    return
                assert time.monotonic() < deadline, "the spaces' states are not known"
                time.sleep(0.1)

    def feed(self, stop: threading.Event) -> None:
        """Send frames of all cameras, out of step, until stopped: there and back, so that nothing jumps."""
        order = [*range(FRAMES), *range(FRAMES - 2, 0, -1)]
        turn, due = 0, time.monotonic()
        with self.server.client() as client:
            while not stop.wait(max(0.0, due - time.monotonic())):
                name = (*MOVING, STILL)[turn % 5]
                number = order[(turn // 5 + 7 * (turn % 5)) % len(order)]
                if name == STILL:
                    frame = RawFrame(turn, now_ms(), 640, 360, self._half_size)
                else:
                    frame = RawFrame(turn, now_ms(), 1280, 720, self.jpegs[number])
                turn, due = turn + 1, due + 1 / (FPS * 5)
                fields: Any = frame.to_fields()
                try:
                    entry: Any = client.xadd(keys.frames(name), fields, maxlen=FRAMES_MAXLEN, approximate=False)
                except redis.RedisError:
                    continue  # a test has stopped the server; frames that nobody takes are lost, as a camera's are
                self._fed[name, entry.decode()] = number
                if len(self._fed) > FED_KEPT:
                    self._fed.popitem(last=False)

    async def record(
        self, watched: Mapping[str, str], seconds: float, acknowledged_after_s: float = 0.0
    ) -> list[Received]:
        """What a viewer gets who watches cameras, each with its kind of picture, for some seconds.

        Args:
            watched: kind of picture by camera.
            seconds: for how long.
            acknowledged_after_s: how long the viewer takes to show a picture.
        """
        received: list[Received] = []
        showing: set[asyncio.Task[None]] = set()
        async with aiohttp.ClientSession() as http, http.ws_connect(self.url, max_msg_size=0) as socket:
            for camera_id, picture in watched.items():
                await socket.send_json({"op": "watch", "camera_id": camera_id, "picture": picture})

            async def show() -> None:
                await asyncio.sleep(acknowledged_after_s)
                await socket.send_json({"op": "ack"})

            try:
                async with asyncio.timeout(seconds):
                    while True:
                        data = await socket.receive_bytes()
                        message = msgpack.unpackb(data)
                        received.append(Received(time.monotonic(), len(data), message))
                        if message["type"] == "frame" and message["jpeg"] is not None:
                            showing.add(task := asyncio.create_task(show()))
                            task.add_done_callback(showing.discard)
            except TimeoutError:
                pass
            for task in list(showing):
                task.cancel()
        return received

    @property
    def url(self) -> str:
        """Of the live viewers' WebSocket."""
        return f"ws://127.0.0.1:{self.port}/ws/viewer/live"


@contextmanager
def running_live_system(folder: Path) -> Iterator[LiveSystem]:
    """Redis, a detector and frames for it; a gateway is started by `gateway_of`."""
    system, stop = LiveSystem(folder), threading.Event()
    system.server.start()
    feeding = threading.Thread(target=system.feed, args=(stop,))
    try:
        system.register()
        feeding.start()
        with running("services.detector", {"REDIS_URL": system.server.url, **DETECTOR}, folder / "detector.log"):
            system.wait_until_judged()
            yield system
    finally:
        stop.set()
        if feeding.ident is not None:
            feeding.join(10)
        system.server.stop()


@contextmanager
def gateway_of(system: LiveSystem, folder: Path) -> Iterator[None]:
    """A gateway on the system's port."""
    every = str(STILL_PICTURE_EVERY_S)
    settings = {"GATEWAY_PORT": str(system.port), "GATEWAY_STILL_PICTURE_EVERY_S": every}
    with running_gateway(system.server.url, folder, **settings):
        yield
