"""A viewer of the system replaced, speaking exactly its document's messages, works against the gateway."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path
from typing import Any

import aiohttp
import msgpack
import pytest

from services.gateway.settings import GatewaySettings
from tests.gateway.test_reference_worker import JPEG, METADATA, body, post
from tests.support.pictures import make_jpeg
from tests.support.processes import Gateway, running_gateway
from tests.support.waiting import PATIENCE_S


async def receive_frame(viewer: aiohttp.ClientWebSocketResponse) -> Any:
    return json.loads(await viewer.receive_str(timeout=PATIENCE_S))


async def test_the_current_frame_comes_at_once(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    await post(http, body())
    async with http.ws_connect(gateway.viewer_url("CAM1")) as viewer:
        message = await receive_frame(viewer)
    assert message.keys() - {"v"} == {"type", "camera_id", "frame", "metadata", "frame_count", "timestamp"}
    assert message["type"] == "frame"
    assert message["camera_id"] == "CAM1"
    prefix, _, data = message["frame"].partition(",")
    assert prefix == "data:image/jpeg;base64"
    assert base64.b64decode(data, validate=True) == JPEG
    assert message["metadata"] == METADATA
    assert message["frame_count"] == 1
    assert abs(time.time() - message["timestamp"]) < 10


async def test_frames_come_as_they_are_posted_and_are_counted(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(gateway.viewer_url("CAM1")) as viewer:
        for number in range(1, 6):
            jpeg = make_jpeg(seed=number)
            await post(http, body(frame_base64=base64.b64encode(jpeg).decode()))
            message = await receive_frame(viewer)
            assert message["frame_count"] == number
            assert base64.b64decode(message["frame"].partition(",")[2]) == jpeg


async def test_every_viewer_gets_its_own_camera_only(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    async with (
        http.ws_connect(gateway.viewer_url("CAM1")) as first,
        http.ws_connect(gateway.viewer_url("CAM1")) as second,
        http.ws_connect(gateway.viewer_url("CAM2")) as other,
    ):
        await post(http, body())
        await post(http, body(camera_id="CAM2"))
        assert [(await receive_frame(viewer))["camera_id"] for viewer in (first, second, other)] == [
            "CAM1", "CAM1", "CAM2",
        ]  # fmt: skip


async def test_ping_is_answered_with_pong(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(gateway.viewer_url("CAM1")) as viewer:
        await viewer.send_str("ping")
        assert await viewer.receive_str(timeout=PATIENCE_S) == "pong"
        await viewer.send_str("pong")
        await viewer.send_str("anything else")
        await viewer.send_bytes(b"\x00")
        await viewer.send_str("ping")
        assert await viewer.receive_str(timeout=PATIENCE_S) == "pong", "other messages are let pass"


async def test_keepalive_after_silence(redis_url: str, tmp_path: Path) -> None:
    with running_gateway(redis_url, tmp_path, GATEWAY_KEEPALIVE_AFTER_S="0.4") as gateway:
        async with aiohttp.ClientSession() as http, http.ws_connect(gateway.viewer_url("CAM1")) as viewer:
            started = time.monotonic()
            assert await viewer.receive_str(timeout=PATIENCE_S) == "keepalive"
            assert time.monotonic() - started >= 0.35
            assert await viewer.receive_str(timeout=PATIENCE_S) == "keepalive", "and again"
    assert GatewaySettings().keepalive_after_s == 30, "the document's"


async def test_a_camera_that_nobody_broadcasts_can_be_watched(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(gateway.viewer_url("NEW")) as viewer:
        await viewer.send_str("ping")
        assert await viewer.receive_str(timeout=PATIENCE_S) == "pong"
        async with http.get("/api/broadcast-status") as answer:
            rows = (await answer.json())["broadcasters"]
        assert [(row["camera_id"], row["viewers"], row["frame_count"]) for row in rows] == [("NEW", 1, 0)]


async def test_without_a_camera_id_there_is_no_stream(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    with pytest.raises(aiohttp.WSServerHandshakeError):
        await http.ws_connect(f"ws://{gateway.address}/ws/viewer/detection")


async def test_the_page_finds_its_cameras(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    await post(http, body())
    async with http.get("/api/cameras") as answer:
        cameras = (await answer.json())["cameras"]
    assert [(camera["id"], camera["name"]) for camera in cameras] == [("CAM1", "CAM1")]


async def test_binary_viewers_get_the_published_bytes(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(gateway.viewer_url("CAM1", "&format=binary")) as viewer:
        await post(http, body())
        message = msgpack.unpackb(await viewer.receive_bytes(timeout=PATIENCE_S))
    assert message["frame"] == JPEG
    assert message["metadata"] == METADATA
    assert message["v"] == 1


async def test_deflate_is_not_agreed_to(gateway: Gateway) -> None:
    async with aiohttp.ClientSession() as http, http.ws_connect(gateway.viewer_url("CAM1"), compress=15) as viewer:
        assert not viewer.compress, "pictures do not compress; it would cost milliseconds a frame and viewer"
