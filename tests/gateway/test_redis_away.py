"""Redis goes, drops us, or comes back empty: viewers stay connected and see what there is to see."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import aiohttp
from redis.asyncio import Redis

from libs.common import keys
from libs.common.bus import as_bytes
from libs.common.messages import pack_viewer_message
from tests.gateway.feeding import collect_numbers, make_message, number_in, publish, publish_many, resident_bytes
from tests.gateway.raw_viewer import RawViewer
from tests.gateway.test_reference_worker import METADATA, body, post
from tests.support.processes import Gateway, running_gateway
from tests.support.redis_server import RedisServer
from tests.support.waiting import PATIENCE_S, wait_for

WATCH = "/ws/viewer/detection?camera_id=CAM1&format=binary"


async def test_ten_seconds_without_redis(own_redis_server: RedisServer, tmp_path: Path) -> None:
    with running_gateway(own_redis_server.url, tmp_path) as gateway:
        async with aiohttp.ClientSession(gateway.url) as http, http.ws_connect(gateway.viewer_url("CAM1")) as viewer:
            await post(http, body())
            assert (await viewer.receive_json(timeout=PATIENCE_S))["frame_count"] == 1
            pid = gateway.service.process.pid
            held = resident_bytes(pid)
            own_redis_server.stop()
            stopped_at = time.monotonic()
            while time.monotonic() - stopped_at < 10:
                started = time.monotonic()
                async with http.post("/api/broadcast-detection", json=body()) as answer:
                    assert answer.status == 503
                    assert list(await answer.json()) == ["detail"]
                    assert int(answer.headers["Retry-After"]) >= 1
                assert time.monotonic() - started < 2.5
                await viewer.send_str("ping")
                assert await viewer.receive_str(timeout=PATIENCE_S) == "pong", "viewers are served on"
                late = await RawViewer.connect(gateway.address, WATCH)
                assert late.status == 101, "and new ones are let in"
                late.close()
                await asyncio.sleep(0.5)
            own_redis_server.start()
            started = time.monotonic()

            async def is_back() -> bool:
                await post(http, body())
                try:
                    return bool((await viewer.receive_json(timeout=0.2))["type"] == "frame")
                except TimeoutError:
                    return False

            await wait_for(is_back)
            assert time.monotonic() - started < 5
            for _ in range(20):
                _, answer = await post(http, body())
                assert answer["viewers"] == 1, "counted again"
            first = (await viewer.receive_json(timeout=PATIENCE_S))["frame_count"]
            counts = [(await viewer.receive_json(timeout=PATIENCE_S))["frame_count"] for _ in range(19)]
            assert counts == list(range(first + 1, first + 20)), "from then on it misses nothing"
            assert gateway.service.log.count("no pictures come until") == 2, "once by each of two subscriptions"
            await wait_for(lambda: resident_bytes(pid) - held < 3_000_000)


async def test_a_redis_that_hangs_is_away_too(own_redis_server: RedisServer, tmp_path: Path) -> None:
    with running_gateway(own_redis_server.url, tmp_path) as gateway:
        async with aiohttp.ClientSession(gateway.url) as http, http.ws_connect(gateway.viewer_url("CAM1")) as viewer:
            await post(http, body())
            assert (await viewer.receive_json(timeout=PATIENCE_S))["frame_count"] == 1
            os.kill(own_redis_server.pid, signal.SIGSTOP)
            try:
                for path, payload in (("/api/broadcast-detection", body()), ("/api/cameras", None), ("/readyz", None)):
                    started = time.monotonic()
                    async with http.request("POST" if payload else "GET", path, json=payload) as answer:
                        assert answer.status == 503
                        assert int(answer.headers["Retry-After"]) >= 1
                    assert time.monotonic() - started < 2.5, path
                await viewer.send_str("ping")
                assert await viewer.receive_str(timeout=PATIENCE_S) == "pong", "viewers are served on"
            finally:
                os.kill(own_redis_server.pid, signal.SIGCONT)
            await wait_for(lambda: is_ready(http))
            await post(http, body())
            frame = await viewer.receive_json(timeout=PATIENCE_S)
            assert frame["metadata"] == METADATA
            assert frame["frame_count"] == 2, "what was answered with 503 was neither published nor counted"


async def is_ready(http: aiohttp.ClientSession) -> bool:
    async with http.get("/readyz") as answer:
        return answer.status == 200


async def test_a_lost_subscription_is_made_anew_and_shows_the_latest(
    gateway: Gateway, http: aiohttp.ClientSession, redis: Redis
) -> None:
    async with http.ws_connect(gateway.viewer_url("CAM1", "&format=binary")) as viewer:
        await publish(redis, 1)
        assert number_in(await viewer.receive_bytes(timeout=PATIENCE_S)) == 1
        await redis.set(
            keys.latest("CAM1"), make_message(2)
        )  # its PUBLISH is what the lost connection would have missed
        await redis.client_kill_filter(_type="pubsub")
        assert number_in(await viewer.receive_bytes(timeout=PATIENCE_S)) == 2
        await publish(redis, 3)
        assert number_in(await viewer.receive_bytes(timeout=PATIENCE_S)) == 3


async def test_a_publisher_whose_clock_is_behind_is_shown(
    gateway: Gateway, http: aiohttp.ClientSession, redis: Redis
) -> None:
    await publish(redis, 1)
    async with http.ws_connect(gateway.viewer_url("CAM1", "&format=binary")) as viewer:
        assert number_in(await viewer.receive_bytes(timeout=PATIENCE_S)) == 1
        await wait_for(lambda: is_subscribed(redis))
        behind = pack_viewer_message("CAM1", b"\xff\xd8\xff", {}, 2, time.time() - 30)
        await redis.publish(keys.live("CAM1"), behind)
        assert await viewer.receive_bytes(timeout=PATIENCE_S) == behind


async def is_subscribed(redis: Redis) -> bool:
    ((_, count),) = await redis.pubsub_numsub(keys.live("CAM1"))
    return bool(count)


async def test_a_stalled_viewer_never_makes_redis_drop_the_gateway(
    own_redis_server: RedisServer, own_redis: Redis, tmp_path: Path
) -> None:
    await own_redis.config_set("client-output-buffer-limit", "pubsub 2mb 1mb 1")
    with running_gateway(own_redis_server.url, tmp_path) as gateway:
        stalled = [await RawViewer.connect(gateway.address, WATCH, receive_buffer_bytes=8192) for _ in range(5)]
        async with aiohttp.ClientSession(gateway.url) as http:
            async with http.ws_connect(gateway.viewer_url("CAM1", "&format=binary"), max_msg_size=0) as good:
                watching = asyncio.create_task(collect_numbers(good, 60))
                await publish(own_redis, 1, 300_000)
                subscribed = {client["id"] for client in await own_redis.client_list(_type="pubsub")}
                await publish_many(own_redis, 59, 20, 300_000, first=2)
                assert await watching == list(range(1, 61))
                assert {client["id"] for client in await own_redis.client_list(_type="pubsub")} == subscribed
        for viewer in stalled:
            viewer.close()


async def test_only_watched_cameras_are_subscribed(gateway: Gateway, redis: Redis) -> None:
    async def channels() -> set[bytes]:
        return {as_bytes(channel) for channel in await redis.pubsub_channels("*:live")}

    first = await RawViewer.connect(gateway.address, "/ws/viewer/detection?camera_id=A")
    second = await RawViewer.connect(gateway.address, "/ws/viewer/detection?camera_id=B")
    expected = {keys.live("A").encode(), keys.live("B").encode()}
    assert await _becomes(channels, expected)
    assert len(await redis.client_list(_type="pubsub")) == 2, "one for all of these viewers, one for all live ones"
    first.close()
    assert await _becomes(channels, {keys.live("B").encode()})
    second.close()
    assert await _becomes(channels, set())


async def _becomes(ask: Callable[[], Awaitable[set[bytes]]], expected: set[bytes]) -> bool:
    async def is_so() -> bool:
        return await ask() == expected

    await wait_for(is_so)
    return True
