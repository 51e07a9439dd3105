"""What goes over the wire: the published bytes as they are, or JSON, made only where somebody wants it."""

from __future__ import annotations

import base64
from pathlib import Path

import aiohttp
import msgpack
import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.messages import pack_viewer_message
from tests.gateway.feeding import make_message
from tests.gateway.test_reference_worker import JPEG, METADATA, body, post
from tests.support.processes import Gateway
from tests.support.waiting import PATIENCE_S, wait_for

NO_MESSAGE = b"\xc1 is no msgpack"


async def subscribed(redis: Redis) -> bool:
    ((_, count),) = await redis.pubsub_numsub(keys.live("CAM1"))
    return bool(count)


async def test_binary_viewers_get_the_published_bytes_untouched(
    gateway: Gateway, http: aiohttp.ClientSession, redis: Redis
) -> None:
    async with http.ws_connect(gateway.viewer_url("CAM1", "&format=binary")) as viewer:
        await wait_for(lambda: subscribed(redis))
        for length in (100, 50_000, 400_000):
            message = make_message(1, length)
            await redis.publish(keys.live("CAM1"), message)
            assert await viewer.receive_bytes(timeout=PATIENCE_S) == message


@pytest.mark.parametrize("count", [1, 128, 256, 65_536, 2**32, 2**52])
async def test_what_a_worker_posts_is_the_message_that_a_detector_would_make(
    gateway: Gateway, http: aiohttp.ClientSession, redis: Redis, count: int
) -> None:
    async with http.ws_connect(gateway.viewer_url("CAM1", "&format=binary")) as viewer:
        await wait_for(lambda: subscribed(redis))
        await redis.set(keys.count("CAM1"), count - 1)
        await post(http, body())
        got = await viewer.receive_bytes(timeout=PATIENCE_S)
        at_s = msgpack.unpackb(got)["timestamp"]
        assert got == pack_viewer_message("CAM1", JPEG, METADATA, count, at_s)
        assert got == await redis.get(keys.latest("CAM1"))
        # The message tells the gateway's estimate of Redis's clock, the list of broadcasters that clock itself.
        assert await redis.zscore(keys.BROADCASTERS, "CAM1") == pytest.approx(at_s, abs=0.5)
        assert await redis.ttl(keys.count("CAM1")) > 86_000


async def test_json_is_made_only_while_somebody_wants_it(
    gateway: Gateway, http: aiohttp.ClientSession, redis: Redis, tmp_path: Path
) -> None:
    async with http.ws_connect(gateway.viewer_url("CAM1", "&format=binary")) as binary:
        await wait_for(lambda: subscribed(redis))
        await redis.publish(keys.live("CAM1"), NO_MESSAGE)
        assert await binary.receive_bytes(timeout=PATIENCE_S) == NO_MESSAGE
        assert "message skipped" not in gateway.service.log, "nobody has looked into it"
        async with http.ws_connect(gateway.viewer_url("CAM1")) as json_viewer:
            await json_viewer.send_str("ping")
            assert await json_viewer.receive_str(timeout=PATIENCE_S) == "pong"
            await redis.publish(keys.live("CAM1"), NO_MESSAGE)
            assert await binary.receive_bytes(timeout=PATIENCE_S) == NO_MESSAGE
            await wait_for(lambda: "message skipped" in gateway.service.log)
            message = make_message(2)
            await redis.publish(keys.live("CAM1"), message)
            told = await json_viewer.receive_json(timeout=PATIENCE_S)
            assert base64.b64decode(told["frame"].partition(",")[2]) == msgpack.unpackb(message)["frame"]
            assert await binary.receive_bytes(timeout=PATIENCE_S) == message, "one that cannot be told harms no other"
