"""Who does not belong stays out: each route of a gateway with tokens, and of one without."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.gateway.in_process import gateway_in_process
from tests.gateway.roles import ADMIN, ALLOWED, KIOSK, TOKENS, UNKNOWN, VIEWER, WORKER, bearer
from tests.gateway.test_cameras_api import GATE
from tests.gateway.test_reference_worker import body

POST = "/api/broadcast-detection"
OWN = {"Origin": "http://127.0.0.1"}


@pytest.fixture
async def closed(redis_url: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client, without a token, of a gateway with one for each role."""
    async with gateway_in_process(redis_url, tmp_path, tokens=TOKENS, allowed_origins=ALLOWED) as client:
        yield client


async def status_of(client: httpx.AsyncClient, method: str, path: str, **request: Any) -> int:
    return (await client.request(method, path, **request)).status_code


@pytest.mark.parametrize(
    ("token", "watch", "post", "change"),
    [(None, 401, 401, 401), (UNKNOWN, 401, 401, 401), (VIEWER, 200, 403, 403), (KIOSK, 200, 403, 403),
     (WORKER, 403, 200, 403), (ADMIN, 200, 200, 201)],
)  # fmt: skip
async def test_each_role_may_do_its_own(
    closed: httpx.AsyncClient, token: str | None, watch: int, post: int, change: int
) -> None:
    headers = bearer(token)
    assert await status_of(closed, "GET", "/api/cameras", headers=headers) == watch
    assert await status_of(closed, "GET", "/metrics", headers=headers) == (403 if token == KIOSK else watch)
    system = {None: 401, UNKNOWN: 401, ADMIN: 200}.get(token, 403)
    assert await status_of(closed, "GET", "/api/system", headers=headers) == system
    assert await status_of(closed, "POST", POST, json=body(), headers=headers) == post
    assert await status_of(closed, "POST", "/api/cameras", json=GATE, headers=headers) == change
    for path in ("/", "/healthz", "/readyz", "/login", "/openapi.json"):
        assert await status_of(closed, "GET", path) == 200, path


async def test_refusals_have_the_right_form(closed: httpx.AsyncClient) -> None:
    answer = await closed.get("/api/cameras")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["status"] == 401
    assert list((await closed.post(POST, json=body())).json()) == ["detail"], "the bridge keeps its form"


async def test_a_session_changes_things_only_from_our_own_pages(closed: httpx.AsyncClient) -> None:
    assert await status_of(closed, "POST", "/login", data={"token": ADMIN}, headers=OWN) == 303
    assert await status_of(closed, "POST", "/api/cameras", json=GATE) == 403, "no Origin"
    assert await status_of(closed, "POST", "/api/cameras", json=GATE, headers={"Origin": "http://evil.example"}) == 403
    assert await status_of(closed, "POST", "/api/cameras", json=GATE, headers=OWN) == 201


async def test_a_workers_token_is_no_login(closed: httpx.AsyncClient) -> None:
    answer = await closed.post("/login", data={"token": WORKER})
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


async def test_the_form_brings_one_to_the_page_that_was_asked_for(closed: httpx.AsyncClient) -> None:
    page = await closed.get("/login", params={"next": '/cameras/A?x="><script>'})
    assert "/cameras/A?x=&quot;&gt;&lt;script&gt;" in page.text
    answer = await closed.post("/login", data={"token": VIEWER, "next": "/cameras/A"}, headers=OWN)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/cameras/A")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
async def test_foreign_pages_stay_out(closed: httpx.AsyncClient, origin: str) -> None:
    headers = {**bearer(ADMIN), "Origin": origin}
    assert await status_of(closed, "POST", "/api/cameras", json=GATE, headers=headers) == 403
    asked = {"Origin": origin, "Access-Control-Request-Method": "PUT"}
    assert await status_of(closed, "OPTIONS", "/api/cameras/gate", headers=asked) == 403
    assert "Access-Control-Allow-Origin" not in (await closed.get("/api/cameras", headers=headers)).headers


async def test_pages_of_allowed_origins_may(closed: httpx.AsyncClient) -> None:
    answer = await closed.get("/api/cameras", headers={**bearer(ADMIN), "Origin": ALLOWED})
    assert answer.headers["Access-Control-Allow-Origin"] == ALLOWED
    assert "Origin" in answer.headers["Vary"]
    asked = {"Origin": ALLOWED, "Access-Control-Request-Method": "PUT"}
    answer = await closed.options("/api/cameras/gate", headers=asked)
    assert answer.status_code == 204
    assert "PUT" in answer.headers["Access-Control-Allow-Methods"]


@pytest.mark.parametrize(
    "url", ["http://169.254.169.254/latest/meta-data", "rtsp://[fe80::1]/x", "http://2852039166/", "http://metadata/"]
)
async def test_camera_addresses_that_are_refused(api: httpx.AsyncClient, url: str) -> None:
    answer = await api.post("/api/cameras", json={**GATE, "url": url})
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith("url: ")
