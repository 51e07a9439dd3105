"""Tells live viewers how their cameras are: read from Redis once a second, for all cameras that are watched here."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from libs.common.logging import get_logger
from libs.common.redis_clock import RedisClock
from libs.common.redis_errors import REDIS_ERRORS, describe
from services.gateway.api.models import CameraView
from services.gateway.camera_views import CameraViews
from services.gateway.live.compact import pack
from services.gateway.live.connection import LiveConnection
from services.gateway.live.hub import LiveHub

_log = get_logger("live")

EVERY_S: Final = 1.0
REPEATED_EVERY_S: Final = 10.0
"""A status is told again though nothing has changed: its numbers, and the clock that ages are reckoned by."""


@dataclass(slots=True)
class _Told:
    """What the viewers of a camera know of it."""

    essence: tuple[Any, ...]
    at_s: float
    wire: bytes


class StatusFeed:
    """Sends `status` to the viewers of each camera: at first, when it changes, and every ten seconds."""

    def __init__(self, views: CameraViews, hub: LiveHub, clock: RedisClock) -> None:
        self._views = views
        self._clock = clock
        self._hub = hub
        self._told: dict[str, _Told] = {}
        self._wanted = asyncio.Event()
        hub.on_watch = self.greet

    def greet(self, viewer: LiveConnection, camera_id: str) -> None:
        """Tell a new viewer of a camera what the others know, or soon what nobody has asked yet."""
        told = self._told.get(camera_id)
        if told is None:
            self._wanted.set()
        else:
            viewer.notice("status", camera_id, told.wire)

    async def run(self, stop: asyncio.Event) -> None:
        """Read and tell until stopped; while Redis is away viewers keep what they know, and ages show it."""
        while not stop.is_set():
            self._wanted.clear()
            try:
                await self._tell()
            except REDIS_ERRORS as error:
                _log.debug("no status now; again in a second", error=describe(error))
            waits = [asyncio.create_task(stop.wait()), asyncio.create_task(self._wanted.wait())]
            await asyncio.wait(waits, timeout=EVERY_S, return_when=asyncio.FIRST_COMPLETED)
            for wait in waits:
                wait.cancel()

    async def _tell(self) -> None:
        watched = sorted(self._hub.viewers())
        self._told = {camera_id: told for camera_id, told in self._told.items() if camera_id in watched}
        if not watched:
            return
        now_s, now_ms = asyncio.get_running_loop().time(), self._clock.now_ms()
        for view in await self._views.load("viewer", watched):
            told, essence = self._told.get(view.id), _essence(view)
            if told is not None and told.essence == essence and now_s - told.at_s < REPEATED_EVERY_S:
                continue
            message = {"type": "status", "camera_id": view.id, "now_ms": now_ms, "status": view.model_dump(mode="json")}
            self._told[view.id] = _Told(essence, now_s, pack(message))
            for viewer in self._hub.watching(view.id):
                viewer.notice("status", view.id, self._told[view.id].wire)


def _essence(view: CameraView) -> tuple[Any, ...]:
    """What of a status is worth telling at once; its rates change all the time."""
    return view.name, view.enabled, view.registered, view.status.state, view.status.error, view.occupancy
