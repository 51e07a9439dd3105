"""A screen on a wall: an address with its token, once, and it watches for good."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from libs.common import keys
from libs.common.cameras import Camera
from services.gateway.security.sessions import KIOSK_COOKIE_AGE_S
from tests.gateway.in_process import gateway_in_process
from tests.gateway.roles import ADMIN, KIOSK, TOKENS, UNKNOWN, VIEWER, bearer
from tests.support.redis_server import RedisServer

OWN = {"Origin": "http://127.0.0.1"}


@pytest.fixture
async def closed(redis_url: str, tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client, without a token, of a gateway with one for each role."""
    async with gateway_in_process(redis_url, tmp_path, tokens=TOKENS, logins_per_minute=5) as client:
        yield client


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        (f"/?kiosk&token={KIOSK}", "/?kiosk"),
        (f"/?kiosk&token={quote(KIOSK)}", "/?kiosk"),
        (f"/cameras/CAM1?token={KIOSK}&wall=1", "/cameras/CAM1?wall=1"),
        (f"/?token={KIOSK}", "/"),
    ],
)
async def test_the_token_is_traded_for_a_session_and_leaves_the_address(
    closed: httpx.AsyncClient, asked: str, leads_to: str
) -> None:
    answer = await closed.get(asked)
    assert (answer.status_code, answer.headers["Location"]) == (303, leads_to)
    cookie = answer.headers["Set-Cookie"]
    assert f"Max-Age={KIOSK_COOKIE_AGE_S}" in cookie
    assert "HttpOnly" in cookie
    assert KIOSK not in cookie
    assert answer.headers["Cache-Control"] == "no-store"
    assert (await closed.get("/api/session")).json()["role"] == "kiosk"
    assert (await closed.get("/api/cameras")).status_code == 200


async def test_its_cookie_begins_anew_with_each_look_at_the_session(closed: httpx.AsyncClient) -> None:
    await closed.get(f"/?kiosk&token={KIOSK}")
    first = closed.cookies["lotcast_session"]
    renewed = await closed.get("/api/session")
    assert renewed.headers["Set-Cookie"].startswith(f"lotcast_session={first}; Path=/; Max-Age={KIOSK_COOKIE_AGE_S};")
    by_token = await closed.get("/api/session", headers=bearer(KIOSK))
    assert "Set-Cookie" not in by_token.headers, "a cookie that nobody has read is not sent back"


async def test_it_only_watches_and_is_told_no_address(closed: httpx.AsyncClient, redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        camera = Camera(id="CAM1", name="Gate", url="http://10.0.0.7/stream")
        client.hset(keys.CAMERAS, "CAM1", camera.model_dump_json())
    await closed.get(f"/?kiosk&token={KIOSK}")
    (seen,) = (await closed.get("/api/cameras")).json()["cameras"]
    assert (seen["name"], seen["url"]) == ("Gate", None)
    assert (await closed.delete("/api/cameras/CAM1", headers=OWN)).status_code == 403
    assert (await closed.put("/api/cameras/CAM1/spaces", json={"spaces": []}, headers=OWN)).status_code == 403


@pytest.mark.parametrize(("token", "status"), [(UNKNOWN, 401), ("", 401), (VIEWER, 403), (ADMIN, 403)])
async def test_no_other_token_may_stand_in_an_address(closed: httpx.AsyncClient, token: str, status: int) -> None:
    answer = await closed.get(f"/?kiosk&token={token}")
    assert answer.status_code == status
    assert "Set-Cookie" not in answer.headers
    assert 'value="/?kiosk"' in answer.text, "the form leads to where one wanted to go"
    assert token == "" or token not in answer.text


async def test_guessing_has_the_limit_of_the_form(closed: httpx.AsyncClient) -> None:
    statuses = [(await closed.get(f"/?token={UNKNOWN}")).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]
    refused = await closed.post("/login", data={"token": ADMIN, "next": "/system"}, headers=OWN)
    assert refused.status_code == 429
    assert 'value="/system"' in refused.text, "after the minute one still gets to where one wanted to go"


async def test_where_nobody_logs_in_the_token_leaves_the_address_all_the_same(api: httpx.AsyncClient) -> None:
    answer = await api.get(f"/?kiosk&token={KIOSK}")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/?kiosk")
    assert "Set-Cookie" not in answer.headers


async def test_what_looks_like_another_host_leads_nowhere(closed: httpx.AsyncClient) -> None:
    answer = await closed.get(f"/cameras/%0d%0aX?token={KIOSK}&a=%0d%0ab")
    assert answer.headers["Location"] == "/cameras/%0D%0AX?a=%0d%0ab"
    assert "X" not in {name.upper() for name in answer.headers}


async def test_the_token_is_in_no_line_of_the_log(
    closed: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    for token in (KIOSK, quote(KIOSK), VIEWER):
        await closed.get(f"/?kiosk&token={token}")
    printed = "".join(capsys.readouterr())
    assert KIOSK not in printed
    assert quote(KIOSK) not in printed
    assert VIEWER not in printed
