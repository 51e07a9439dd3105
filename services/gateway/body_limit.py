"""Refuse a body that is too long before it is read whole."""

from __future__ import annotations

from typing import Final

from fastapi import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_TOO_LARGE: Final = 413


class BodyLimit:
    """ASGI middleware that answers 413 to a request whose body is longer than `max_bytes`, announced or not."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._detail = f"the body is longer than {max_bytes} bytes"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, counting its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"")
        if announced.isdigit() and int(announced) > self._max_bytes:
            await self._refuse(scope, receive, send)
            return
        received = 0

        async def counted_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise HTTPException(_TOO_LARGE, self._detail)  # raised where the route reads; answered like its own
            return message

        await self._app(scope, counted_receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = {
            "title": "Too large",
            "status": _TOO_LARGE,
            "detail": f"the body is longer than {self._max_bytes} bytes",
        }
        await JSONResponse(body, _TOO_LARGE, {"Connection": "close"})(scope, receive, send)
