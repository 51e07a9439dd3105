"""Many cameras without cameras: the demo's clips, published as a detector publishes what it has seen."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
from redis.asyncio import Redis

from deploy.demo.lot.truth import Truth
from libs.common import keys
from libs.common.cameras import Camera
from libs.common.live_messages import SMALL_WIDTH
from libs.common.messages import pack_viewer_message

ASSETS = Path(__file__).parents[2] / "deploy/demo/assets"
CLIPS = ("north", "south")
SMALL_QUALITY = 75
STATUS_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip's pictures and what they show.

    Attributes:
        plain: JPEGs as a camera sends them.
        small: the same, 480 pixels wide.
        metadata: of each frame, as the detector tells it, without times.
        spaces: JSON of the lot's spaces.
    """

    plain: list[bytes]
    small: list[bytes]
    metadata: list[dict[str, Any]]
    spaces: str


def load_clip(name: str, frames: int) -> Clip:
    """The first frames of a clip."""
    truth = Truth.load(ASSETS / f"{name}.truth.json")
    spaces = json.loads((ASSETS / f"{name}.spaces.json").read_text("utf-8"))["spaces"]
    clip = Clip([], [], [], json.dumps(spaces))
    video = cv2.VideoCapture(str(ASSETS / f"{name}.mp4"))
    for number in range(frames):
        is_read, picture = video.read()
        if not is_read:
            break
        height = round(picture.shape[0] * SMALL_WIDTH / picture.shape[1])
        small = cv2.resize(picture, (SMALL_WIDTH, height), interpolation=cv2.INTER_AREA)
        clip.plain.append(cv2.imencode(".jpg", picture)[1].tobytes())
        clip.small.append(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, SMALL_QUALITY])[1].tobytes())
        clip.metadata.append(_metadata(truth, number, spaces))
    video.release()
    return clip


def _metadata(truth: Truth, number: int, spaces: list[dict[str, Any]]) -> dict[str, Any]:
    occupied = truth.occupied_spaces(number)
    states = ["occupied" if space["space_id"] in occupied else "free" for space in spaces]
    boxes = [(vehicle["id"], [float(side) for side in vehicle["box"]]) for vehicle in truth.vehicles[number]]
    return {
        "vehicle_count": len(boxes),
        "occupied_spaces": len(occupied),
        "total_spaces": len(spaces),
        "space_occupancy": [
            {**space, "is_occupied": state != "free", "state": state}
            for space, state in zip(spaces, states, strict=True)
        ],
        "detections": [
            {"class": "car", "confidence": 0.9, "bbox": box, "track_id": track_id} for track_id, box in boxes
        ],
        "width": truth.size[0],
        "height": truth.size[1],
    }


class Lots:
    """So many cameras, registered and live."""

    def __init__(self, redis: Redis, count: int, frames: int = 60) -> None:
        """Load the clips.

        Args:
            redis: where the gateway looks.
            count: cameras.
            frames: of each clip.
        """
        self.ids = [f"CAM{number + 1:02}" for number in range(count)]
        self._redis = redis
        self._clips = [load_clip(name, frames) for name in CLIPS]

    def clip(self, number: int) -> Clip:
        """What a camera shows."""
        return self._clips[number % len(self._clips)]

    async def register(self, name: Callable[[int], str] = lambda number: f"Lot {number + 1}") -> None:
        """Register all cameras with their spaces."""
        pipe = self._redis.pipeline(transaction=False)
        for number, camera_id in enumerate(self.ids):
            camera = Camera(id=camera_id, name=name(number), url="http://127.0.0.1:9/stream", fps=10)
            pipe.hset(keys.CAMERAS, camera_id, camera.model_dump_json())
            pipe.set(keys.spaces(camera_id), self.clip(number).spaces)
        await pipe.execute()

    async def play(self, fps: float, stop: asyncio.Event, broken: frozenset[str] = frozenset()) -> None:
        """Publish until stopped.

        Args:
            fps: pictures a second of each camera.
            stop: ends it.
            broken: cameras that send nothing, and say why.
        """
        loop, started_s, frame = asyncio.get_running_loop(), asyncio.get_running_loop().time(), 0
        status_at_s = float("-inf")
        while not stop.is_set():
            now_ms = await self._now_ms()
            if loop.time() - status_at_s >= STATUS_EVERY_S:
                status_at_s = loop.time()
                await self._tell_statuses(now_ms, fps, frame, broken)
            pipe = self._redis.pipeline(transaction=False)
            for number, camera_id in enumerate(self.ids):
                if camera_id not in broken:
                    self._publish(pipe, camera_id, self.clip(number), frame, now_ms)
            await pipe.execute()
            frame += 1
            await asyncio.sleep(max(0.0, started_s + frame / fps - loop.time()))

    def _publish(self, pipe: Any, camera_id: str, clip: Clip, frame: int, now_ms: int) -> None:
        at = frame % len(clip.metadata)
        timings = {"captured_at": now_ms, "read_at": now_ms, "detected_at": now_ms, "published_at": now_ms}
        metadata = {**clip.metadata[at], "timings": timings, "frame_id": f"{now_ms}-0"}
        for channel, jpeg in ((keys.plain(camera_id), clip.plain[at]), (keys.small(camera_id), clip.small[at])):
            pipe.publish(channel, pack_viewer_message(camera_id, jpeg, metadata, frame + 1, now_ms / 1000))

    async def _tell_statuses(self, now_ms: int, fps: float, frame: int, broken: frozenset[str]) -> None:
        pipe = self._redis.pipeline(transaction=False)
        for number, camera_id in enumerate(self.ids):
            clip = self.clip(number)
            is_broken = camera_id in broken
            status: dict[Any, Any] = {
                "ingest_state": "error" if is_broken else "live",
                "ingest_error": "connection refused" if is_broken else "",
                "ingest_updated_at_ms": now_ms,
                "ingest_fps": 0 if is_broken else fps,
                "detector_updated_at_ms": now_ms,
                "detector_fps": 0 if is_broken else fps,
                "detector_hold_ms": 300_000,
                **({} if is_broken else {"ingest_last_frame_at_ms": now_ms, "detector_examined_at_ms": now_ms}),
            }
            pipe.hset(keys.status(camera_id), mapping=status)
            for space in clip.metadata[frame % len(clip.metadata)]["space_occupancy"]:
                value = json.dumps({"state": space["state"], "since_ms": now_ms - 600_000})
                pipe.hset(keys.occupancy(camera_id), space["space_id"], value)
        await pipe.execute()

    async def _now_ms(self) -> int:
        seconds, microseconds = await self._redis.time()
        return int(seconds * 1000 + microseconds // 1000)
