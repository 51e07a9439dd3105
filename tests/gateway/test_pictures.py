from __future__ import annotations

import asyncio

import aiohttp
import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.messages import RawFrame
from services.ingest.picture_stream import Part, PictureStream, boundary_of
from tests.gateway.test_reference_worker import JPEG, body, post
from tests.support.processes import Gateway


async def test_the_snapshot_is_the_latest_picture(http: aiohttp.ClientSession) -> None:
    async with http.get("/api/cameras/CAM1/snapshot.jpg") as answer:
        assert answer.status == 404
        assert answer.content_type == "application/problem+json"
    await post(http, body())
    async with http.get("/api/cameras/CAM1/snapshot.jpg") as answer:
        assert answer.content_type == "image/jpeg"
        assert await answer.read() == JPEG


async def test_the_plain_snapshot_is_the_newest_raw_frame(http: aiohttp.ClientSession, redis: Redis) -> None:
    async with http.get("/api/cameras/CAM1/snapshot.jpg?picture=plain") as answer:
        assert answer.status == 404
    for number, jpeg in enumerate((JPEG, JPEG + b"newer"), start=1):
        await redis.xadd(keys.frames("CAM1"), RawFrame(number, 1, 8, 8, jpeg).to_fields())  # type: ignore[arg-type]
    async with http.get("/api/cameras/CAM1/snapshot.jpg?picture=plain") as answer:
        assert answer.content_type == "image/jpeg"
        assert await answer.read() == JPEG + b"newer"
    await redis.xadd(keys.frames("CAM1"), {"jpeg": b"<html>"})
    async with http.get("/api/cameras/CAM1/snapshot.jpg?picture=plain") as answer:
        assert answer.status == 404, "no picture is passed on that is none"
    async with http.get("/api/cameras/CAM1/snapshot.jpg?picture=drawn") as answer:
        assert answer.status == 422


@pytest.mark.parametrize("path", ["/", "/cameras", "/cameras/CAM1", "/cameras/CAM1/spaces", "/system"])
async def test_every_page_of_the_dashboard_has_an_address(http: aiohttp.ClientSession, path: str) -> None:
    async with http.get(path) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/html"
        assert answer.headers["Cache-Control"] == "no-cache"


async def test_the_mjpeg_stream_shows_each_picture(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    await post(http, body())
    async with http.get("/api/cameras/CAM1/stream.mjpg") as answer:
        parser = PictureStream(boundary_of(answer.headers["Content-Type"]), 1_000_000)
        for _ in range(3):
            parts: list[Part] = []
            async with asyncio.timeout(5):
                while not parts:
                    parts = parser.feed(await answer.content.readany(), 0)
            assert parts[0].payload == JPEG
            await post(http, body())


@pytest.mark.parametrize("path", ["/" + "a" * 300, "/assets/" + "b" * 4000, "/%00", "/%ff", "/../pyproject.toml"])
async def test_what_is_no_file_of_the_dashboard_is_not_found(gateway: Gateway, path: str) -> None:
    reader, writer = await asyncio.open_connection(*gateway.address.split(":"))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {gateway.address}\r\nConnection: close\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 5)
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert b"application/problem+json" in answer
    assert "Traceback" not in gateway.service.log
    writer.close()


async def test_the_dashboard_or_how_to_build_it_is_at_the_root(http: aiohttp.ClientSession) -> None:
    async with http.get("/") as answer:
        assert answer.status == 200
        assert "Lotcast" in await answer.text()
    async with http.get("/../pyproject.toml") as answer:
        assert answer.status == 404
    async with http.get("/%2e%2e/pyproject.toml") as answer:
        assert answer.status == 404
