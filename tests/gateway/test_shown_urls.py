"""What the API shows of camera URLs: to viewers, to admins, and where an entry in Redis is broken."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.cameras import parse_camera
from tests.common.test_camera_urls import SECRET
from tests.gateway.in_process import gateway_in_process

TOKENS = "admin:admin-0123456789abcdef,viewer:viewer-0123456789abcdef"
URLS = [
    "rtsp://user:hunter2@192.0.2.7:554/main",
    "rtsp://192.0.2.7/user=admin&password=hunter2&channel=1",
    "http://192.0.2.7/x;password=hunter2",
    "http://192.0.2.7/x#password=hunter2",
    "http://192.0.2.7/x?u=admin&p=hunter2",
]


@pytest.mark.parametrize("url", URLS)
async def test_a_password_is_shown_to_nobody_and_kept_by_an_edit(
    redis_url: str, redis: Redis, tmp_path: Path, url: str
) -> None:
    async with gateway_in_process(redis_url, tmp_path, "admin-0123456789abcdef", tokens=TOKENS) as admin:
        assert (await admin.post("/api/cameras", json={"id": "gate", "name": "Gate", "url": url})).status_code == 201
        shown = (await admin.get("/api/cameras/gate")).json()["url"]
        assert SECRET not in shown
        edited = await admin.put("/api/cameras/gate", json={"url": shown, "name": "Other"})
        assert edited.status_code == 200
        stored = parse_camera(await redis.hget(keys.CAMERAS, "gate") or b"")
        assert stored is not None
        assert (stored.url, stored.name) == (url, "Other")
        elsewhere = shown.replace("192.0.2.7", "192.0.2.8")
        refused = await admin.put("/api/cameras/gate", json={"url": elsewhere})
        assert refused.status_code == 422
        assert "***" in refused.json()["detail"]
    async with gateway_in_process(redis_url, tmp_path, "viewer-0123456789abcdef", tokens=TOKENS) as viewer:
        for answer in (await viewer.get("/api/cameras"), await viewer.get("/api/cameras/gate")):
            assert answer.status_code == 200
            for hidden in (SECRET, "user", "admin", "password", "***"):
                assert hidden not in answer.json().get("url", answer.json().get("cameras", [{}])[0].get("url"))


@pytest.mark.parametrize(
    "entry",
    [
        '{"id": "gate", "url": "rtsp://user:hunter2@192.0.2.7/x"}',
        '{"id": "gate", "name": "Gate", "url": "rtsp://user:hunter2@192.0.2.7/x"',
        '{"id": "gate", "name": "Gate", "url": "ftp://user:hunter2@192.0.2.7/x"}',
        '{"id": "gate", "name": "Gate", "url": "rtsp://user:hunter2@192.0.2.7/x", "fps": "rtsp://u:hunter2@h"}',
        '{"id": "gate", "name": ["hunter2"], "url": "rtsp://user:pa/hunter2@192.0.2.7/x"}',
        '"rtsp://user:hunter2@192.0.2.7/x"',
    ],
)
async def test_a_broken_entry_shows_nothing_of_its_url(api: httpx.AsyncClient, redis: Redis, entry: str) -> None:
    await redis.hset(keys.CAMERAS, "gate", entry)
    answer = await api.get("/api/cameras")
    (camera,) = answer.json()["cameras"]
    assert (camera["status"]["state"], camera["url"]) == ("error", None)
    assert SECRET not in answer.text
