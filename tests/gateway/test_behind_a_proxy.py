"""Behind a reverse proxy that ends TLS: what it tells of the client is believed, what others tell is not."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.gateway.raw_viewer import RawViewer
from tests.support.processes import Gateway, running_gateway

ADMIN = "admin-0123456789abcdef"
WATCH = "/ws/viewer/detection?camera_id=CAM1"
HOST = "park.example"
TOLD = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}
CAMERA = {"id": "gate", "name": "Gate", "url": "rtsp://192.0.2.7/main"}


@pytest.fixture
def proxied(redis_url: str, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway that believes 127.0.0.1 and nobody else."""
    settings = {"GATEWAY_TOKENS": f"admin:{ADMIN}", "GATEWAY_TRUSTED_PROXIES": "127.0.0.1"}
    with running_gateway(redis_url, tmp_path, **settings, GATEWAY_LOGINS_PER_MINUTE="3") as gateway:
        yield gateway


@pytest.fixture
async def stranger(proxied: Gateway) -> AsyncIterator[aiohttp.ClientSession]:
    """A client at another address, which is no proxy."""
    connector = aiohttp.TCPConnector(local_addr=("127.0.0.9", 0), family=socket.AF_INET)
    async with aiohttp.ClientSession(proxied.url, connector=connector) as session:
        yield session


async def log_in(client: aiohttp.ClientSession, headers: dict[str, str], token: str = ADMIN) -> tuple[int, str]:
    form = {"token": token}
    async with client.post("/login", data=form, headers=headers, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Set-Cookie", "")


async def test_the_session_is_for_tls_only(proxied: Gateway) -> None:
    own = {**TOLD, "Origin": f"https://{HOST}"}
    async with aiohttp.ClientSession(proxied.url, cookie_jar=aiohttp.DummyCookieJar()) as client:
        status, cookie = await log_in(client, own)
        assert status == 303
        assert "; Secure" in cookie
        session = {"Cookie": cookie.partition(";")[0]}
        async with client.post("/api/cameras", json=CAMERA, headers={**own, **session}) as answer:
            assert answer.status == 201
        viewer = await RawViewer.connect(proxied.address, WATCH, headers={**own, **session})
        assert viewer.status == 101
        viewer.close()
        # The same name without TLS: whoever stands in between may have made that page.
        plain = {**TOLD, **session, "Origin": f"http://{HOST}"}
        async with client.put("/api/cameras/gate", json={"name": "Mine"}, headers=plain) as answer:
            assert answer.status == 403
        viewer = await RawViewer.connect(proxied.address, WATCH, headers=plain)
        assert viewer.status == 403
        viewer.close()


async def test_a_proxy_that_does_not_tell_of_tls_does_no_harm(proxied: Gateway) -> None:
    async with aiohttp.ClientSession(proxied.url) as client:
        status, cookie = await log_in(client, {"Host": HOST, "Origin": f"https://{HOST}"})
    assert status == 303
    assert "; Secure" not in cookie


async def test_who_is_no_proxy_is_not_believed(stranger: aiohttp.ClientSession) -> None:
    status, cookie = await log_in(stranger, {**TOLD, "Origin": f"http://{HOST}"})
    assert status == 303
    assert "; Secure" not in cookie, "it came without TLS, whatever it says"
    tries = [await log_in(stranger, {"X-Forwarded-For": f"203.0.113.{n}"}, "wrong-0123456789abcdef") for n in range(3)]
    assert [status for status, _ in tries] == [401, 401, 429], "another address in each is no way round the limit"


async def test_logins_behind_a_proxy_are_counted_by_the_clients_own_address(proxied: Gateway) -> None:
    async with aiohttp.ClientSession(proxied.url) as client:
        for address, expected in (("203.0.113.7", [401, 401, 401, 429]), ("203.0.113.8", [401])):
            told = {**TOLD, "X-Forwarded-For": address}
            tries = [await log_in(client, told, "wrong-0123456789abcdef") for _ in expected]
            assert [status for status, _ in tries] == expected
