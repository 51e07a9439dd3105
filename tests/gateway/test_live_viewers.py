"""Many cameras on one connection, against a real gateway and a real Redis."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.cameras import Camera
from libs.common.live_messages import LIVE_MESSAGES
from libs.common.messages import pack_viewer_message
from services.ingest.jpeg import jpeg_size
from tests.gateway.feeding import metric
from tests.gateway.live_viewer import DRAWN, JPEG, SMALL, live_viewer, metadata_of, publish_frame
from tests.support.pictures import make_jpeg
from tests.support.processes import Gateway, running_gateway
from tests.support.waiting import PATIENCE_S, wait_for


async def subscribed(redis: Redis, *channels: str) -> bool:
    told: Any = await redis.pubsub_numsub(*channels)
    return all(int(count) > 0 for _, count in told)


async def test_four_cameras_in_all_kinds_on_one_connection(
    gateway: Gateway, http: aiohttp.ClientSession, redis: Redis
) -> None:
    async with live_viewer(http) as viewer:
        await viewer.watch("PLAIN")
        await viewer.watch("DRAWN", "annotated")
        await viewer.watch("SMALL", "small")
        await viewer.watch("NONE", "none")
        wanted = keys.plain("PLAIN"), keys.live("DRAWN"), keys.small("SMALL"), keys.plain("NONE")
        await wait_for(lambda: subscribed(redis, *wanted))
        assert not await subscribed(redis, keys.live("PLAIN")), "nobody draws for a viewer that draws itself"
        seen: dict[str, Any] = {}
        tables: dict[str, Any] = {}
        for camera_id in ("PLAIN", "DRAWN", "SMALL", "NONE"):
            await publish_frame(redis, camera_id, 1)
        async with asyncio.timeout(PATIENCE_S):
            while len(seen) < 4:
                message = await viewer.read()
                if message["type"] == "spaces":
                    tables[message["camera_id"]] = message
                elif message["type"] == "frame" and message["n"] == 1:
                    seen[message["camera_id"]] = message
        assert {one: frame["jpeg"] for one, frame in seen.items()} == {
            "PLAIN": JPEG, "DRAWN": DRAWN, "SMALL": SMALL, "NONE": None,
        }  # fmt: skip
        for camera_id, frame in seen.items():
            assert frame["spaces"] == tables[camera_id]["version"]
            assert frame["states"] == bytes([0b0100])
            assert frame["size"] == [640, 360]


async def feed_still(redis: Redis, camera_id: str) -> None:
    """Ten frames a second of which only the first shows anything new."""
    number = 1
    while True:
        await publish_frame(redis, camera_id, number, still_since=1 if number > 1 else None)
        number += 1
        await asyncio.sleep(0.1)


async def test_every_message_has_the_form_that_asyncapi_tells(
    gateway: Gateway, http: aiohttp.ClientSession, redis: Redis
) -> None:
    camera = Camera(id="CAM1", name="North", url="http://127.0.0.1:9/")
    await redis.hset(keys.CAMERAS, camera.id, camera.model_dump_json())
    models = {model.model_fields["type"].default: model for model in LIVE_MESSAGES}
    missing = set(models) - {"hello"}
    async with live_viewer(http) as viewer:
        await viewer.watch("CAM1")
        await viewer.socket.send_str("{}")
        await wait_for(lambda: subscribed(redis, keys.plain("CAM1")))
        feeding = asyncio.create_task(feed_still(redis, "CAM1"))
        async with asyncio.timeout(PATIENCE_S):
            while missing:
                message = await viewer.read(15)
                models[message["type"]].model_validate(message)
                missing.discard(message["type"])
        feeding.cancel()


async def test_a_still_lot_costs_next_to_nothing(gateway: Gateway, http: aiohttp.ClientSession, redis: Redis) -> None:
    async with live_viewer(http) as viewer:
        await viewer.watch("CAM1")
        await wait_for(lambda: subscribed(redis, keys.plain("CAM1")))
        await publish_frame(redis, "CAM1", 1)
        await viewer.frame("CAM1", 1)
        for number in range(2, 32):
            await publish_frame(redis, "CAM1", number, still_since=1)
            await asyncio.sleep(0.1)
        await publish_frame(redis, "CAM1", 40)
        between: list[str] = []
        message = await viewer.read()
        while message["type"] != "frame":
            between.append(message["type"])
            message = await viewer.read()
        assert message["n"] == 40
        assert 2 <= between.count("still") <= 4


async def test_who_does_not_acknowledge_gets_one_picture_and_then_the_newest(
    gateway: Gateway, http: aiohttp.ClientSession, redis: Redis
) -> None:
    async with live_viewer(http) as viewer:
        viewer.acknowledges = False
        await viewer.watch("A")
        await viewer.watch("B")
        await wait_for(lambda: subscribed(redis, keys.plain("A"), keys.plain("B")))
        for number in range(1, 6):
            await publish_frame(redis, "A", number)
            await publish_frame(redis, "B", number)
        first = await viewer.until(lambda one: one["type"] == "frame")
        with pytest.raises(TimeoutError):
            await viewer.until(lambda one: one["type"] == "frame", timeout_s=0.5)
    async with live_viewer(http) as viewer:
        assert first["n"] == 1


async def test_the_current_picture_comes_at_once_though_nothing_is_published(
    gateway: Gateway, http: aiohttp.ClientSession, redis: Redis
) -> None:
    await publish_frame(redis, "CAM1", 5, latest=True)
    async with live_viewer(http) as viewer:
        await viewer.watch("CAM1")
        frame = await viewer.frame("CAM1")
        assert (frame["n"], frame["picture"], frame["jpeg"]) == (5, "annotated", DRAWN)


async def test_who_wants_small_pictures_gets_the_current_one_small_too(
    gateway: Gateway, http: aiohttp.ClientSession, redis: Redis
) -> None:
    message = pack_viewer_message("CAM1", make_jpeg(1280, 720), metadata_of(), 5, time.time())
    await redis.set(keys.latest("CAM1"), message)
    async with live_viewer(http) as viewer:
        await viewer.watch("CAM1", "small")
        frame = await viewer.frame("CAM1")
        assert (frame["n"], frame["picture"], frame["size"]) == (5, "annotated", [640, 360])
        assert jpeg_size(frame["jpeg"]) == (480, 270)


async def test_what_it_may_not_ask_for_is_told_and_harms_nothing(
    gateway: Gateway, http: aiohttp.ClientSession, redis: Redis
) -> None:
    wrong = ["", "[]", "{", '{"op": "fly"}', '{"op": "watch"}', '{"op": "watch", "camera_id": "a/b"}',
             '{"op": "watch", "camera_id": "A", "fps": 0}', '{"op": "watch", "camera_id": "A", "picture": "huge"}',
             json.dumps({"op": "watch", "camera_id": "A", "more": 1})]  # fmt: skip
    async with live_viewer(http) as viewer:
        for text in wrong:
            await viewer.socket.send_str(text)
            assert (await viewer.read())["type"] == "error", text
        await viewer.socket.send_bytes(b"\x00")
        assert (await viewer.read())["type"] == "error"
        await viewer.socket.send_str("ping")
        assert await viewer.socket.receive_str(timeout=PATIENCE_S) == "pong"
        for number in range(129):
            await viewer.watch(f"CAM{number}", "none")
        refusal = await viewer.until(lambda one: one["type"] == "error")
        assert refusal["camera_id"] == "CAM128"
        assert "128" in refusal["detail"]


async def test_viewers_are_counted_by_camera(gateway: Gateway, http: aiohttp.ClientSession, redis: Redis) -> None:
    async def counted() -> int:
        hash_of_gateways: Any = await redis.hgetall(keys.viewers("CAM1"))
        return sum(int(count) for count in hash_of_gateways.values())

    async def is_counted(number: int) -> bool:
        return await counted() == number

    async with live_viewer(http) as viewer, http.ws_connect(gateway.viewer_url("CAM1")):
        await viewer.watch("CAM1")
        await wait_for(lambda: is_counted(2))
        await viewer.unwatch("CAM1")
        await wait_for(lambda: is_counted(1))
    await wait_for(lambda: is_counted(0))


async def test_frames_are_counted_by_what_became_of_them(
    gateway: Gateway, http: aiohttp.ClientSession, redis: Redis
) -> None:
    async with live_viewer(http) as viewer, live_viewer(http) as other:
        assert await metric(http, 'lotcast_viewers{format="live"}') == 2
        viewer.acknowledges = False
        await viewer.watch("CAM1")
        await other.watch("CAM1", "none")  # gets every frame, so that it tells how far the gateway is
        await wait_for(lambda: subscribed(redis, keys.plain("CAM1")))
        for number in (1, 2, 3):
            await publish_frame(redis, "CAM1", number)
            await other.frame("CAM1", number)
        await viewer.frame("CAM1", 1)
        await viewer.acknowledge()
        assert (await viewer.frame("CAM1"))["n"] == 3
        await publish_frame(redis, "CAM1", 4, still_since=3)
        await publish_frame(redis, "CAM1", 5)
        await other.frame("CAM1", 5)
        await viewer.acknowledge()
        assert (await viewer.frame("CAM1"))["n"] == 5

    async def counted() -> bool:
        sent = await metric(http, 'lotcast_frames_total{outcome="ok",stage="send"}')
        still = await metric(http, 'lotcast_frames_total{outcome="still",stage="send"}')
        newer = await metric(http, 'lotcast_frames_dropped_total{cause="newer",stage="send"}')
        return (sent, still, newer) == (3 + 4, 1 + 1, 1)

    await wait_for(counted)


async def test_status_is_told_at_first_and_when_it_changes(
    gateway: Gateway, http: aiohttp.ClientSession, redis: Redis
) -> None:
    camera = Camera(id="CAM1", name="North", url="http://user:secret-word@127.0.0.1:9/")
    await redis.hset(keys.CAMERAS, camera.id, camera.model_dump_json())
    async with live_viewer(http) as viewer:
        await viewer.watch("CAM1", "none")
        status = await viewer.until(lambda one: one["type"] == "status")
        assert status["status"]["name"] == "North"
        assert "secret-word" not in json.dumps(status)
        await redis.hset(keys.CAMERAS, camera.id, camera.model_copy(update={"name": "South"}).model_dump_json())
        await viewer.until(lambda one: one["type"] == "status" and one["status"]["name"] == "South", timeout_s=5)


async def test_one_more_than_the_gateway_takes_is_refused(redis_url: str, tmp_path: Path) -> None:
    with running_gateway(redis_url, tmp_path, GATEWAY_VIEWERS_MAX="1") as gateway:
        async with aiohttp.ClientSession(gateway.url) as http, live_viewer(http):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await http.ws_connect("/ws/viewer/live")
            assert refused.value.status == 503


async def test_a_worker_of_the_system_replaced_is_seen_whatever_picture_is_asked_for(
    gateway: Gateway, http: aiohttp.ClientSession, redis: Redis
) -> None:
    posted = {
        "camera_id": "OLD",
        "frame_base64": base64.b64encode(make_jpeg()).decode(),
        "metadata": {"vehicle_count": 1},
    }
    async with live_viewer(http) as viewer, live_viewer(http) as other:
        await viewer.watch("OLD", "plain")
        await other.watch("OLD", "small")
        await wait_for(lambda: subscribed(redis, keys.plain("OLD"), keys.small("OLD")))
        async with http.post("/api/broadcast-detection", json=posted) as answer:
            assert answer.status == 200
        for one in (viewer, other):
            assert (await one.frame("OLD"))["jpeg"] == make_jpeg()


async def test_a_page_that_was_frozen_is_noticed_though_it_has_no_picture_to_acknowledge(
    redis_url: str, redis: Redis, tmp_path: Path
) -> None:
    with running_gateway(redis_url, tmp_path, GATEWAY_KEEPALIVE_AFTER_S="0.5") as gateway:
        async with aiohttp.ClientSession(gateway.url) as http, live_viewer(http) as frozen, live_viewer(http) as awake:
            await frozen.watch("FROZEN", "none")
            await awake.watch("AWAKE", "none")
            watched = keys.plain("FROZEN"), keys.plain("AWAKE")
            await wait_for(lambda: subscribed(redis, *watched))

            async def say_ping() -> None:
                while True:
                    await awake.socket.send_str("ping")
                    await asyncio.sleep(0.2)

            pinging = asyncio.create_task(say_ping())
            heard: list[Any] = []
            async with asyncio.timeout(PATIENCE_S):
                while (message := await frozen.socket.receive()).type is not aiohttp.WSMsgType.CLOSE:
                    heard.append(message.data)
            assert heard.count("keepalive") == 1, "it is asked once before it counts as gone"
            assert message.data == 1013
            await wait_for(lambda: nobody_subscribes(redis, keys.plain("FROZEN")))
            await asyncio.sleep(1.5)
            pinging.cancel()
            assert await subscribed(redis, keys.plain("AWAKE")), "who says anything at all is there"
            assert not awake.socket.closed


async def nobody_subscribes(redis: Redis, channel: str) -> bool:
    return not await subscribed(redis, channel)
