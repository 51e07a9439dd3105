"""Trying a camera through the API, with a real ingest and real cameras."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from redis.asyncio import Redis

from libs.common import keys
from tests.support.cameras import answering, multipart_camera, serving
from tests.support.pictures import make_jpeg
from tests.support.processes import running
from tests.support.waiting import wait_for

JPEG = make_jpeg(160, 120)
VIEWER, ADMIN = "viewer-0123456789abcdef", "admin-0123456789abcdef"
PROBE = "/api/cameras/probe"


@pytest.fixture
async def with_ingest(redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[None]:
    """An ingest beside the gateway, with short deadlines."""
    environment = {"REDIS_URL": redis_url, "INGEST_STALL_AFTER_S": "1", "INGEST_CONNECT_TIMEOUT_S": "1"}
    with running("services.ingest", environment, tmp_path / "ingest.log"):
        await wait_for(lambda: redis.exists(keys.PROBE_WORKER))
        yield


async def ask(http: aiohttp.ClientSession, **body: str) -> dict[str, Any]:
    async with http.post(PROBE, json=body) as answer:
        assert answer.status == 200, await answer.text()
        found: dict[str, Any] = await answer.json()
        return found


@pytest.mark.usefixtures("with_ingest")
async def test_a_camera_is_described_and_shown(http: aiohttp.ClientSession) -> None:
    async with serving(multipart_camera([JPEG], interval_s=0.05)) as url:
        found = await ask(http, url=f"{url}/stream")
    assert (found["ok"], found["problem"], found["kind"]) == (True, "", "MJPEG stream over HTTP")
    assert (found["width"], found["height"], found["frame_bytes"]) == (160, 120, len(JPEG))
    assert found["fps"] == pytest.approx(20, rel=0.25)
    kind, _, picture = found["picture"].partition(",")
    assert (kind, base64.b64decode(picture)) == ("data:image/jpeg;base64", JPEG)


@pytest.mark.usefixtures("with_ingest")
async def test_what_does_not_work_says_why(http: aiohttp.ClientSession) -> None:
    async with serving(answering("HTTP/1.1 401 No\nContent-Length: 0")) as url:
        found = await ask(http, url=f"{url.replace('//', '//user:secret@')}/stream")
    assert (found["ok"], found["picture"]) == (False, None)
    assert found["problem"] == "camera answered 401: check user name and password"
    assert "cannot be reached" in (await ask(http, url="rtsp://127.0.0.1:9/main"))["problem"]


@pytest.mark.usefixtures("with_ingest")
async def test_the_password_of_a_registered_camera_is_known(http: aiohttp.ClientSession) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.headers.get("Authorization") != f"Basic {base64.b64encode(b'user:secret').decode()}":
            return web.Response(status=401)
        return web.Response(body=JPEG, content_type="image/jpeg")

    app = web.Application()
    app.router.add_get("/capture", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host = f"127.0.0.1:{runner.addresses[0][1]}"
        camera = {"id": "gate", "name": "Gate", "url": f"http://user:secret@{host}/capture", "enabled": False}
        async with http.post("/api/cameras", json=camera) as added:
            shown = (await added.json())["url"]
        assert "secret" not in shown
        assert (await ask(http, url=shown, camera_id="gate"))["ok"]
        for unknown in ({"url": shown}, {"url": shown, "camera_id": "other"}):
            async with http.post("/api/cameras/probe", json=unknown) as refused:
                assert refused.status == 422
                assert "write it out" in (await refused.json())["detail"]
    finally:
        await runner.cleanup()
