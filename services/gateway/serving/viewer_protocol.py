"""uvicorn's WebSocket protocol, which hands a viewer's connection over to the hub once the application has let it in.

The application decides (camera, rights, limits) and accepts as any ASGI application does; then it calls `hand_over` on
the protocol, which it finds in `scope["extensions"]`, and ends. From then on no task belongs to the viewer: pictures
are written by the hub, `ping` is answered and `keepalive` sent here. What is relied on of uvicorn stands in
`tests/gateway/test_uvicorn_contract.py`.
"""

from __future__ import annotations

import asyncio
import http
from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.http11 import Request, Response
from websockets.server import ServerProtocol

from services.gateway.hub.encoded_message import Form
from services.gateway.hub.viewer_sender import ViewerSender
from services.gateway.metrics import GatewayMetrics
from services.gateway.serving.raw_problems import PROBLEM_TYPE, problem_answer, problem_body
from services.gateway.serving.short_text import short_text

CONNECTION: Final = "lotcast.connection"
"""Where a scope's `extensions` hold the protocol."""

GOING_AWAY: Final = 1001
INVALID_DATA: Final = 1007
TRY_AGAIN_LATER: Final = 1013
CLOSE_GRACE_S: Final = 5.0
"""A viewer that was cut off may still take the rest of its picture and the close frame for this long."""
CLOSE_GRACE_AT_STOP_S: Final = 1.0
"""The same when the gateway stops."""

UNSENT_ANSWERS_MAX: Final = 16
"""A viewer that goes on pinging and takes no answer is dropped."""


class _Connection(ServerProtocol):
    """The rules of one WebSocket; a handshake that breaks them is answered in the form that our routes' errors have."""

    def reject(self, status: http.HTTPStatus | int, text: str) -> Response:
        response = super().reject(status, text)
        response.body = problem_body(response.status_code, response.reason_phrase, " ".join(text.split()))
        for name, value in (("Content-Type", PROBLEM_TYPE), ("Content-Length", str(len(response.body)))):
            del response.headers[name]
            response.headers[name] = value
        return response


class ViewerProtocol(WebSocketsSansIOProtocol):
    """One WebSocket connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # In place of uvicorn's; without extensions, as the configuration says.
        self.conn = _Connection(max_size=self.config.ws_max_size, logger=self.logger)
        self._sender: ViewerSender | None = None
        self._on_gone: Callable[[], None] = lambda: None
        self._on_request: Callable[[str | None], None] = lambda text: None
        self._keepalive_after_s = 0.0
        self._heard_at = 0.0
        self._silence_timer: asyncio.TimerHandle | None = None
        self._handed_over = False
        self._unsent_answers = 0
        self._peer: str | None = None

    @property
    def is_viewer(self) -> bool:
        """Whether the application has let a viewer in here."""
        return self._handed_over

    # What the application calls

    def make_sender(self, form: Form, deadline_s: float, metrics: GatewayMetrics) -> ViewerSender:
        """Let pictures be written to this connection, which has been accepted."""
        self._sender = ViewerSender(self.transport, form, deadline_s, self._cut_off, metrics)
        return self._sender

    def hand_over(
        self,
        keepalive_after_s: float,
        on_gone: Callable[[], None],
        on_request: Callable[[str | None], None] = lambda text: None,
    ) -> None:
        """The application is done; serve the viewer until it goes.

        Args:
            keepalive_after_s: `keepalive` is sent after this much silence of the viewer.
            on_gone: called once when the connection is lost; at once if it is lost already.
            on_request: gets each message of the viewer but `ping`; None for one that is not text.
        """
        if self.disconnected:
            on_gone()
            return
        self._handed_over = True
        # The handshake is over and nobody asks for it again; with ten thousand viewers it would be tens of megabytes.
        del self.request, self.response, self.scope
        self._on_gone, self._on_request = on_gone, on_request
        self._keepalive_after_s = keepalive_after_s
        self._heard_at = self.loop.time()
        self._silence_timer = self.loop.call_later(keepalive_after_s, self._on_silence)
        while not self.queue.empty():
            message = self.queue.get_nowait()
            if message["type"] == "websocket.receive":
                self._on_text(message.get("text"))
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()

    # What uvicorn and the event loop call

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._peer = self.client[0] if self.client else None
        self.config.connections.enter(self._peer)  # type: ignore[attr-defined] # GatewayConfig

    def data_received(self, data: bytes) -> None:
        if self._handed_over and (text := short_text(self.conn, data)) is not None:
            self._on_text(text)
            return
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.transport.is_closing():
            # A handshake that cannot be read: uvicorn waits on, for ever, and leaves its answer lying.
            answer = b"".join(self.conn.data_to_send())
            self.transport.write(answer or problem_answer(400, "Bad Request", "the handshake cannot be read"))
            self.transport.close()

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # the handshake was in order; the application's task has not begun yet
            self.scope["extensions"][CONNECTION] = self  # type: ignore[assignment] # uvicorn knows dicts only

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.config.connections.leave(self._peer)  # type: ignore[attr-defined]
        if self._silence_timer is not None:
            self._silence_timer.cancel()
        if self._sender is not None:
            self._sender.close()
        self._tell_gone()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._sender is not None:
            self._sender.paused()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._unsent_answers = 0
        if self._sender is not None:
            self._sender.drained()

    def handle_ping(self) -> None:
        super().handle_ping()
        self._count_answer()

    def send_receive_event_to_app(self) -> None:
        if not self._handed_over:
            super().send_receive_event_to_app()
            return
        data = b"".join(self.frames)
        self.frames = []
        if self.curr_msg_data_type != "text":
            self._on_text(None)
            return
        try:
            self._on_text(data.decode())
        except UnicodeDecodeError:
            self.close(INVALID_DATA, "not UTF-8")

    def shutdown(self) -> None:
        if not self._handed_over or self.close_sent:
            super().shutdown()
            return
        self.close(GOING_AWAY, "the gateway stops", CLOSE_GRACE_AT_STOP_S)

    async def run_asgi(self) -> None:
        """Run the application; its end is the connection's end only where it did not hand it over."""
        try:
            await self.app(self.scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except BaseException:
            self.logger.exception("error while a viewer was let in")
            self.send_500_response()
        if not self._handed_over and self.close_timer is None:
            self.transport.close()

    # Its own

    def _on_text(self, text: str | None) -> None:
        self._heard_at = self.loop.time()
        if text == "ping":
            self._send_text(b"pong")
        else:
            self._on_request(text)

    def _on_silence(self) -> None:
        """Send `keepalive` if the viewer has been silent long enough, and look again when it may be."""
        silent_s = self.loop.time() - self._heard_at
        if silent_s >= self._keepalive_after_s - 0.001:
            self._send_text(b"keepalive")
            self._heard_at = self.loop.time()
            silent_s = 0.0
        self._silence_timer = self.loop.call_later(self._keepalive_after_s - silent_s, self._on_silence)

    def _send_text(self, text: bytes) -> None:
        if self.close_sent or self.transport.is_closing():
            return
        try:
            self.conn.send_text(text)
        except InvalidState:
            return  # the viewer has sent a close frame; uvicorn answers it
        self.transport.write(b"".join(self.conn.data_to_send()))
        self._count_answer()

    def _count_answer(self) -> None:
        if self.writable.is_set():
            return
        self._unsent_answers += 1
        if self._unsent_answers > UNSENT_ANSWERS_MAX:
            self.transport.abort()

    def _cut_off(self) -> None:
        self.logger.info("a viewer cannot take pictures in time; cut off")
        self.close(TRY_AGAIN_LATER, "too slow")
        self._tell_gone()  # its connection may last a while, but it is no viewer any more

    def _tell_gone(self) -> None:
        on_gone, self._on_gone = self._on_gone, lambda: None
        on_gone()

    def close(self, code: int, reason: str, grace_s: float = CLOSE_GRACE_S) -> None:
        """Send a close frame and end the connection, after `grace_s` seconds also without the viewer's answer."""
        if self._sender is not None:
            self._sender.close()
        self.stop_keepalive()
        if self.close_sent or self.transport.is_closing():
            # One end has closed already, but a transport closes only when it is rid of what it holds.
            self.transport.abort()
            return
        try:
            self.conn.send_close(code, reason)
        except InvalidState:
            self.transport.abort()
            return
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.close_timer = self.loop.call_later(grace_s, self.transport.abort)
