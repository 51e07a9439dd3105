"""The viewers' WebSocket: the current picture at once, then each as it comes; `ping` and `keepalive` as ever."""

from __future__ import annotations

import asyncio
from typing import Final

from fastapi import WebSocket
from fastapi.responses import JSONResponse
from starlette.routing import WebSocketRoute

from libs.common.cameras import is_camera_id
from libs.common.logging import get_logger
from libs.common.redis_errors import REDIS_ERRORS, describe
from services.gateway.hub.encoded_message import Form
from services.gateway.hub.viewer_sender import ViewerSender
from services.gateway.problems import problem_response
from services.gateway.resources import Resources, resources_of
from services.gateway.serving.viewer_protocol import CONNECTION, ViewerProtocol

_log = get_logger("viewer")

COUNTED_WITHIN_S: Final = 0.5
"""How long a new viewer waits to be counted before it is let in."""


async def view_detection(websocket: WebSocket) -> None:
    """Let one viewer in and hand its connection to the hub, which serves it without any task of its own.

    Its query names the camera, `camera_id`, and may ask for msgpack, `format=binary`.
    """
    used, query = resources_of(websocket), websocket.query_params
    camera_id, format = query.get("camera_id"), query.get("format", "json")
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


async def refuse(websocket: WebSocket) -> None:
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


routes: Final = [WebSocketRoute("/ws/viewer/detection", view_detection), WebSocketRoute("/{path:path}", refuse)]
"""Starlette's, for the reason that `live` gives; the last one takes whatever no other has."""
