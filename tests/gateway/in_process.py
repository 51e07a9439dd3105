"""The gateway's application in the test's own process, on a real Redis as its own user: for routes, not for sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from services.gateway.app import create_app
from services.gateway.settings import GatewaySettings
from tests.support.redis_server import own_access


@asynccontextmanager
async def gateway_in_process(
    redis_url: str, folder: Path, token: str = "", **settings: Any
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that has started.

    Args:
        redis_url: `RedisServer.url`.
        folder: where the password file is put.
        token: what the client shows.
        settings: of the gateway, by field name.
    """
    access = own_access("gateway", redis_url, folder)
    given = {"redis_url": access["REDIS_URL"], "redis_password_file": access.get("REDIS_PASSWORD_FILE"), **settings}
    chosen = GatewaySettings(**given)
    app = create_app(chosen, chosen.load_tokens())
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers) as client:
            yield client
