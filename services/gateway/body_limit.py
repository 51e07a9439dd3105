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
        max_bytes = self._by_path.get(scope["path"], BODY_MAX_BYTES)
        detail = f"the body is longer than {max_bytes} bytes"
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > max_bytes:
            answer = error_response(scope["path"], 413, detail, {"Connection": "close"})
            await answer(scope, receive, send)
            return
        received = 0
        is_whole = False
        deadline = asyncio.get_running_loop().time() + DEADLINE_S

        async def counted_receive() -> Message:
            # What is raised here is raised where the route reads, and answered like the route's own errors.
            nonlocal received, is_whole
            if is_whole:
                return await receive()  # waits for the client to go
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, "the body did not come in time", {"Connection": "close"}) from None
            received += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if received > max_bytes:
                raise HTTPException(413, detail, {"Connection": "close"})
            return message

        await self._app(scope, counted_receive, send)
