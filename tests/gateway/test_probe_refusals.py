"""What the API says of a camera that is not tried: without an ingest, for bad addresses, and to who may not."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from tests.gateway.in_process import gateway_in_process
from tests.gateway.roles import ADMIN, TOKENS, VIEWER, bearer

PROBE = "/api/cameras/probe"


async def test_without_an_ingest_the_answer_comes_at_once(api: httpx.AsyncClient) -> None:
    started = time.monotonic()
    answer = await api.post(PROBE, json={"url": "http://127.0.0.1:9/stream"})
    assert answer.status_code == 200
    found = answer.json()
    assert (found["ok"], found["problem"]) == (False, "no ingest answered in time; is one running?")
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "rtsp://[fe80::1]/x",
        "http://2852039166/",
        "ftp://h/x",
        "file:http://h/x",
    ],
)
async def test_addresses_that_no_camera_has_are_not_tried(api: httpx.AsyncClient, url: str) -> None:
    answer = await api.post(PROBE, json={"url": url})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("url: ")


@pytest.mark.parametrize(
    ("token", "url", "status"),
    [
        (None, "http://127.0.0.1:9/", 401),
        (VIEWER, "http://127.0.0.1:9/", 403),
        (ADMIN, "http://127.0.0.1:9/", 200),
        (ADMIN, "file:///etc/passwd", 422),
    ],
)
async def test_only_an_admin_may_try_cameras(
    redis_url: str, tmp_path: Path, token: str | None, url: str, status: int
) -> None:
    async with gateway_in_process(redis_url, tmp_path, tokens=TOKENS, camera_schemes="http") as client:
        assert (await client.post(PROBE, json={"url": url}, headers=bearer(token))).status_code == status
