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


def publish_to_redis(redis_url: str, cameras: int, fps: float, seconds: float) -> int:
    """Publish viewer messages at a steady pace; returns how many frames, over all cameras."""
    with redis.Redis.from_url(redis_url) as client:
        frames, started = 0, time.monotonic()
        for number in range(round(fps * seconds)):
            for camera in range(cameras):
                moment = started + (number + camera / cameras) / fps
                time.sleep(max(0.0, moment - time.monotonic()))
                message = pack_viewer_message(f"cam{camera}", JPEG, _metadata(), number + 1, time.time())
                client.publish(keys.live(f"cam{camera}"), message)
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
