"""Wrong passwords, and redirects, against real servers; how a password is sent is in the zoo."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from libs.common.cameras import Camera
from libs.common.errors import SourceError
from services.ingest.pacing import FramePacer
from services.ingest.settings import IngestSettings
from services.ingest.sources.guarded_sockets import RefusedAddress, make_socket
from services.ingest.sources.http import read_http
from tests.support.logins import BASIC, Guard, digest
from tests.support.pictures import make_jpeg
from tests.support.waiting import PATIENCE_S

JPEG = make_jpeg()
Handler = Callable[[web.Request], Awaitable[web.Response]]
QUICK = IngestSettings(stall_after_s=1, connect_timeout_s=1)
USER = "viewer"


class GuardedCamera:
    """Gives a picture to who knows the password; notes every Authorization header it was sent."""

    def __init__(self, scheme: str) -> None:
        self._guard = Guard([BASIC if scheme == "Basic" else digest()], ["Basic" if scheme == "Basic" else "MD5"])

    @property
    def seen(self) -> list[str]:
        return self._guard.seen

    async def answer(self, request: web.Request) -> web.Response:
        if self._guard.lets_in(request.method, request.path_qs, request.headers.get("Authorization", "")):
            return web.Response(body=JPEG, content_type="image/jpeg")
        return web.Response(status=401, headers={"WWW-Authenticate": self._guard.challenges[0]})


@asynccontextmanager
async def serving(**handlers: Handler) -> AsyncIterator[str]:
    """An HTTP server on loopback with a path for every handler; its `host:port`."""
    app = web.Application()
    for path, handler in handlers.items():
        app.router.add_get(f"/{path}", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def read(url: str, count: int = 2) -> int:
    """Read pictures; how many came."""
    got = 0
    async with asyncio.timeout(PATIENCE_S):
        async for frame in read_http(Camera(id="C", name="C", url=url, fps=50), QUICK, FramePacer(50)):
            assert frame.jpeg == JPEG
            got += 1
            if got == count:
                break
    return got


@pytest.mark.parametrize("scheme", ["Basic", "Digest"])
async def test_a_wrong_password_is_said_and_not_tried_for_ever(scheme: str) -> None:
    camera = GuardedCamera(scheme)
    async with serving(capture=camera.answer) as host:
        with pytest.raises(SourceError, match=r"401: check user name and password$"):
            await read(f"http://{USER}:wrong@{host}/capture")
        with pytest.raises(SourceError, match="the URL has none"):
            await read(f"http://{host}/capture")
    assert len(camera.seen) <= 5


async def test_a_redirect_is_followed() -> None:
    async def elsewhere(request: web.Request) -> web.Response:
        raise web.HTTPFound("/capture")

    async with serving(old=elsewhere, capture=GuardedCamera("Basic").answer) as host:
        assert await read(f"http://{USER}:s3cret%3Awith%20colon@{host}/old") == 2


@pytest.mark.parametrize("scheme", ["Basic", "Digest"])
async def test_a_redirect_never_takes_the_password_to_another_host(scheme: str) -> None:
    thief = GuardedCamera(scheme)
    async with serving(capture=thief.answer) as other:

        async def elsewhere(request: web.Request) -> web.Response:
            raise web.HTTPFound(f"http://{other}/capture")

        guard = GuardedCamera(scheme)

        async def asks_first(request: web.Request) -> web.Response:
            answer = await guard.answer(request)
            return answer if answer.status == 401 else await elsewhere(request)

        async with serving(old=elsewhere, guarded=asks_first) as host:
            for path in ("old", "guarded"):
                with pytest.raises(SourceError, match="401"):
                    await read(f"http://{USER}:s3cret%3Awith%20colon@{host}/{path}")
            assert guard.seen[-1].startswith(scheme)
    assert set(thief.seen) == {""}


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://host/x", "gopher://host"])
async def test_a_redirect_to_something_else_is_refused(target: str) -> None:
    async def elsewhere(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": target})

    async with serving(old=elsewhere) as host:
        with pytest.raises(SourceError, match="one that the camera redirects to, cannot be used"):
            await read(f"http://{host}/old")


@pytest.mark.parametrize(
    "target", ["169.254.169.254", "[fd00:ec2::254]", "[::ffff:169.254.169.254]", "100.100.100.200"]
)
async def test_a_redirect_to_where_clouds_keep_their_secrets_is_refused(target: str) -> None:
    async def elsewhere(request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": f"http://{target}/latest/"})

    async with serving(old=elsewhere) as host:
        with pytest.raises(SourceError, match="leads to an address that is not allowed"):
            await read(f"http://{host}/old")


def test_a_name_that_leads_there_is_refused_and_an_address_that_was_written_is_not() -> None:
    found = (socket.AF_INET, socket.SOCK_STREAM, int(socket.IPPROTO_TCP), "", ("169.254.7.7", 80))
    with pytest.raises(RefusedAddress):
        make_socket(found, "camera.example")
    make_socket(found, "169.254.7.7").close()
