"""The viewers' WebSocket: the current picture at once, then each as it comes; `ping` and `keepalive` as ever."""

from __future__ import annotations

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Query, WebSocket
from fastapi.responses import JSONResponse

from libs.common.cameras import is_camera_id
from libs.common.logging import get_logger
from libs.common.redis_errors import REDIS_ERRORS, describe
from services.gateway.hub.encoded_message import Form
from services.gateway.hub.viewer_sender import ViewerSender
from services.gateway.problems import problem_response
from services.gateway.resources import Resources, Used
from services.gateway.serving.viewer_protocol import CONNECTION, ViewerProtocol

_log = get_logger("viewer")

router = APIRouter()

COUNTED_WITHIN_S: Final = 0.5
"""How long a new viewer waits to be counted before it is let in."""


@router.websocket("/ws/viewer/detection")
async def view_detection(
    websocket: WebSocket,
    used: Used,
    camera_id: Annotated[str | None, Query(description="Camera ID to view")] = None,
    format: Annotated[str, Query(description="`binary` for msgpack")] = "json",
) -> None:
    """Let one viewer in and hand its connection to the hub, which serves it without any task of its own."""
    address = websocket.client.host if websocket.client else None
    refusal = _refusal(camera_id, format, address, used)
    if refusal is not None or camera_id is None:
        await websocket.send_denial_response(refusal or problem_response(422, "camera_id: is missing"))
        return
    used.viewers_by_address.enter(address)
    protocol: ViewerProtocol = websocket.scope["extensions"][CONNECTION]
    sender: ViewerSender | None = None

    def on_gone() -> None:
        used.viewers_by_address.leave(address)
        if sender is not None:
            used.hub.detach(camera_id, sender)

    try:
        with used.hub.expecting(camera_id):
            await _tell_presence(used)
            await websocket.accept()
            form: Form = "binary" if format == "binary" else "json"
            sender = protocol.make_sender(form, used.settings.send_timeout_s, used.metrics)
            used.hub.attach(camera_id, sender)
    except BaseException:  # also where the viewer goes, or the gateway stops, right now
        on_gone()
        raise
    protocol.hand_over(used.settings.keepalive_after_s, on_gone)


@router.websocket("/{path:path}")
async def refuse(websocket: WebSocket, path: str) -> None:
    """Say that there is no other WebSocket; a router by itself would answer 403 without a word."""
    await websocket.send_denial_response(problem_response(404, "there is no WebSocket here"))


def _refusal(camera_id: str | None, format: str, address: str | None, used: Resources) -> JSONResponse | None:
    if camera_id is None:
        return problem_response(422, "camera_id: is missing")
    if not is_camera_id(camera_id):
        return problem_response(422, "camera_id: must be 1 to 64 letters, digits, '_', '.' or '-'")
    if format not in ("json", "binary"):
        return problem_response(422, "format: must be 'json' or 'binary'")
    if (why := used.refuse_viewer(address)) is not None:
        return problem_response(503, why, {"Retry-After": "5"})
    return None


async def _tell_presence(used: Resources) -> None:
    """Count the new viewer everywhere; where Redis is away the next heartbeat does it."""
    try:
        async with asyncio.timeout(COUNTED_WITHIN_S):
            await used.presence.counted()
    except REDIS_ERRORS as error:
        _log.debug("viewer not counted now; with the next heartbeat", error=describe(error))
