"""Who watches: which cameras have subscribers now, asked often and for all at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final

from redis.asyncio import Redis

from libs.common import keys
from libs.common.logging import get_logger
from libs.common.redis_errors import REDIS_ERRORS, describe
from libs.common.shutdown import sleep_until_stopped
from services.detector.camera import CameraSession
from services.detector.frame_result import PictureKind

_log = get_logger("subscribers")

EVERY_S: Final = 0.25
"""A new viewer sees the last picture at once, and moving ones after this."""


CHANNELS: Final[Mapping[PictureKind, Callable[[str], str]]] = {
    "annotated": keys.live,
    "plain": keys.plain,
    "small": keys.small,
}


async def watch_subscribers(redis: Redis, cameras: Mapping[str, CameraSession], stop: asyncio.Event) -> None:
    """Keep `watched` of the cameras in step with their subscribers, until stopped."""
    while not stop.is_set():
        asked = [(camera, kind) for camera in cameras.values() for kind in CHANNELS]
        if asked:
            try:
                answer: Any = await redis.pubsub_numsub(*(CHANNELS[kind](camera.camera_id) for camera, kind in asked))
                watched: dict[CameraSession, set[PictureKind]] = {camera: set() for camera, _ in asked}
                for (camera, kind), (_, subscribers) in zip(asked, answer, strict=True):
                    if int(subscribers) > 0:
                        watched[camera].add(kind)
                for camera, kinds in watched.items():
                    camera.watched = frozenset(kinds)
            except REDIS_ERRORS as error:
                _log.debug("cannot ask who watches; going on as before", error=describe(error))
        await sleep_until_stopped(stop, EVERY_S)
