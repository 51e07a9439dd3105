"""Redis at its memory limit under the whole system: pictures and leases go on, history stops, the logs stay quiet."""

from __future__ import annotations

import time
from itertools import islice
from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import Redis

from deploy.demo.model.measuring import read_clip
from libs.common import keys
from libs.common.spaces import ParkingSpace, dump_spaces
from services.detector.pictures import encode
from tests.support.cameras import multipart_camera, serving
from tests.support.processes import ROOT, running, running_gateway
from tests.support.redis_server import RedisServer
from tests.support.waiting import PATIENCE_S, wait_for

CLIP = ROOT / "deploy/demo/assets/north.mp4"
FULL_S = 8.0
LEASE_S = 5.0
"""A busy machine's pauses are shorter; a lease that a full Redis did not extend would be lost while it is full."""
SQUARE = [(0.1, 0.1), (0.2, 0.1), (0.2, 0.2)]


@pytest.mark.timeout(180)
async def test_pictures_go_on(own_redis_server: RedisServer, own_redis: Redis, tmp_path: Path) -> None:
    jpegs = [encode(picture, 80) for picture in islice(read_clip(CLIP), 12)]
    spaces = [ParkingSpace(space_id="A1", space_name="A1", polygon=SQUARE)]
    await own_redis.set(keys.spaces("CAM1"), dump_spaces(spaces))
    environment = {
        "REDIS_URL": own_redis_server.url,
        "INGEST_LEASE_TIMEOUT_S": str(LEASE_S),
        "DETECTOR_LEASE_TIMEOUT_S": str(LEASE_S),
    }
    async with serving(multipart_camera(jpegs, interval_s=0.1)) as camera:
        reading = {**environment, "INGEST_CAMERAS": f"CAM1={camera}/stream"}
        ingest = running("services.ingest", reading, tmp_path / "ingest.log")
        detector = running("services.detector", environment, tmp_path / "detector.log")
        with ingest as reader, detector as finder, running_gateway(own_redis_server.url, tmp_path) as gateway:
            async with aiohttp.ClientSession() as http:
                async with http.ws_connect(gateway.viewer_url("CAM1", "&format=binary"), max_msg_size=0) as viewer:

                    async def logs_more_than(entries: int) -> bool:
                        await viewer.receive_bytes(timeout=PATIENCE_S)  # one that takes nothing is cut off
                        return await own_redis.xlen(keys.log("CAM1")) > entries

                    await wait_for(lambda: logs_more_than(0))
                    await own_redis.config_set("maxmemory", 1)
                    full_s = time.monotonic()
                    while time.monotonic() < full_s + 1.5:  # the level is asked for once a second
                        await viewer.receive_bytes(timeout=PATIENCE_S)
                    logged, seen = await own_redis.xlen(keys.log("CAM1")), 0
                    while time.monotonic() < full_s + FULL_S:
                        await viewer.receive_bytes(timeout=PATIENCE_S)
                        seen += 1
                    assert seen > FULL_S, "pictures go on"
                    assert await own_redis.xlen(keys.log("CAM1")) <= logged, "the log stops"
                    assert await own_redis.xlen(keys.frames("CAM1")) <= 5, "and streams are trimmed"
                    owner = await own_redis.get(keys.lease("detector", "CAM1"))
                    assert owner is not None
                    await own_redis.config_set("maxmemory", 0)
                    await wait_for(lambda: logs_more_than(logged))
            for process in (reader, finder, gateway.service):
                assert "lease lost" not in process.log
                assert "Redis is away" not in process.log
                assert 1 <= process.log.count("Redis is full") <= 3, process.log
