"""Refuse a body that is too long, or too slow, before it is read whole."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.problems import error_response

DEADLINE_S: Final = 20.0
"""A body must be there whole this long after its head."""

LINGER_S: Final = 2.0
"""So long the rest of a refused body is thrown away: a connection that is closed with bytes unread is reset, and the
client may lose the answer that tells it why."""

BODY_MAX_BYTES: Final = 2_097_152
"""A thousand spaces of 32 corners are less."""


class BodyLimit:
    """ASGI middleware: 413 for a body that is too long, announced or not; 408 for one that never ends."""

    def __init__(self, app: ASGIApp, by_path: Mapping[str, int]) -> None:
        """Guard `app`.

        Args:
            app: what is guarded.
            by_path: how many bytes a body may have, where that is not `BODY_MAX_BYTES`.
        """
        self._app = app
        self._by_path = by_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, counting its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _Body(receive, send, self._by_path.get(scope["path"], BODY_MAX_BYTES))
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > body.max_bytes:
            answer = error_response(scope["path"], 413, body.too_long(), {"Connection": "close"})
            await answer(scope, receive, body.send)
            return
        await self._app(scope, body.receive, body.send)


class _Body:
    """One request's body as it comes in, and the answer as it goes out."""

    def __init__(self, receive: Receive, send: Send, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._receive = receive
        self._send = send
        self._received = 0
        self._is_whole = False
        self._is_refused = False
        self._deadline = asyncio.get_running_loop().time() + DEADLINE_S

    def too_long(self) -> str:
        """Refuse it; returns what the client is told."""
        self._is_refused = True
        return f"the body is longer than {self.max_bytes} bytes"

    async def receive(self) -> Message:
        """The next part of it.

        Raises:
            HTTPException: 408 or 413; raised where the route reads, and answered like the route's own errors.
        """
        if self._is_whole:
            return await self._receive()  # waits for the client to go
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._receive()
        except TimeoutError:
            raise HTTPException(408, "the body did not come in time", {"Connection": "close"}) from None
        self._take(message)
        if self._received > self.max_bytes:
            raise HTTPException(413, self.too_long(), {"Connection": "close"})
        return message

    async def send(self, message: Message) -> None:
        """A part of the answer; the last one to a body that was refused waits for that body's end."""
        if not self._is_refused or message["type"] != "http.response.body" or message.get("more_body"):
            await self._send(message)
            return
        await self._send({**message, "more_body": True})
        try:
            async with asyncio.timeout(LINGER_S):
                while not self._is_whole:
                    self._take(await self._receive())
        except TimeoutError:
            pass  # it has had its time
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    def _take(self, message: Message) -> None:
        self._received += len(message.get("body", b""))
        self._is_whole = not message.get("more_body", False)
