"""One live viewer's connection: its requests in, its session's bytes out, no faster than it takes them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from pydantic import ValidationError

from libs.common.live_messages import VIEWER_REQUEST, Acknowledge, ErrorMessage, PictureKind, Watch
from services.gateway.hub.viewer_sender import ViewerSender
from services.gateway.live.compact import LiveFrame, pack
from services.gateway.live.session import LiveSession

WATCH_MAX = 128
"""Cameras that one connection may watch."""
_ACKNOWLEDGEMENTS: Final = frozenset({'{"op":"ack"}', '{"op": "ack"}'})
"""As nearly every viewer writes it, which need not be parsed."""


class Watchers(Protocol):
    """Where a connection says which cameras it wants; `services.gateway.live.hub` is one."""

    def watch(self, viewer: LiveConnection, camera_id: str, kind: PictureKind) -> None:
        """Send the camera's frames from now on."""

    def unwatch(self, viewer: LiveConnection, camera_id: str, kind: PictureKind) -> None:
        """Send none any more."""


class LiveConnection:
    """Connects a session with a socket; used on the event loop only.

    Attributes:
        session: what is watched and owed; its times are the loop's.
    """

    def __init__(self, session: LiveSession, watchers: Watchers) -> None:
        self.session = session
        self._watchers = watchers
        self._sender: ViewerSender | None = None
        self._close: Callable[[int, str], None] = lambda code, reason: None
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    def start(self, sender: ViewerSender, close: Callable[[int, str], None]) -> None:
        """Begin to write.

        Args:
            sender: writes to the socket, and calls `pump` when it can take more.
            close: ends the connection with a WebSocket close code and a reason.
        """
        self._sender, self._close = sender, close
        sender.on_ready = self.pump
        sender.start()
        self.pump()

    def stop(self) -> None:
        """The connection is gone."""
        for camera_id in list(self.session.cameras):
            self._unwatch(camera_id)
        if self._timer is not None:
            self._timer.cancel()
        if self._sender is not None:
            self._sender.close()

    def close(self, code: int, reason: str) -> None:
        """End the connection; `stop` follows."""
        self._close(code, reason)

    def on_text(self, text: str | None) -> None:
        """A message of the viewer: one request in JSON. What it may not ask for is answered with an `error`."""
        if text in _ACKNOWLEDGEMENTS:
            self._acknowledge()
            return
        try:
            request = VIEWER_REQUEST.validate_json(text or "")
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(step) for step in first["loc"][1:]) or "request"
            self._refuse(None, None, f"{where}: {first['msg'].removeprefix('Value error, ')}")
            return
        if isinstance(request, Acknowledge):
            self._acknowledge()
        elif isinstance(request, Watch):
            self._watch(request)
        else:
            self._unwatch(request.camera_id)

    def offer(self, camera_id: str, frame: LiveFrame) -> None:
        """A frame of a watched camera has come."""
        now_s = self._loop.time()
        self.session.offer(camera_id, frame, now_s)
        self._pump(now_s)

    def notice(self, kind: str, camera_id: str, wire: bytes) -> None:
        """Tell the viewer something without a picture."""
        self.session.notice(kind, camera_id, wire)
        self.pump()

    def pump(self) -> None:
        """Write what is due, as long as the socket takes it; come back when something else will be due."""
        self._pump(self._loop.time())

    def _pump(self, now_s: float) -> None:
        sender, session = self._sender, self.session
        if sender is None:
            return
        while not sender.busy and not sender.closed and (wire := session.take(now_s)) is not None:
            sender.offer(wire)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if session.has_limits and not sender.busy and not sender.closed:
            due_s = session.next_due_s(now_s)
            if due_s is not None:
                self._timer = self._loop.call_at(due_s, self.pump)

    def _acknowledge(self) -> None:
        self.session.acknowledge()
        self.pump()

    def _watch(self, request: Watch) -> None:
        before = self.session.cameras.get(request.camera_id)
        if before is None and len(self.session.cameras) >= WATCH_MAX:
            self._refuse("watch", request.camera_id, f"this connection watches {WATCH_MAX} cameras already")
            return
        if before is not None:
            self._watchers.unwatch(self, request.camera_id, before.kind)
        self.session.watch(request.camera_id, request.picture, request.fps)
        self._watchers.watch(self, request.camera_id, request.picture)

    def _unwatch(self, camera_id: str) -> None:
        watched = self.session.unwatch(camera_id)
        if watched is not None:
            self._watchers.unwatch(self, camera_id, watched.kind)

    def _refuse(self, op: str | None, camera_id: str | None, detail: str) -> None:
        message = ErrorMessage(op=op, camera_id=camera_id, detail=detail)
        self.notice("error", camera_id or "", pack(message.model_dump()))
