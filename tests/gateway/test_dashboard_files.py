"""The dashboard's files over real HTTP: compressed where that is worth it, cached as their names allow."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from services.gateway.compression import accepts_gzip
from tests.support.processes import running_gateway

SCRIPT = b"console.log('a script of the dashboard');\n" * 5_000
PICTURE = bytes(range(256)) * 40


@pytest.fixture
async def http(redis_url: str, tmp_path: Path) -> AsyncIterator[aiohttp.ClientSession]:
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_bytes(b"<!doctype html>" + b"<p>page</p>" * 200)
    (dist / "assets/index-abc123.js").write_bytes(SCRIPT)
    (dist / "assets/logo-abc123.png").write_bytes(PICTURE)
    with running_gateway(redis_url, tmp_path, GATEWAY_DASHBOARD_DIR=str(dist)) as gateway:
        async with aiohttp.ClientSession(gateway.url, auto_decompress=False) as session:
            yield session


async def test_a_script_is_compressed_and_kept_for_ever(http: aiohttp.ClientSession) -> None:
    async with http.get("/assets/index-abc123.js", headers={"Accept-Encoding": "gzip, br"}) as answer:
        body = await answer.read()
        assert answer.headers["Content-Encoding"] == "gzip"
        assert "javascript" in answer.headers["Content-Type"]
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert "immutable" in answer.headers["Cache-Control"]
        assert int(answer.headers["Content-Length"]) == len(body) < len(SCRIPT) / 10
        assert gzip.decompress(body) == SCRIPT
    known = {"Accept-Encoding": "gzip", "If-None-Match": answer.headers["ETag"]}
    async with http.get("/assets/index-abc123.js", headers=known) as again:
        assert (again.status, await again.read()) == (304, b"")


async def test_whoever_takes_no_gzip_gets_the_file_itself(http: aiohttp.ClientSession) -> None:
    async with http.get("/assets/index-abc123.js", headers={"Accept-Encoding": "identity"}) as answer:
        assert "Content-Encoding" not in answer.headers
        assert await answer.read() == SCRIPT
    part = {"Accept-Encoding": "gzip", "Range": "bytes=0-6"}
    async with http.get("/assets/index-abc123.js", headers=part) as answer:
        assert (answer.status, await answer.read()) == (206, SCRIPT[:7])


async def test_the_page_is_asked_for_each_time(http: aiohttp.ClientSession) -> None:
    async with http.get("/", headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["Cache-Control"] == "no-cache"
        assert answer.headers["Content-Encoding"] == "gzip"
        assert gzip.decompress(await answer.read()).startswith(b"<!doctype html>")
    async with http.head("/", headers={"Accept-Encoding": "gzip"}) as answer:
        assert (answer.status, await answer.read()) == (200, b"")


async def test_pictures_and_answers_of_the_api_are_left_alone(http: aiohttp.ClientSession) -> None:
    for path in ("/assets/logo-abc123.png", "/api/cameras", "/metrics"):
        async with http.get(path, headers={"Accept-Encoding": "gzip"}) as answer:
            assert answer.status == 200
            assert "Content-Encoding" not in answer.headers, path


@pytest.mark.parametrize(
    ("header", "takes"),
    [("gzip", True), ("br, GZIP;q=0.5", True), ("*", True), ("", False), ("gzip;q=0", False), ("br", False),
     ("gzip;q=0, *", False), ("gzip;q=x", False)],
)  # fmt: skip
def test_accept_encoding(header: str, takes: bool) -> None:
    assert accepts_gzip(header) is takes
