"""A mistake of the gateway's own: the client gets an answer like any other, the server gets the exception."""

from __future__ import annotations

import json

import pytest
from starlette.types import Message, Scope

from services.gateway.app import create_app
from services.gateway.security.tokens import TokenSet
from services.gateway.settings import GatewaySettings


async def test_a_fault_is_a_problem_with_the_headers_of_every_answer() -> None:
    app = create_app(GatewaySettings(_env_file=None), TokenSet([]))

    @app.get("/api/fault")
    async def fail() -> None:
        raise ZeroDivisionError("a secret of the inside")

    scope: Scope = {"type": "http", "method": "GET", "path": "/api/fault", "raw_path": b"/api/fault", "scheme": "http",
                    "query_string": b"", "http_version": "1.1", "headers": [(b"host", b"localhost")]}  # fmt: skip
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    with pytest.raises(ZeroDivisionError):
        await app(scope, receive, send)
    assert sent[0]["status"] == 500
    headers = dict(sent[0]["headers"])
    assert headers[b"content-type"] == b"application/problem+json"
    assert headers[b"x-frame-options"] == b"DENY"
    assert headers[b"cache-control"] == b"no-store"
    assert "secret" not in str(sent)
    assert json.loads(sent[1]["body"])["status"] == 500
