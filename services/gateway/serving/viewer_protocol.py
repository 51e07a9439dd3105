"""uvicorn's WebSocket protocol, extended so that the hub writes to a viewer's connection directly.

The application checks the request (camera, rights, limits) and accepts it like any ASGI application. Then it calls
`hand_over` on the protocol, which is in `scope["extensions"]`, and returns. After that the viewer has no task of its
own: the hub writes the pictures, and this class answers `ping`, sends `keepalive`, and closes a live viewer that
never answers it.
`tests/gateway/test_uvicorn_contract.py` checks what we rely on in uvicorn.
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
from websockets.protocol import CONNECTING, OPEN
from websockets.server import ServerProtocol

from services.gateway.hub.encoded_message import Form
from services.gateway.hub.viewer_sender import ViewerSender
from services.gateway.metrics import GatewayMetrics
from services.gateway.serving.raw_problems import PROBLEM_TYPE, problem_answer, problem_body
from services.gateway.serving.short_text import short_text

CONNECTION: Final = "lotcast.connection"
"""The key of the protocol in a scope's `extensions`."""

GOING_AWAY: Final = 1001
INVALID_DATA: Final = 1007
TRY_AGAIN_LATER: Final = 1013
CLOSE_GRACE_S: Final = 5.0
"""How long a viewer that was cut off may still receive the rest of its picture and the close frame."""
CLOSE_GRACE_AT_STOP_S: Final = 1.0
"""The same, when the gateway stops."""

UNSENT_ANSWERS_MAX: Final = 16
"""A viewer that keeps pinging without reading the answers is dropped after this many."""


class _Connection(ServerProtocol):
    """The rules of one WebSocket; a handshake that breaks them gets the same error body as a failed HTTP request."""

    def reject(self, status: http.HTTPStatus | int, text: str) -> Response:
        response = super().reject(status, text)
        response.body = problem_body(response.status_code, response.reason_phrase, " ".join(text.split()))
        for name, value in (("Content-Type", PROBLEM_TYPE), ("Content-Length", str(len(response.body)))):
            del response.headers[name]
            response.headers[name] = value
        return response


class ViewerProtocol(WebSocketsSansIOProtocol):
    """One WebSocket connection."""

    def __init__(self, *args: Any, request_is_read: bool = False, **kwargs: Any) -> None:
        """As uvicorn's; with `request_is_read`, `go_on` follows instead of the bytes of the handshake's request."""
        super().__init__(*args, **kwargs)
        # In place of uvicorn's; without extensions, as the configuration says. Its parser begins where its state says.
        begins = OPEN if request_is_read else CONNECTING
        self.conn = _Connection(max_size=self.config.ws_max_size, logger=self.logger, state=begins)
        self.conn.state = CONNECTING
        self._sender: ViewerSender | None = None
        self._on_gone: Callable[[], None] = lambda: None
        self._on_request: Callable[[str | None], None] = lambda text: None
        self._keepalive_after_s = 0.0
        self._heard_at = 0.0
        self._must_answer = self._is_asked = False
        self._silence_timer: asyncio.TimerHandle | None = None
        self._handed_over = False
        self._unsent_answers = 0
        self._peer: str | None = None

    @property
    def is_viewer(self) -> bool:
        """Whether the application has accepted a viewer on this connection."""
        return self._handed_over

    def go_on(self, transport: asyncio.Transport, request: Request) -> None:
        """Take over a connection whose handshake has been read; in place of `connection_made` and the bytes."""
        self.connection_made(transport)
        self.handle_connect(request)

    # What the application calls

    def make_sender(self, form: Form, deadline_s: float, metrics: GatewayMetrics) -> ViewerSender:
        """Create the sender that writes pictures to this accepted connection."""
        self._sender = ViewerSender(self.transport, form, deadline_s, self._cut_off, metrics)
        return self._sender

    def hand_over(
        self,
        keepalive_after_s: float,
        on_gone: Callable[[], None],
        on_request: Callable[[str | None], None] = lambda text: None,
        *,
        must_answer: bool = False,
    ) -> None:
        """Serve the viewer from here on, until it disconnects; the application may return.

        Args:
            keepalive_after_s: seconds without a message from the viewer after which `keepalive` is sent.
            on_gone: called once, when the connection is lost; immediately if it already is.
            on_request: called with each message except `ping`; with None for a message that is not text.
            must_answer: a viewer that has said nothing by the time that the next `keepalive` is due is closed.
        """
        if self.disconnected:
            on_gone()
            return
        self._handed_over = True
        # The handshake is over and nobody asks for it again; with ten thousand viewers it would be tens of megabytes.
        del self.request, self.response, self.scope
        self._on_gone, self._on_request = on_gone, on_request
        self._keepalive_after_s = keepalive_after_s
        self._must_answer = must_answer
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
            # After a handshake that cannot be parsed, uvicorn neither sends its answer nor closes the connection.
            answer = b"".join(self.conn.data_to_send())
            self.transport.write(answer or problem_answer(400, "Bad Request", "the handshake cannot be read"))
            self.transport.close()

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):  # the handshake is valid; the application's task has not started yet
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
        """Run the application; when it returns, close the connection unless it was handed over."""
        try:
            await self.app(self.scope, self.receive, self.send)
        except ClientDisconnected:
            pass
        except BaseException:
            self.logger.exception("error while a viewer was let in")
            self.send_500_response()
        if not self._handed_over and self.close_timer is None:
            self.transport.close()

    # Internal

    def _on_text(self, text: str | None) -> None:
        self._heard_at = self.loop.time()
        self._is_asked = False
        if text == "ping":
            self._send_text(b"pong")
        else:
            self._on_request(text)

    def _on_silence(self) -> None:
        """Send `keepalive` if the viewer has been silent for long enough, and schedule the next check."""
        silent_s = self.loop.time() - self._heard_at
        if silent_s >= self._keepalive_after_s - 0.001:
            if self._must_answer and self._is_asked:
                # Its page was frozen, or its machine sleeps: the browser's network answers pings for it all the same.
                self.close(TRY_AGAIN_LATER, "nothing was heard for too long")
                self._tell_gone()
                return
            self._send_text(b"keepalive")
            self._heard_at, self._is_asked = self.loop.time(), True
            silent_s = 0.0
        self._silence_timer = self.loop.call_later(self._keepalive_after_s - silent_s, self._on_silence)

    def _send_text(self, text: bytes) -> None:
        if self.close_sent or self.transport.is_closing():
            return
        try:
            self.conn.send_text(text)
        except InvalidState:
            return  # the viewer has sent a close frame, which uvicorn answers
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
        self._tell_gone()  # the connection may stay open for a while, but it no longer counts as a viewer

    def _tell_gone(self) -> None:
        on_gone, self._on_gone = self._on_gone, lambda: None
        on_gone()

    def close(self, code: int, reason: str, grace_s: float = CLOSE_GRACE_S) -> None:
        """Send a close frame; end the connection when the viewer answers, or after `grace_s` seconds."""
        if self._sender is not None:
            self._sender.close()
        self.stop_keepalive()
        if self.close_sent or self.transport.is_closing():
            # One side has closed already, but a transport closes only after it has flushed its buffer.
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
