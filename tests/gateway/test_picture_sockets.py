"""Pictures over a real connection: the endless answer, and paths that no client would send."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from services.ingest.picture_stream import Part, PictureStream, boundary_of
from tests.gateway.test_reference_worker import JPEG, body, post
from tests.support.processes import Gateway
from tests.support.waiting import PATIENCE_S


async def test_dots_lead_out_of_no_folder(gateway: Gateway) -> None:
    for path in ("/../pyproject.toml", "/%2e%2e/pyproject.toml"):
        reader, writer = await asyncio.open_connection(*gateway.address.split(":"))
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {gateway.address}\r\nConnection: close\r\n\r\n".encode())
        assert (await asyncio.wait_for(reader.read(), PATIENCE_S)).startswith(b"HTTP/1.1 404 "), path
        writer.close()


async def test_the_mjpeg_stream_shows_each_picture(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    await post(http, body())
    async with http.get("/api/cameras/CAM1/stream.mjpg") as answer:
        parser = PictureStream(boundary_of(answer.headers["Content-Type"]), 1_000_000)
        for _ in range(3):
            parts: list[Part] = []
            async with asyncio.timeout(PATIENCE_S):
                while not parts:
                    parts = parser.feed(await answer.content.readany(), 0)
            assert parts[0].payload == JPEG
            await post(http, body())


@pytest.mark.parametrize("path", ["/" + "a" * 300, "/assets/" + "b" * 4000, "/%00", "/%ff", "/../pyproject.toml"])
async def test_what_is_no_file_of_the_dashboard_is_not_found(gateway: Gateway, path: str) -> None:
    reader, writer = await asyncio.open_connection(*gateway.address.split(":"))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {gateway.address}\r\nConnection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), PATIENCE_S)
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"application/problem+json" in answer
    assert "Traceback" not in gateway.service.log
    writer.close()
