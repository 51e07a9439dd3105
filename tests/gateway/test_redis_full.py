"""Redis at its memory limit, with a real `maxmemory`: pictures go on, and everybody hears what to do."""

from __future__ import annotations

from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.redis_errors import FULL_SETTLED_AFTER_S
from tests.gateway.test_reference_worker import body, post
from tests.support.processes import running_gateway
from tests.support.redis_server import RedisServer
from tests.support.waiting import PATIENCE_S, wait_for

CAMERA = {"id": "CAM2", "name": "two", "url": "rtsp://camera.example/stream"}


async def readiness(http: aiohttp.ClientSession) -> tuple[int, dict[str, str]]:
    async with http.get("/readyz") as answer:
        return answer.status, await answer.json()


async def test_pictures_go_on_and_readiness_says_what_to_do(
    own_redis_server: RedisServer, own_redis: Redis, tmp_path: Path
) -> None:
    with running_gateway(own_redis_server.url, tmp_path) as gateway:
        async with aiohttp.ClientSession(gateway.url) as http, http.ws_connect(gateway.viewer_url("CAM1")) as viewer:
            assert await readiness(http) == (200, {"status": "ok", "detail": ""})
            async with http.post("/api/cameras", json={**CAMERA, "id": "CAM1"}) as added:
                assert added.status == 201
            await own_redis.config_set("maxmemory", 1)

            async def is_degraded() -> bool:
                status, answer = await readiness(http)
                assert status == 200, "viewers must not be taken from it: pictures go on"
                return answer["status"] == "degraded"

            await wait_for(is_degraded)
            _, answer = await readiness(http)
            assert answer["detail"].startswith("Redis is full")
            assert "raise its maxmemory" in answer["detail"]

            for number in range(1, 11):
                _, posted = await post(http, body())
                assert posted["success"], posted
                assert posted["viewers"] == 1
                assert (await viewer.receive_json(timeout=PATIENCE_S))["frame_count"] == number
            async with http.ws_connect(gateway.viewer_url("CAM1")) as late:
                assert (await late.receive_json(timeout=PATIENCE_S))["frame_count"] == 10, "latest was written, too"
                await wait_for(lambda: _viewers_in(own_redis, 2))

            async with http.post("/api/cameras", json=CAMERA) as refused:
                assert refused.status == 503
                assert "Retry-After" not in refused.headers, "waiting does not help"
                problem = await refused.json()
            assert problem["detail"].startswith("Redis is full")
            assert "script" not in problem["detail"]
            async with http.delete("/api/cameras/CAM1") as deleted:
                assert deleted.status == 204, "what frees memory goes on"

            await own_redis.config_set("maxmemory", 0)
            await wait_for(lambda: _is_ready(http))
            async with http.post("/api/cameras", json=CAMERA) as added:
                assert added.status == 201
    told = [line for line in gateway.service.log.splitlines() if "redis" in line.lower()]
    assert sum("Redis is full" in line for line in told) <= 2, "by who watches memory, and by the request"
    assert not any("redis is back" in line or "Redis is away" in line for line in told)


async def _viewers_in(redis: Redis, count: int) -> bool:
    told = await redis.hvals(keys.viewers("CAM1"))
    return sum(map(int, told)) == count


async def _is_ready(http: aiohttp.ClientSession) -> bool:
    return (await readiness(http))[1]["status"] == "ok"


@pytest.mark.parametrize("path", ["/api/cameras/CAM1/events?before=0-0", "/api/cameras/CAM1/events"])
async def test_a_key_of_another_type_is_no_outage(
    own_redis_server: RedisServer, own_redis: Redis, tmp_path: Path, path: str
) -> None:
    with running_gateway(own_redis_server.url, tmp_path) as gateway:
        async with aiohttp.ClientSession(gateway.url) as http:
            await post(http, body())
            await own_redis.set(keys.events("CAM1"), "a text, not a stream")
            async with http.get(path) as answer:
                assert answer.status != 503
                assert "Retry-After" not in answer.headers
            await own_redis.set(keys.viewers("CAM1"), "nor a hash")
            async with http.get("/api/cameras/CAM1") as answer:
                assert answer.status == 500
                assert "WRONGTYPE" not in await answer.text()
    assert "WRONGTYPE" in gateway.service.log, "the log says more"


def test_a_full_redis_counts_as_full_long_enough() -> None:
    assert FULL_SETTLED_AFTER_S >= 5, "or a loop that succeeds now and then would alternate in the log"
