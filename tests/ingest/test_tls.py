"""Each way in which TLS with a camera fails is a sentence of its own that says what to do."""

from __future__ import annotations

import asyncio
import socket
import ssl
import warnings
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import pytest
import trustme

from libs.common.cameras import Camera
from libs.common.errors import SourceError
from services.ingest.pacing import FramePacer
from services.ingest.settings import IngestSettings
from services.ingest.sources import http_connection
from services.ingest.sources.http import read_http
from services.ingest.sources.tls import tls_context
from tests.support.cameras import multipart_camera, serving
from tests.support.pictures import make_jpeg

QUICK = IngestSettings(stall_after_s=1, connect_timeout_s=1)
JPEG = make_jpeg()
NOW = datetime.now(UTC)


def server_context(ca: trustme.CA, name: str = "127.0.0.1", not_after: datetime | None = None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(name, not_after=not_after).configure_cert(context)
    return context


def old_context(ca: trustme.CA) -> ssl.SSLContext:
    """Of a camera that speaks TLS 1.0 only."""
    context = server_context(ca)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    return context


async def problem_of(url: str) -> str:
    with pytest.raises(SourceError) as caught:
        await anext(read_http(Camera(id="C", name="C", url=url), QUICK, FramePacer(60)))
    return str(caught.value)


async def picture_of(url: str) -> bytes:
    async with aclosing(read_http(Camera(id="C", name="C", url=url), QUICK, FramePacer(60))) as frames:
        return (await anext(frames)).jpeg


@pytest.fixture
def ca(monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """An authority that ingest trusts."""
    ca = trustme.CA()
    trusting = ssl.create_default_context()
    ca.configure_trust(trusting)
    real = tls_context
    monkeypatch.setattr(
        http_connection, "tls_context", lambda *, insecure: real(insecure=True) if insecure else trusting
    )
    return ca


async def test_https_to_a_port_without_tls() -> None:
    async def answer_anything(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(answer_anything, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        problem = await problem_of(f"https://127.0.0.1:{port}/stream")
        assert "speaks no TLS at this port: write http:// instead of https://" in problem


async def test_http_to_a_tls_port(ca: trustme.CA) -> None:
    async with serving(multipart_camera([JPEG]), server_context(ca)) as url:
        assert "https://" in await problem_of(url.replace("https:", "http:") + "/stream")


@pytest.mark.parametrize("kind", ["expired", "other name"])
async def test_a_certificate_that_is_not_right_says_why_and_is_taken_with_insecure(ca: trustme.CA, kind: str) -> None:
    context, sentence = {
        "expired": (server_context(ca, not_after=NOW - timedelta(days=1)), "certificate has expired: renew it"),
        "other name": (server_context(ca, "camera.example"), "for another name than the URL's: write that name"),
    }[kind]
    async with serving(multipart_camera([JPEG]), context) as url:
        problem = await problem_of(f"{url}/stream")
        assert sentence in problem
        assert "#insecure" in problem
        assert await picture_of(f"{url}/stream#insecure") == JPEG


async def test_a_camera_with_tls_1_0_only_says_so_and_is_read_with_insecure(ca: trustme.CA) -> None:
    context = old_context(ca)
    # asyncio's own server closes without the alert that a camera sends.
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def refuse() -> None:
            connection, _ = listening.accept()
            with connection, pytest.raises(ssl.SSLError):
                context.wrap_socket(connection, server_side=True)

        refusing = asyncio.create_task(asyncio.to_thread(refuse))
        problem = await problem_of(f"https://127.0.0.1:{listening.getsockname()[1]}/stream")
        await refusing
    assert "speaks only old TLS" in problem
    assert "#insecure" in problem
    async with serving(multipart_camera([JPEG]), context) as url:
        assert await picture_of(f"{url}/stream#insecure") == JPEG
