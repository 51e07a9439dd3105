"""A failover behind the same address with connections kept: within three seconds everything is at the new master."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import Redis

from tests.gateway.test_reference_worker import body, post
from tests.support.cuttable_link import CuttableLink, cuttable_link
from tests.support.ports import free_port
from tests.support.processes import running_gateway
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_for

WITHIN_S = 3.0


@pytest.fixture
def new_master(tmp_path: Path) -> Iterator[RedisServer]:
    folder = tmp_path / "new-master"
    folder.mkdir()
    server = RedisServer(folder, with_users=True)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def link(own_redis_server: RedisServer) -> AsyncIterator[CuttableLink]:
    async with cuttable_link(own_redis_server.port) as link:
        yield link


async def posts_and_sees(http: aiohttp.ClientSession, viewer: aiohttp.ClientWebSocketResponse) -> bool:
    status, _ = await post(http, body())
    if status != 200:
        return False
    try:
        return bool((await viewer.receive_json(timeout=0.2))["type"] == "frame")
    except TimeoutError:
        return False


async def test_old_connections_are_left_at_the_first_read_only_answer(
    own_redis_server: RedisServer, own_redis: Redis, new_master: RedisServer, link: CuttableLink, tmp_path: Path
) -> None:
    url = own_redis_server.url.replace(str(own_redis_server.port), str(link.port))
    with running_gateway(url, tmp_path) as gateway:
        async with aiohttp.ClientSession(gateway.url) as http, http.ws_connect(gateway.viewer_url("CAM1")) as viewer:
            await wait_for(lambda: posts_and_sees(http, viewer))
            link.lead_to(new_master.port)
            # It has no password there: so what is published at the new master does not come to it either.
            await own_redis.replicaof("127.0.0.1", new_master.port)
            failed_over_s = time.monotonic()
            await wait_for(lambda: posts_and_sees(http, viewer))
            took_s = time.monotonic() - failed_over_s
            assert took_s < WITHIN_S
            async with http.get("/readyz") as answer:
                assert answer.status == 200
            for _ in range(20):
                status, _ = await post(http, body())
                assert status == 200, "no connection of the pool leads to the old master any more"


async def test_while_there_is_no_master_readiness_says_so_and_then_writes_flow_again(
    own_redis_server: RedisServer, own_redis: Redis, tmp_path: Path
) -> None:
    with running_gateway(own_redis_server.url, tmp_path) as gateway:
        async with aiohttp.ClientSession(gateway.url) as http, http.ws_connect(gateway.viewer_url("CAM1")) as viewer:
            await wait_for(lambda: posts_and_sees(http, viewer))
            await own_redis.replicaof("127.0.0.1", free_port())
            for path, payload in (("/readyz", None), ("/api/broadcast-detection", body())):
                async with http.request("POST" if payload else "GET", path, json=payload) as answer:
                    assert answer.status == 503
                    assert int(answer.headers["Retry-After"]) >= 1
                    assert "read-only replica" in (await answer.json())["detail"]
            await own_redis.replicaof("NO", "ONE")
            back_s = time.monotonic()
            await wait_for(lambda: posts_and_sees(http, viewer))
            assert time.monotonic() - back_s < WITHIN_S
            async with http.get("/readyz") as answer:
                assert answer.status == 200
    assert gateway.service.log.count("is a read-only replica now; answered 503") == 1
