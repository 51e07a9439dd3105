"""uvicorn's HTTP protocol with limits that apply before a request reaches the application."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from services.gateway.hub.encoded_message import Form
from services.gateway.hub.unsent import unsent_bytes
from services.gateway.hub.viewer_sender import ViewerSender
from services.gateway.metrics import GatewayMetrics
from services.gateway.serving.handshake import read_request
from services.gateway.serving.raw_problems import problem_answer
from services.gateway.serving.viewer_protocol import CLOSE_GRACE_AT_STOP_S, CONNECTION, ViewerProtocol

HEAD_DEADLINE_S: Final = 10.0
"""A request's head must be complete this long after its first byte, or after the connection was made."""

UNSENT_DEADLINE_S: Final = 10.0
"""A client that reads no byte of an answer for this long is dropped, at the latest after twice as long."""

LAST_CHUNK: Final = b"0\r\n\r\n"


class _HeadTooLong(Exception):
    """Raised in a parser callback to stop parsing."""


class GatewayHttpProtocol(HttpToolsProtocol):
    """One HTTP connection."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sender: ViewerSender | None = None
        self._counted: str | None = None
        self._is_counted = False
        self._reading_head = True
        self._head_bytes = 0
        self._head_received = 0
        self._head_timer: asyncio.TimerHandle | None = None
        self._answers = 0
        self._unsent_timer: asyncio.TimerHandle | None = None

    @property
    def is_viewer(self) -> bool:
        """Whether this connection carries a stream of pictures."""
        return self._sender is not None

    def make_sender(self, form: Form, deadline_s: float, metrics: GatewayMetrics) -> ViewerSender:
        """Create the sender that writes pictures to this connection; its chunked response has already started."""
        self._sender = ViewerSender(self.transport, form, deadline_s, self.transport.abort, metrics)
        return self._sender

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._counted = self.client[0] if self.client else None
        self._is_counted = self.config.connections.enter(self._counted)  # type: ignore[attr-defined] # GatewayConfig
        if not self._is_counted:
            transport.write(
                problem_answer(503, "Service Unavailable", "too many connections from your address", "retry-after: 5")
            )
            transport.close()
            return
        self._start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._leave()
        self._stop_unsent_timer()
        if self._sender is not None:
            self._sender.close()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._reading_head:
            if self._head_timer is None:
                self._start_head_timer()
            self._head_received += len(data)
        super().data_received(data)
        # The callbacks see complete headers only; a header that never ends is noticed by the bytes received.
        if self._reading_head and self._head_received > self._head_max and not self.transport.is_closing():
            self._head_bytes = self._head_received
            self.send_400_response("")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._reading_head = True
        self._head_bytes = 0
        self.scope["extensions"] = {CONNECTION: self}  # type: ignore[dict-item] # uvicorn knows dicts only

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._count_head(len(name) + len(value) + 4)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._reading_head = False
        self._stop_head_timer()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._reading_head = True
        self._head_received = 0

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._answers += 1
        self._watch_unsent()

    def handle_websocket_upgrade(self) -> None:
        self._stop_unsent_timer()
        self._leave()  # from here on the WebSocket protocol counts the connection
        request = read_request(self.parser.get_method(), self.parser.get_http_version(), self.url, self.headers)
        if request is None:
            super().handle_websocket_upgrade()
            return
        self.connections.discard(self)
        viewer = ViewerProtocol(self.config, self.server_state, self.app_state, request_is_read=True)
        viewer.go_on(self.transport, request)
        self.transport.set_protocol(viewer)

    def send_400_response(self, msg: str) -> None:
        """Answer a request that cannot be parsed, or whose head is too long."""
        self._stop_head_timer()
        if self._head_bytes > self._head_max:
            text = f"the request's head is longer than {self._head_max} bytes"
            self.transport.write(problem_answer(431, "Request Header Fields Too Large", text))
        else:
            self.transport.write(problem_answer(400, "Bad Request", msg))
        self.transport.close()

    def shutdown(self) -> None:
        """Stop with the gateway: a stream of pictures ends after the picture that is being sent."""
        if self._sender is None:
            super().shutdown()
        elif not self.transport.is_closing():
            self._sender.close()
            self.transport.write(LAST_CHUNK)
            self.transport.close()
            self.loop.call_later(CLOSE_GRACE_AT_STOP_S, self.transport.abort)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._sender is not None:
            self._sender.paused()
        else:
            self._watch_unsent()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._stop_unsent_timer()
        if self._sender is not None:
            self._sender.drained()
        else:
            self._watch_unsent()  # the buffer is below the low-water mark, but not empty

    @property
    def _head_max(self) -> int:
        limit: int = self.config.head_max_bytes  # type: ignore[attr-defined]
        return limit

    def _count_head(self, byte_count: int) -> None:
        self._head_bytes += byte_count
        if self._head_bytes > self._head_max:
            raise _HeadTooLong

    def _leave(self) -> None:
        self._stop_head_timer()
        if self._is_counted:
            self._is_counted = False
            self.config.connections.leave(self._counted)  # type: ignore[attr-defined]

    def _start_head_timer(self) -> None:
        self._head_timer = self.loop.call_later(HEAD_DEADLINE_S, self._on_head_late)

    def _stop_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _on_head_late(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.close()

    def _watch_unsent(self) -> None:
        """Check later whether the client reads its answer; without that, even a close would wait for it forever."""
        if self.transport.get_write_buffer_size() and self._unsent_timer is None:
            before = self._unsent_bytes(), self._answers
            self._unsent_timer = self.loop.call_later(UNSENT_DEADLINE_S, self._check_unsent, *before)

    def _check_unsent(self, held_before_bytes: int, answers_before: int) -> None:
        self._unsent_timer = None
        if self._unsent_bytes() >= held_before_bytes and self._answers == answers_before:
            self.transport.abort()
        else:
            self._watch_unsent()

    def _unsent_bytes(self) -> int:
        sock = self.transport.get_extra_info("socket")
        return unsent_bytes(self.transport, -1 if sock is None else sock.fileno())

    def _stop_unsent_timer(self) -> None:
        if self._unsent_timer is not None:
            self._unsent_timer.cancel()
            self._unsent_timer = None
