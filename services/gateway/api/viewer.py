"""The viewers' WebSocket: the current picture at once, then each as it comes; `ping` and `keepalive` as ever."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, WebSocket, WebSocketDisconnect
from redis.exceptions import RedisError

from libs.common.cameras import is_camera_id
from libs.common.logging import get_logger
from services.gateway.hub.hub import text_or_none
from services.gateway.hub.viewer import ViewerSlot
from services.gateway.resources import Resources, Used

_log = get_logger("viewer")

router = APIRouter()

POLICY_VIOLATION: Final = 1008
GOING_AWAY: Final = 1001
TRY_AGAIN_LATER: Final = 1013

Format = Literal["json", "binary"]


@router.websocket("/ws/viewer/detection")
async def view_detection(
    websocket: WebSocket,
    used: Used,
    camera_id: Annotated[str, Query(description="Camera ID to view")],
    format: Annotated[str, Query(description="`binary` for msgpack")] = "json",
) -> None:
    """Send a camera's pictures to one viewer until either side has enough."""
    if not is_camera_id(camera_id) or format not in ("json", "binary"):
        await websocket.close(POLICY_VIOLATION, "bad camera_id or format")
        return
    if used.hub.viewer_count >= used.settings.viewers_max:
        await websocket.close(TRY_AGAIN_LATER, "this gateway has as many viewers as it may")
        return
    await websocket.accept()
    async with used.hub.viewing(camera_id) as slot:
        await _tell_presence(used)
        sending = asyncio.create_task(_send(websocket, slot, camera_id, format, used))
        receiving = asyncio.create_task(_receive(websocket, used.settings.keepalive_after_s))
        done, pending = await asyncio.wait({sending, receiving}, return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        for task in done:
            error = task.exception()
            if error is not None and not isinstance(error, WebSocketDisconnect):
                _log.info("viewer lost", camera=camera_id, error=repr(error))
    await _tell_presence(used)


async def _send(websocket: WebSocket, slot: ViewerSlot, camera_id: str, format: str, used: Resources) -> None:
    """Send pictures until one cannot be sent in time."""
    sent = used.metrics.frames_sent.labels(format)
    while True:
        message = await slot.take()
        try:
            async with asyncio.timeout(used.settings.send_timeout_s):
                if format == "binary":
                    await websocket.send_bytes(message.packed)
                elif (text := text_or_none(message, camera_id)) is not None:
                    await websocket.send_text(text)
        except TimeoutError:
            used.metrics.viewers_cut_off.inc()
            _log.info("viewer cannot take a picture in time; cut off", camera=camera_id)
            await _close(websocket, TRY_AGAIN_LATER, "too slow")
            return
        sent.inc()


async def _receive(websocket: WebSocket, keepalive_after_s: float) -> None:
    """Answer `ping`; after a viewer's silence send `keepalive`. Ends when the viewer goes."""
    while True:
        try:
            async with asyncio.timeout(keepalive_after_s):
                message = await websocket.receive()
        except TimeoutError:
            await websocket.send_text("keepalive")
            continue
        if message["type"] == "websocket.disconnect":
            return
        if message.get("text") == "ping":
            await websocket.send_text("pong")


async def _close(websocket: WebSocket, code: int, reason: str) -> None:
    """Close; a viewer that does not even take the close frame is dropped by the server's own deadline."""
    try:
        async with asyncio.timeout(0.5):
            await websocket.close(code, reason)
    except (TimeoutError, RuntimeError, OSError) as error:
        _log.debug("close frame not taken", error=repr(error))


async def _tell_presence(used: Resources) -> None:
    try:
        await used.presence.update()
    except (RedisError, OSError) as error:
        _log.info("viewer not counted now; with the next heartbeat", error=str(error))
