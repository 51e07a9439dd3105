"""Clients that ask for something and do not take it hold neither memory nor a connection for long."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pytest

from services.gateway.serving import http_protocol
from tests.gateway.test_uvicorn_contract import serving
from tests.support.waiting import wait_for


class Page:
    """An application that answers with `size` bytes."""

    def __init__(self, size: int) -> None:
        self.size = size

    async def app(self, scope: Any, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        """Answer at once and whole, as routes do."""
        headers = [(b"content-length", str(self.size).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": bytes(self.size)})


async def ask(address: str) -> socket.socket:
    """A client with a small buffer that has asked for a page."""
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.setblocking(False)
    host, _, port = address.partition(":")
    await asyncio.get_running_loop().sock_connect(client, (host, int(port)))
    await asyncio.get_running_loop().sock_sendall(client, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    return client


@pytest.mark.parametrize("size", [100_000, 2_000_000])
async def test_one_that_takes_nothing_of_an_answer_is_dropped(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(http_protocol, "UNSENT_DEADLINE_S", 0.3)
    async with serving(Page(size), send_buffer_bytes=16_384) as (server, address):
        with await ask(address):
            await wait_for(lambda: bool(server.server_state.connections))
            await wait_for(lambda: not server.server_state.connections)


async def test_one_that_takes_an_answer_slowly_gets_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "UNSENT_DEADLINE_S", 0.3)
    size = 500_000
    async with serving(Page(size), send_buffer_bytes=16_384) as (_, address):
        with await ask(address) as client:
            got, started = 0, asyncio.get_running_loop().time()
            while got < size:
                part = await asyncio.get_running_loop().sock_recv(client, 65_536)
                assert part, f"closed after {got} bytes"
                got += len(part)
                await asyncio.sleep(0.01)
            assert asyncio.get_running_loop().time() - started > 3 * http_protocol.UNSENT_DEADLINE_S, "slow enough"
