"""Where the frames come from: Redis, or workers that post them."""

from __future__ import annotations

import base64
import http.client
import json
import os
import threading
import time
from typing import Any

import redis

from libs.common import keys
from libs.common.messages import pack_viewer_message

JPEG_BYTES = 50_000
JPEG = b"\xff\xd8\xff\xe0" + os.urandom(JPEG_BYTES - 6) + b"\xff\xd9"
"""Compressed pictures look like noise; what is between the markers is not looked at on the way."""


def _metadata() -> dict[str, Any]:
    return {
        "vehicle_count": 3,
        "occupied_spaces": 2,
        "total_spaces": 4,
        "timestamp": "2026-01-07T12:30:45.123456",
        "track_ids": [42, 43, 44],
        "sent_at": f"{time.time():.6f}",
    }


def _lot() -> dict[str, Any]:
    """What a detector says of a lot with 30 spaces and 8 vehicles, so far as live viewers read it."""
    now_ms = round(time.time() * 1000)
    corners = [[0.1, 0.2], [0.15, 0.2], [0.16, 0.3], [0.11, 0.3]]
    spaces = [
        {"space_id": f"A{number}", "space_name": f"A{number}", "is_occupied": number % 3 == 0, "polygon": corners,
         "bbox": {"x": 0.1, "y": 0.2, "width": 0.06, "height": 0.1}, "state": "free" if number % 3 else "occupied"}
        for number in range(30)
    ]  # fmt: skip
    vehicles = [
        {"class": "car", "confidence": 0.9, "bbox": [100.5 * n, 200.1, 80.0, 60.0], "track_id": n, "center": [1, 2]}
        for n in range(8)
    ]
    timings = dict.fromkeys(("captured_at", "read_at", "detected_at", "published_at"), now_ms)
    more = {"width": 1280, "height": 720, "frame_id": f"{now_ms}-0", "timings": timings}
    return _metadata() | {"space_occupancy": spaces, "detections": vehicles} | more


def keep_latest(redis_url: str) -> None:
    """Leave a picture of `cam0` for viewers who have just come."""
    with redis.Redis.from_url(redis_url) as client:
        client.set(keys.latest("cam0"), pack_viewer_message("cam0", JPEG, _metadata(), 1, time.time()))


def publish_to_redis(redis_url: str, cameras: int, fps: float, seconds: float, *, plain: bool = False) -> int:
    """Publish viewer messages at a steady pace; returns how many frames, over all cameras.

    Args:
        redis_url: of the server.
        cameras: `cam0`, `cam1`, …, evenly out of step.
        fps: frames a second of each.
        seconds: for how long.
        plain: on the channels of the cameras' own pictures, with spaces and vehicles.
    """
    channel, metadata = (keys.plain, _lot) if plain else (keys.live, _metadata)
    with redis.Redis.from_url(redis_url) as client:
        frames, started = 0, time.monotonic()
        for number in range(round(fps * seconds)):
            for camera in range(cameras):
                moment = started + (number + camera / cameras) / fps
                time.sleep(max(0.0, moment - time.monotonic()))
                message = pack_viewer_message(f"cam{camera}", JPEG, metadata(), number + 1, time.time())
                client.publish(channel(f"cam{camera}"), message)
                frames += 1
        return frames


def post_to_bridge(port: int, cameras: int, fps: float, seconds: float, *, in_step: bool = False) -> int:
    """Let one worker for each camera post its frames at a steady pace; returns how many were answered with 200.

    The cameras' moments are spread evenly over the time between two frames, or, `in_step`, all the same.
    """
    taken = [0] * cameras

    def work(camera: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        encoded = base64.b64encode(JPEG).decode()
        started = time.monotonic() + (0.0 if in_step else camera / cameras / fps)
        for number in range(round(fps * seconds)):
            time.sleep(max(0.0, started + number / fps - time.monotonic()))
            payload = {"camera_id": f"cam{camera}", "frame_base64": encoded, "metadata": _metadata()}
            connection.request(
                "POST", "/api/broadcast-detection", json.dumps(payload), {"Content-Type": "application/json"}
            )
            answer = connection.getresponse()
            answer.read()
            taken[camera] += answer.status == 200
        connection.close()

    workers = [threading.Thread(target=work, args=(camera,)) for camera in range(cameras)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return sum(taken)
