"""The document's numbers and fields, where no single answer shows them."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import BaseModel
from redis.asyncio import Redis

from libs.common import keys
from libs.common.clock import iso_from_ms
from libs.common.messages import FrameMetadata, MatchedDetection, NormalisedBox, PixelDetection, SpaceOccupancy
from services.detector.settings import DetectorSettings
from services.gateway.broadcasts import INACTIVE_AFTER_S
from services.gateway.settings import GatewaySettings
from tests.gateway.test_reference_worker import METADATA, body, post
from tests.support.processes import Gateway, running_gateway
from tests.support.waiting import PATIENCE_S


def test_the_numbers_are_the_documents() -> None:
    gateway = GatewaySettings()
    assert gateway.port == 8069
    assert gateway.send_timeout_s == 0.5
    assert gateway.keepalive_after_s == 30
    assert INACTIVE_AFTER_S == 300
    assert DetectorSettings().jpeg_quality == 85


@pytest.mark.parametrize(
    ("model", "example"),
    [
        (FrameMetadata, METADATA),
        (PixelDetection, METADATA["detections"][0]),
        (SpaceOccupancy, METADATA["space_occupancy"][0]),
        (NormalisedBox, METADATA["space_occupancy"][0]["bbox"]),
        (MatchedDetection, METADATA["matched_detections"][0]),
    ],
)
def test_our_detector_says_everything_that_the_old_worker_said(model: type[BaseModel], example: dict[str, Any]) -> None:
    always = {field.alias or name for name, field in model.model_fields.items() if field.is_required()}
    assert example.keys() - always <= {"track_id"}, "a vehicle that is not tracked yet has none: there, it is null"
    assert "track_id" not in example or "track_id" in model.model_fields


def test_the_time_of_a_frame_is_read_alike_everywhere() -> None:
    when = datetime.fromisoformat(iso_from_ms(1_767_789_045_123))
    assert when.timestamp() == 1_767_789_045.123
    assert when.utcoffset() is not None


async def test_keepalive_goes_to_a_viewer_that_says_nothing_though_frames_flow(redis_url: str, tmp_path: Path) -> None:
    with running_gateway(redis_url, tmp_path, GATEWAY_KEEPALIVE_AFTER_S="0.5") as gateway:
        async with (
            aiohttp.ClientSession(gateway.url) as http,
            http.ws_connect(gateway.viewer_url("CAM1")) as silent,
            http.ws_connect(gateway.viewer_url("CAM1")) as talking,
        ):

            async def feed() -> None:
                while True:
                    await post(http, body())
                    await talking.send_str("ping")
                    await asyncio.sleep(0.1)

            feeding = asyncio.create_task(feed())
            heard_by_silent, frames = "", 0
            while heard_by_silent != "keepalive":
                heard_by_silent = await silent.receive_str(timeout=PATIENCE_S)
                frames += heard_by_silent.startswith("{")
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
            assert frames > 0
            await talking.send_str("ping")
            pings_heard = [await talking.receive_str(timeout=PATIENCE_S) for _ in range(2 * frames)]
    assert "pong" in pings_heard
    assert "keepalive" not in pings_heard


async def test_a_broadcaster_that_nobody_feeds_or_watches_goes_after_five_minutes(
    gateway: Gateway, http: aiohttp.ClientSession, redis: Redis
) -> None:
    for camera_id, silent_s in {"NEW": 290.0, "OLD": 310.0, "WATCHED": 310.0}.items():
        await post(http, body(camera_id=camera_id))
        await redis.zadd(keys.BROADCASTERS, {camera_id: time.time() - silent_s})
    async with http.ws_connect(gateway.viewer_url("WATCHED")) as viewer:
        await viewer.receive_str(timeout=PATIENCE_S)
        async with http.get("/api/broadcast-status") as answer:
            rows = (await answer.json())["broadcasters"]
    assert [row["camera_id"] for row in rows] == ["NEW", "WATCHED"]
    assert await redis.zscore(keys.BROADCASTERS, "OLD") is None
