"""Who watches: which cameras have subscribers now, asked often and for all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from redis.asyncio import Redis

from libs.common import keys
from libs.common.logging import get_logger
from libs.common.redis_errors import REDIS_ERRORS
from libs.common.shutdown import sleep_until_stopped
from services.detector.camera import CameraSession

_log = get_logger("subscribers")

EVERY_S: Final = 0.25
"""A new viewer sees the last picture at once, and moving ones after this."""


async def watch_subscribers(redis: Redis, cameras: Mapping[str, CameraSession], stop: asyncio.Event) -> None:
    """Keep `is_watched` of the cameras in step with their subscribers, until stopped."""
    while not stop.is_set():
        watched = list(cameras.values())
        if watched:
            try:
                answer: Any = await redis.pubsub_numsub(*(keys.live(camera.camera_id) for camera in watched))
                for camera, (_, subscribers) in zip(watched, answer, strict=True):
                    camera.is_watched = int(subscribers) > 0
            except REDIS_ERRORS as error:
                _log.debug("cannot ask who watches; going on as before", error=str(error))
        await sleep_until_stopped(stop, EVERY_S)
