"""What goes wrong at night: Redis away, a gateway stopped."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import aiohttp

from tests.gateway.test_reference_worker import body, post
from tests.support.ports import free_port
from tests.support.processes import running, running_gateway
from tests.support.redis_server import RedisServer
from tests.support.waiting import PATIENCE_S, wait_for


async def test_redis_goes_and_comes_back(own_redis_server: RedisServer, tmp_path: Path) -> None:
    with running_gateway(own_redis_server.url, tmp_path) as gateway:
        async with aiohttp.ClientSession(gateway.url) as http, http.ws_connect(gateway.viewer_url("CAM1")) as viewer:
            await post(http, body())
            await viewer.receive_str(timeout=PATIENCE_S)
            own_redis_server.stop()
            started = time.monotonic()
            async with http.post("/api/broadcast-detection", json=body()) as answer:
                assert answer.status == 503
                assert int(answer.headers["Retry-After"]) >= 1
            assert time.monotonic() - started < 3
            async with http.get("/readyz") as answer:
                assert answer.status == 503
            async with http.get("/healthz") as answer:
                assert answer.status == 200
            own_redis_server.start()

            async def posted() -> bool:
                return (await post(http, body()))[0] == 200

            await wait_for(posted)

            async def shown() -> bool:
                await post(http, body())
                try:
                    return bool(json.loads(await viewer.receive_str(timeout=0.5))["type"] == "frame")
                except TimeoutError:
                    return False

            await wait_for(shown)


async def test_stopping_tells_viewers_and_exits_cleanly(redis_url: str, tmp_path: Path) -> None:
    with running_gateway(redis_url, tmp_path) as gateway:
        async with aiohttp.ClientSession() as http, http.ws_connect(gateway.viewer_url("CAM1")) as viewer:
            await viewer.send_str("ping")
            await viewer.receive_str(timeout=PATIENCE_S)
            gateway.service.process.send_signal(signal.SIGINT)
            message = await viewer.receive(timeout=PATIENCE_S)
            assert message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
            assert viewer.close_code == 1001
        assert await asyncio.to_thread(gateway.service.process.wait, 8) == 0


async def test_a_stop_ends_streams_at_once(redis_url: str, tmp_path: Path) -> None:
    with running_gateway(redis_url, tmp_path) as gateway:
        async with aiohttp.ClientSession(gateway.url) as http:
            await post(http, body())
            async with http.get("/api/cameras/CAM1/stream.mjpg") as answer:
                assert await answer.content.readany()
                started = time.monotonic()
                gateway.service.process.send_signal(signal.SIGTERM)
                assert await asyncio.to_thread(gateway.service.process.wait, 8) == 0
                assert time.monotonic() - started < 2
        assert "error" not in gateway.service.log


STOPPED_WHILE_STARTING = """
import os, signal, sys
import uvicorn
from services.gateway.__main__ import main

def run(self, sockets, real=uvicorn.Server.run):
    os.kill(os.getpid(), signal.SIGTERM)  # uvicorn does not listen for signals yet
    real(self, sockets)

uvicorn.Server.run = run
sys.exit(main())
"""


def test_a_stop_while_it_starts_is_not_lost(redis_url: str) -> None:
    environment = {**os.environ, "REDIS_URL": redis_url, "GATEWAY_PORT": str(free_port())}
    done = subprocess.run([sys.executable, "-c", STOPPED_WHILE_STARTING], env=environment, timeout=20, check=False)
    assert done.returncode == 0


def test_an_open_address_needs_a_word(redis_url: str, tmp_path: Path) -> None:
    environment = {"REDIS_URL": redis_url, "GATEWAY_HOST": "0.0.0.0", "GATEWAY_PORT": str(free_port())}
    with running("services.gateway", environment, tmp_path / "log") as service:
        assert service.process.wait(20) == 2
        assert "GATEWAY_OPEN=true" in service.log
