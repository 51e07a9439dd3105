"""A camera that is deleted is gone for good while ingest, detectors and viewers are at work on it."""

from __future__ import annotations

import asyncio
import json
from itertools import islice
from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import Redis

from deploy.demo.model.measuring import read_clip
from libs.common import keys
from services.detector.pictures import encode
from tests.support.cameras import multipart_camera, serving
from tests.support.processes import ROOT, running, running_gateway
from tests.support.waiting import PATIENCE_S, wait_for

ASSETS = ROOT / "deploy/demo/assets"
ROUNDS = 3
GONE = ("count", "latest", "frames", "log", "counts", "status", "last_track_id", "occupancy", "events", "spaces")


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_nothing_of_a_deleted_camera_comes_back(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    jpegs = [encode(picture, 80) for picture in islice(read_clip(ASSETS / "north.mp4"), 6)]
    spaces = {"spaces": json.loads((ASSETS / "north.spaces.json").read_text("utf-8"))["spaces"]}
    environment = {"REDIS_URL": redis_url, "DETECTOR_OCCUPIED_AFTER_S": "0.1", "DETECTOR_LOG_INTERVAL_S": "0.1"}
    async with serving(multipart_camera(jpegs, interval_s=0.02)) as url:
        ingest = running("services.ingest", {"REDIS_URL": redis_url}, tmp_path / "ingest.log")
        one = running("services.detector", environment, tmp_path / "one.log")
        two = running("services.detector", environment, tmp_path / "two.log")
        first, second = (running_gateway(redis_url, tmp_path) for _ in range(2))
        with ingest, one, two, first as here, second as there:
            async with aiohttp.ClientSession(here.url) as http, aiohttp.ClientSession(there.url) as elsewhere:
                for _ in range(ROUNDS):
                    camera = {"id": "gate", "name": "Gate", "url": f"{url}/stream", "fps": 30}
                    async with http.post("/api/cameras", json=camera) as answer:
                        assert answer.status == 201
                    async with http.put("/api/cameras/gate/spaces", json=spaces) as answer:
                        assert answer.status == 200
                    async with (
                        http.ws_connect(here.viewer_url("gate")) as viewer,
                        elsewhere.ws_connect(there.viewer_url("gate")) as other,
                    ):
                        await wait_for(lambda: redis.exists(keys.last_track_id("gate")), 60)
                        for connection in (viewer, other):
                            assert (await connection.receive_json(timeout=PATIENCE_S))["type"] == "frame"
                        async with http.delete("/api/cameras/gate") as answer:
                            assert answer.status == 204
                        await stays_gone(redis, http, elsewhere, 3.0)
                        for gateway, client in ((here, http), (there, elsewhere)):
                            async with client.ws_connect(gateway.viewer_url("gate")) as late:
                                with pytest.raises(TimeoutError):
                                    await late.receive(timeout=0.5)


async def stays_gone(redis: Redis, http: aiohttp.ClientSession, elsewhere: aiohttp.ClientSession, for_s: float) -> None:
    """Look again and again: nothing of the camera is in Redis, listed or shown."""
    deadline = asyncio.get_running_loop().time() + for_s
    while asyncio.get_running_loop().time() < deadline:
        there = [kind for kind in GONE if await redis.exists(f"lotcast:{{gate}}:{kind}")]
        assert not there
        for client in (http, elsewhere):
            async with client.get("/api/cameras") as answer:
                assert (await answer.json())["cameras"] == []
            for path in ("snapshot.jpg", "snapshot.jpg?width=480", "stream.mjpg", "occupancy"):
                async with client.get(f"/api/cameras/gate/{path}") as answer:
                    assert answer.status == 404, path
        await asyncio.sleep(0.05)
