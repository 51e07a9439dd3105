"""Who does not belong stays out: sockets, logs and exit codes; `test_security.py` has the routes."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from libs.common import keys
from tests.gateway.raw_viewer import RawViewer
from tests.gateway.roles import ADMIN, ALLOWED, UNKNOWN, VIEWER, WORKER, bearer
from tests.gateway.test_cameras_api import GATE
from tests.gateway.test_reference_worker import body
from tests.support.ports import free_port
from tests.support.processes import Gateway, running, running_gateway

POST = "/api/broadcast-detection"
WATCH = "/ws/viewer/detection?camera_id=CAM1"


@pytest.fixture
def closed(redis_url: str, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway with a token for each role."""
    file = tmp_path / "tokens"
    file.write_text(f"worker:{WORKER}\nadmin:{ADMIN}\n")
    settings = {
        "GATEWAY_TOKENS": f"viewer:{VIEWER}",
        "GATEWAY_TOKENS_FILE": str(file),
        "GATEWAY_ALLOWED_ORIGINS": ALLOWED,
        "GATEWAY_LOGINS_PER_MINUTE": "4",
    }
    with running_gateway(redis_url, tmp_path, **settings) as gateway:
        yield gateway


@pytest.fixture
async def client(closed: Gateway) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(closed.url, cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield session


async def status_of(client: aiohttp.ClientSession, method: str, path: str, **request: Any) -> int:
    async with client.request(method, path, allow_redirects=False, **request) as answer:
        return answer.status


async def test_each_role_may_do_its_own(closed: Gateway, client: aiohttp.ClientSession) -> None:
    for token, watch in [(None, 401), (UNKNOWN, 401), (VIEWER, 101), (WORKER, 403), (ADMIN, 101)]:
        viewer = await RawViewer.connect(closed.address, WATCH, headers=bearer(token))
        assert viewer.status == watch, token
        viewer.close()
        posted = {None: 401, UNKNOWN: 401, VIEWER: 403}.get(token, 200)
        assert await status_of(client, "POST", POST, json=body(), headers=bearer(token)) == posted, token


async def test_pages_of_allowed_origins_watch_and_foreign_ones_do_not(closed: Gateway) -> None:
    foreign = ("http://evil.example", "null", "http://127.0.0.1:1")
    for origin, status in [*((origin, 403) for origin in foreign), (ALLOWED, 101)]:
        viewer = await RawViewer.connect(closed.address, WATCH, headers={**bearer(ADMIN), "Origin": origin})
        assert viewer.status == status, origin
        viewer.close()


async def test_an_old_worker_brings_its_token_in_the_url(closed: Gateway, redis: Redis) -> None:
    url = f"http://worker:{WORKER}@{closed.address}{POST}"
    async with aiohttp.ClientSession() as session, session.post(url, json=body()) as answer:
        assert answer.status == 200
    assert await redis.get(keys.count("CAM1")) == b"1"


async def test_a_browser_logs_in_watches_and_logs_out(closed: Gateway, client: aiohttp.ClientSession) -> None:
    async with client.get("/login") as answer:
        page = await answer.text()
        assert 'type="password"' in page
        assert "script-src" not in answer.headers["Content-Security-Policy"], "there is no script on it"
        assert "unsafe-inline" not in answer.headers["Content-Security-Policy"]
    own = {"Origin": closed.url}
    async with client.post("/login", data={"token": VIEWER}, headers=own, allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/")
        cookie = answer.headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert VIEWER not in cookie
    assert await status_of(client, "GET", "/api/cameras") == 200
    async with client.get("/api/session") as answer:
        assert await answer.json() == {"role": "viewer", "login_required": True}
    viewer = await RawViewer.connect(
        closed.address, WATCH, headers={"Cookie": cookie.partition(";")[0], "Origin": closed.url}
    )
    assert viewer.status == 101
    viewer.close()
    # Browsers send what other programs on this host have set, too, and not all of them keep to the grammar.
    beside = {"Cookie": f'theme={{"dark": 1}}; {cookie.partition(";")[0]}; a=b c; =x'}
    async with aiohttp.ClientSession(closed.url, headers=beside) as other:
        assert await status_of(other, "GET", "/api/cameras") == 200
    assert await status_of(client, "POST", "/logout", headers=own) == 303
    assert await status_of(client, "GET", "/api/cameras") == 401


async def test_logins_are_limited(closed: Gateway, client: aiohttp.ClientSession) -> None:
    tries = [await status_of(client, "POST", "/login", data={"token": f"wrong-{n}-0123456789"}) for n in range(4)]
    assert tries == [401] * 4
    assert closed.service.log.count('"address": "127.0.0.1", "event": "login refused: unknown token"') == 4
    assert "wrong-" not in closed.service.log, "what was tried may be nearly right"
    async with client.post("/login", data={"token": VIEWER}, allow_redirects=False) as answer:
        assert answer.status == 429
        assert answer.headers["Retry-After"] == "60"
    assert closed.service.log.count("login refused") == 4, "nobody can flood the log"


async def test_every_answer_has_its_headers(client: aiohttp.ClientSession) -> None:
    for path in ("/", "/api/cameras", "/nothing", "/login"):
        async with client.get(path) as answer:
            assert answer.headers["X-Content-Type-Options"] == "nosniff", path
            assert answer.headers["X-Frame-Options"] == "DENY"
            policy = answer.headers["Content-Security-Policy"]
            assert policy.startswith("default-src 'none'")
            assert "frame-ancestors 'none'" in policy
            assert "server" not in answer.headers


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8069", "192.168.1.9"])
async def test_without_tokens_only_this_machine_is_served(
    gateway: Gateway, http: aiohttp.ClientSession, host: str
) -> None:
    headers = {"Host": host, "Origin": f"http://{host}"}
    async with http.get("/api/cameras", headers=headers) as answer:
        assert answer.status == 403, "a name that was pointed here by somebody else"
    viewer = await RawViewer.connect(gateway.address, WATCH, headers=headers)
    assert viewer.status == 403
    viewer.close()
    async with http.get("/api/session") as answer:
        assert await answer.json() == {"role": "admin", "login_required": False}
    assert "no tokens are configured" in gateway.service.log
    async with http.get("/metrics", headers={"Host": host}) as answer:
        assert answer.status == 200, "a monitor may know another address"


async def test_in_a_container_the_address_where_it_is_published_counts(redis_url: str, tmp_path: Path) -> None:
    settings = {"GATEWAY_HOST": "0.0.0.0", "GATEWAY_PUBLISHED_AT": "127.0.0.1"}
    with running_gateway(redis_url, tmp_path, **settings) as gateway:
        async with aiohttp.ClientSession(gateway.url) as client:
            assert await status_of(client, "GET", "/api/cameras") == 200
            assert await status_of(client, "GET", "/api/cameras", headers={"Host": "evil.example"}) == 403
    environment = {"REDIS_URL": redis_url, **settings, "GATEWAY_PUBLISHED_AT": "192.0.2.1"}
    with running("services.gateway", environment, tmp_path / "refusing.log") as service:
        assert service.process.wait(20) == 2
        assert "GATEWAY_PUBLISHED_AT: 192.0.2.1 can be reached from the network" in service.log


async def test_passwords_are_in_no_answer_and_no_log(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    secret = "hunter2hunter2"
    texts = []
    for camera in (
        {**GATE, "url": f"rtsp://user:{secret}@192.0.2.7/main"},
        {**GATE, "id": "query", "url": f"http://192.0.2.7/video?user=admin&loginpas={secret}"},
        {**GATE, "id": "bad", "url": f"ftp://user:{secret}@192.0.2.7/main"},
        {"id": "incomplete", "url": f"rtsp://user:{secret}@192.0.2.7/main"},
        {**GATE, "id": "meta", "url": f"http://user:{secret}@169.254.169.254/"},
        {**GATE, "id": "unquoted", "url": f"rtsp://user:{secret}#1@192.0.2.7/main"},
    ):
        async with http.post("/api/cameras", json=camera) as answer:
            texts.append((answer.status, await answer.text()))
    assert [status for status, _ in texts] == [201, 201, 422, 422, 422, 422]
    async with http.get("/api/cameras") as answer:
        texts.append((answer.status, await answer.text()))
    assert json.loads(texts[-1][1])["cameras"][1]["url"].endswith("loginpas=***")
    assert all(secret not in text for _, text in texts)
    assert secret not in gateway.service.log


@pytest.mark.parametrize("tokens", [f"viewer:{VIEWER[:8]}", f"guest:{VIEWER}"])
def test_a_bad_token_stops_the_start_and_is_not_shown(redis_url: str, tmp_path: Path, tokens: str) -> None:
    environment = {"REDIS_URL": redis_url, "GATEWAY_TOKENS": tokens, "GATEWAY_PORT": str(free_port())}
    with running("services.gateway", environment, tmp_path / "log") as service:
        assert service.process.wait(20) == 2
        assert "GATEWAY_TOKENS: " in service.log
        assert tokens.partition(":")[2] not in service.log
