"""Any number of gateways, and of processes in one, give the same answers."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from redis.asyncio import Redis

from libs.common import keys
from tests.gateway.feeding import collect_numbers, number_in, publish, publish_many
from tests.gateway.raw_viewer import RawViewer
from tests.gateway.test_reference_worker import body, post
from tests.support.cuttable_link import cuttable_link
from tests.support.ports import free_port
from tests.support.processes import Gateway, has_ended, running, running_gateway
from tests.support.redis_server import RedisServer
from tests.support.waiting import PATIENCE_S, wait_for

VIEWER = "viewer-0123456789abcdef"


@pytest.fixture
def pair(redis_url: str, tmp_path: Path) -> Iterator[tuple[Gateway, Gateway]]:
    with running_gateway(redis_url, tmp_path) as first, running_gateway(redis_url, tmp_path) as second:
        yield first, second


async def status(gateway: Gateway) -> Any:
    async with aiohttp.ClientSession(gateway.url) as http, http.get("/api/broadcast-status") as answer:
        return await answer.json()


async def test_both_count_all_viewers_and_frames(pair: tuple[Gateway, Gateway]) -> None:
    first, second = pair
    async with aiohttp.ClientSession(first.url) as at_first, aiohttp.ClientSession(second.url) as at_second:
        async with (
            at_first.ws_connect(first.viewer_url("CAM1")) as viewer,
            at_first.ws_connect(first.viewer_url("CAM1")),
            at_second.ws_connect(second.viewer_url("CAM1")) as other,
        ):
            await post(at_first, body())
            _, answer = await post(at_second, body())
            assert answer["viewers"] == 3
            assert [(await viewer.receive_json(timeout=PATIENCE_S))["frame_count"] for _ in range(2)] == [1, 2]
            assert [(await other.receive_json(timeout=PATIENCE_S))["frame_count"] for _ in range(2)] == [1, 2]
            for gateway in pair:
                told = await status(gateway)
                assert told["total_viewers"] == 3
                assert told["broadcasters"][0]["frame_count"] == 2
        async with at_second.ws_connect(second.viewer_url("CAM1")) as again:
            assert (await again.receive_json(timeout=PATIENCE_S))["frame_count"] == 2, "the current picture, at once"


async def test_who_hears_that_he_is_in_is_counted_everywhere(
    gateway: Gateway, redis_server: RedisServer, redis_url: str, tmp_path: Path
) -> None:
    async with cuttable_link(redis_server.port) as link:
        behind = redis_url.replace(f":{redis_server.port}", f":{link.port}")
        with ExitStack() as stack:
            other = await asyncio.to_thread(stack.enter_context, running_gateway(behind, tmp_path))
            await wait_for(lambda: is_ready(other))
            link.cut()
            coming = asyncio.create_task(RawViewer.connect(other.address, "/ws/viewer/detection?camera_id=CAM1"))
            done, _ = await asyncio.wait({coming}, timeout=0.2)
            assert not done, "nobody else can know of it yet"
            link.mend()
            viewer = await coming
            assert viewer.status == 101
            assert (await status(gateway))["total_viewers"] == 1
            viewer.close()


async def is_ready(gateway: Gateway) -> bool:
    async with aiohttp.ClientSession(gateway.url) as http, http.get("/readyz") as answer:
        return answer.status == 200


async def test_a_killed_gateway_is_out_of_the_counts_within_ten_seconds(
    pair: tuple[Gateway, Gateway], redis: Redis
) -> None:
    first, second = pair
    async with aiohttp.ClientSession() as http, http.ws_connect(second.viewer_url("CAM1", "&format=binary")) as good:
        lost = await RawViewer.connect(first.address, "/ws/viewer/detection?camera_id=CAM1&format=binary")
        await publish(redis, 1)
        await lost.frame()
        assert (await status(second))["total_viewers"] == 2
        watching = asyncio.create_task(collect_numbers(good, 101))
        feeding = asyncio.create_task(publish_many(redis, 100, 20, first=2))
        await asyncio.to_thread(first.service.stop, signal.SIGKILL)
        killed_at = time.monotonic()
        moved = await RawViewer.connect(second.address, "/ws/viewer/detection?camera_id=CAM1&format=binary")
        assert number_in((await moved.frame())[1]) >= 1, "a viewer that moves sees the current picture at once"
        moved.close()

        async def forgotten() -> bool:
            return bool((await status(second))["total_viewers"] == 1)

        await wait_for(forgotten)
        assert time.monotonic() - killed_at < 10
        assert await redis.hlen(keys.viewers("CAM1")) == 1, "its field is gone"
        await feeding
        assert await watching == list(range(1, 102)), "viewers elsewhere missed nothing"
        lost.close()


async def test_a_gateway_thought_dead_counts_again(gateway: Gateway, redis: Redis) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(gateway.viewer_url("CAM1")) as viewer:
        await viewer.send_str("ping")
        await viewer.receive(timeout=PATIENCE_S)
        await redis.delete(keys.viewers("CAM1"), keys.members("gateway"))

        async def told_again() -> bool:
            return bool(await redis.hvals(keys.viewers("CAM1")) == [b"1"])

        await wait_for(told_again)


async def test_old_broadcasters_without_viewers_disappear(gateway: Gateway, redis: Redis) -> None:
    old = time.time() - 301
    await redis.zadd(keys.BROADCASTERS, {"OLD": old, "OLDWATCHED": old, "NEW": time.time() - 200})
    async with aiohttp.ClientSession() as http, http.ws_connect(gateway.viewer_url("OLDWATCHED")) as viewer:
        await viewer.send_str("ping")
        await viewer.receive(timeout=PATIENCE_S)
        told = await status(gateway)
        assert [row["camera_id"] for row in told["broadcasters"]] == ["NEW", "OLDWATCHED"]
        assert told["active_cameras"] == 2
    assert await redis.zscore(keys.BROADCASTERS, "OLD") is None


async def test_what_is_gone_is_forgotten_though_nobody_asks(redis_url: str, redis: Redis, tmp_path: Path) -> None:
    await redis.zadd(keys.BROADCASTERS, {"OLD": time.time() - 301, "NEW": time.time() - 200})
    await redis.hset(keys.viewers("NEW"), "gateway-that-was-killed", "3")
    with running_gateway(redis_url, tmp_path):

        async def is_tidy() -> bool:
            known = await redis.zrange(keys.BROADCASTERS, 0, -1)
            return known == [b"NEW"] and not await redis.exists(keys.viewers("NEW"))

        await wait_for(is_tidy)


async def test_several_processes_share_a_port(redis_url: str, tmp_path: Path, redis: Redis) -> None:
    with running_gateway(redis_url, tmp_path, GATEWAY_WORKERS="2") as gateway:
        parent = psutil.Process(gateway.service.process.pid)

        async def both_count() -> bool:
            return bool(await redis.zcard(keys.members("gateway")) == 2)

        await wait_for(both_count)
        target = "/ws/viewer/detection?camera_id=CAM1&format=binary"
        viewers = [await RawViewer.connect(gateway.address, target) for _ in range(30)]

        async def counts() -> list[int]:
            return [int(count) for count in await redis.hvals(keys.viewers("CAM1"))]

        async def all_are_counted() -> bool:
            return sum(await counts()) == 30

        await wait_for(all_are_counted)
        assert len(await counts()) == 2, "both have some"
        async with aiohttp.ClientSession(gateway.url) as http:
            assert (await post(http, body()))[1]["viewers"] == 30
        assert [number_in((await viewer.frame())[1]) for viewer in viewers] == [1] * 30

        workers = [child for child in parent.children() if "spawn_main" in " ".join(child.cmdline())]
        assert len(workers) == 2
        workers[0].kill()
        await wait_for(lambda: workers[0].pid not in [child.pid for child in parent.children()])

        async def again_two() -> bool:
            return len([one for one in parent.children() if "spawn_main" in " ".join(one.cmdline())]) == 2

        await wait_for(again_two)
        everyone = parent.children(recursive=True)
        assert await asyncio.to_thread(gateway.service.stop, signal.SIGTERM) == 0
        # multiprocessing's own resource tracker ends when it sees that the parent is gone, so a moment later
        await wait_for(lambda: all(has_ended(process) for process in everyone))
        for viewer in viewers:
            viewer.close()


async def test_workers_end_with_their_parent(redis_url: str, tmp_path: Path) -> None:
    with running_gateway(redis_url, tmp_path, GATEWAY_WORKERS="2") as gateway:
        everyone = psutil.Process(gateway.service.process.pid).children(recursive=True)
        assert len(everyone) >= 2
        gateway.service.stop(signal.SIGKILL)
        await wait_for(lambda: all(has_ended(process) for process in everyone))


async def test_a_session_is_good_at_every_gateway_and_worker(redis_url: str, tmp_path: Path) -> None:
    tokens = {"GATEWAY_TOKENS": f"viewer:{VIEWER}"}
    with (
        running_gateway(redis_url, tmp_path, **tokens) as first,
        running_gateway(redis_url, tmp_path, GATEWAY_WORKERS="2", **tokens) as second,
    ):
        login: dict[str, Any] = {"data": {"token": VIEWER}, "headers": {"Origin": first.url}, "allow_redirects": False}
        async with aiohttp.ClientSession() as http, http.post(f"{first.url}/login", **login) as answer:
            cookie = answer.headers["Set-Cookie"].partition(";")[0]
        children = psutil.Process(second.service.process.pid).children()
        workers = [child for child in children if "spawn_main" in " ".join(child.cmdline())]

        watching: list[RawViewer] = []

        async def both_serve_some() -> bool:
            target, headers = "/ws/viewer/detection?camera_id=CAM1", {"Cookie": cookie}
            watching.append(await RawViewer.connect(second.address, target, headers=headers))
            ports = {viewer.sock.getsockname()[1] for viewer in watching}
            return all(
                ports & {link.raddr.port for link in worker.net_connections() if link.raddr} for worker in workers
            )

        await wait_for(both_serve_some)
        assert {viewer.status for viewer in watching} == {101}
        assert len(workers) == 2
        assert not any(VIEWER in str(worker.environ()) for worker in workers), "workers are given hashes only"
        for viewer in watching:
            viewer.close()


def test_a_port_in_use_is_named(gateway: Gateway, redis_url: str, tmp_path: Path) -> None:
    environment = {"REDIS_URL": redis_url, "GATEWAY_PORT": gateway.address.partition(":")[2]}
    with running("services.gateway", environment, tmp_path / "log") as service:
        assert service.process.wait(20) == 2
        assert "GATEWAY_PORT: cannot listen on" in service.log


def test_a_bad_setting_is_named(redis_url: str, tmp_path: Path) -> None:
    for environment in ({"GATEWAY_PORT": "http"}, {"GATEWAY_PROT": str(free_port())}):
        with running("services.gateway", {"REDIS_URL": redis_url, **environment}, tmp_path / "log") as service:
            assert service.process.wait(20) == 2
            assert next(iter(environment)) in service.log
