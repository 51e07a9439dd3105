"""The live viewers' WebSocket: many cameras on one connection; described in AsyncAPI."""

from __future__ import annotations

from typing import Final

from fastapi import WebSocket
from starlette.routing import WebSocketRoute

from libs.common.live_messages import HelloMessage
from services.gateway.live.compact import pack
from services.gateway.live.connection import WATCH_MAX, LiveConnection
from services.gateway.live.session import LiveSession
from services.gateway.problems import problem_response
from services.gateway.resources import resources_of
from services.gateway.serving.viewer_protocol import CONNECTION, ViewerProtocol


async def view_live(websocket: WebSocket) -> None:
    """Let one viewer in and hand its connection to the live hub, which serves it without any task of its own."""
    used = resources_of(websocket)
    address = websocket.client.host if websocket.client else None
    if (why := used.refuse_viewer(address)) is not None:
        await websocket.send_denial_response(problem_response(503, why, {"Retry-After": "5"}))
        return
    used.viewers_by_address.enter(address)
    protocol: ViewerProtocol = websocket.scope["extensions"][CONNECTION]
    viewer = LiveConnection(LiveSession(used.settings.still_picture_every_s), used.live)

    def on_gone() -> None:
        used.viewers_by_address.leave(address)
        used.live.leave(viewer)

    try:
        used.live.enter(viewer)
        await websocket.accept()
        sender = protocol.make_sender("binary", used.settings.send_timeout_s, used.metrics)
        hello = HelloMessage(now_ms=used.clock.now_ms(), watch_max=WATCH_MAX)
        viewer.notice("hello", "", pack(hello.model_dump()))
        viewer.start(sender, protocol.close)
    except BaseException:  # also where the viewer goes, or the gateway stops, right now
        on_gone()
        raise
    protocol.hand_over(used.settings.keepalive_after_s, on_gone, viewer.on_text, must_answer=True)


routes: Final = [WebSocketRoute("/ws/viewer/live", view_live)]
"""Starlette's own: FastAPI's way to a function is longer, which shows where a crowd of viewers comes."""
