"""Health and metrics of services that have no web server otherwise, as real processes on a real redis-server."""

from __future__ import annotations

import contextlib
import json
import socket
from pathlib import Path

import aiohttp
import pytest

from tests.support.ports import free_port
from tests.support.processes import running
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_for

SERVICES = ("ingest", "detector")


async def health(http: aiohttp.ClientSession, port: int) -> tuple[int, str]:
    """Status and reason; 0 while nobody answers."""
    try:
        async with http.get(f"http://127.0.0.1:{port}/healthz") as answer:
            told = json.loads(await answer.text())
            return answer.status, told.get("detail", "")
    except aiohttp.ClientConnectionError:  # refused, or cut off
        return 0, ""


@pytest.mark.parametrize("service", SERVICES)
async def test_it_is_healthy_only_while_redis_takes_its_heartbeat(
    service: str, own_redis_server: RedisServer, tmp_path: Path
) -> None:
    port = free_port()
    prefix = service.upper()
    environment = {"REDIS_URL": own_redis_server.url, f"{prefix}_METRICS_PORT": str(port)}
    environment[f"{prefix}_LEASE_TIMEOUT_S"] = "0.5"
    with running(f"services.{service}", environment, tmp_path / "log"):
        async with aiohttp.ClientSession() as http:

            async def is_healthy() -> bool:
                return await health(http, port) == (200, "")

            async def is_not() -> str:
                status, reason = await health(http, port)
                return reason if status == 503 else ""

            await wait_for(is_healthy)
            own_redis_server.stop()
            assert "heartbeat to redis: not for" in await wait_for(is_not)
            own_redis_server.start()
            await wait_for(is_healthy)
            async with http.get(f"http://127.0.0.1:{port}/metrics") as answer:
                assert answer.status == 200
                assert answer.content_type == "text/plain"
            async with http.get(f"http://127.0.0.1:{port}/nothing") as answer:
                assert answer.status == 404
            async with http.post(f"http://127.0.0.1:{port}/metrics") as answer:
                assert answer.status == 405


@pytest.mark.parametrize("service", SERVICES)
async def test_it_tells_why_it_is_not_healthy_yet_while_it_waits_for_redis(service: str, tmp_path: Path) -> None:
    port = free_port()
    environment = {"REDIS_URL": f"redis://127.0.0.1:{free_port()}", f"{service.upper()}_METRICS_PORT": str(port)}
    with running(f"services.{service}", environment, tmp_path / "log") as process:
        async with aiohttp.ClientSession() as http:

            async def status() -> tuple[int, str] | None:
                found = await health(http, port)
                return found if found[0] else None

            assert await wait_for(status) == (
                503,
                "heartbeat to redis: not yet since the start; look-up of cameras: not yet since the start"
                + ("; care for readers: not yet since the start" if service == "ingest" else ""),
            )
        process.stop()


@pytest.mark.parametrize("service", SERVICES)
def test_a_port_that_is_taken_stops_the_start(service: str, redis_url: str, tmp_path: Path) -> None:
    variable = f"{service.upper()}_METRICS_PORT"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        environment = {"REDIS_URL": redis_url, variable: str(port)}
        with running(f"services.{service}", environment, tmp_path / "log") as process:
            assert process.process.wait(30) == 1
            assert f"{variable}: cannot listen on 127.0.0.1:{port}" in process.log


async def test_clients_that_say_nothing_or_too_much_keep_nobody_out(redis_url: str, tmp_path: Path) -> None:
    port = free_port()
    with running("services.ingest", {"REDIS_URL": redis_url, "INGEST_METRICS_PORT": str(port)}, tmp_path / "log"):
        async with aiohttp.ClientSession() as http:

            async def is_healthy() -> bool:
                return (await health(http, port))[0] == 200

            await wait_for(is_healthy)
            silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(40)]
            try:
                await wait_for(is_healthy, every_s=0.2)
                silent[-1].close()
                with socket.create_connection(("127.0.0.1", port), timeout=5) as talker:
                    talker.sendall(b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 100_000)
                    with contextlib.suppress(ConnectionResetError):  # that, or an orderly end
                        assert talker.recv(4096) == b""
            finally:
                for one in silent:
                    one.close()
