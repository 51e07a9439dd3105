"""Hosts whose clocks are three seconds ahead and behind: no frame is dropped for it, and each host is named."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from itertools import islice
from pathlib import Path
from statistics import median

import aiohttp
import msgpack
import pytest
from redis.asyncio import Redis

from deploy.demo.model.measuring import read_clip
from libs.common import keys
from services.detector.pictures import encode
from tests.support.cameras import multipart_camera, serving
from tests.support.ports import free_port
from tests.support.processes import ROOT, SKEWED, running, running_gateway
from tests.support.waiting import wait_for

CLIP = ROOT / "deploy/demo/assets/north.mp4"


@pytest.mark.parametrize(("ingest_ahead_s", "detector_ahead_s"), [("3", "-3"), ("-3", "3")])
async def test_frames_flow_and_the_hosts_are_named(
    redis: Redis, redis_url: str, tmp_path: Path, ingest_ahead_s: str, detector_ahead_s: str
) -> None:
    jpegs = [encode(picture, 80) for picture in islice(read_clip(CLIP), 12)]
    port = free_port()
    environment = {"REDIS_URL": redis_url, "DETECTOR_METRICS_PORT": str(port)}
    async with serving(multipart_camera(jpegs, interval_s=0.1)) as camera:
        reading = {**environment, "INGEST_CAMERAS": f"CAM1={camera}/stream"}
        ingest = running(SKEWED, reading, tmp_path / "ingest.log", ingest_ahead_s, "services.ingest")
        detector = running(SKEWED, environment, tmp_path / "detector.log", detector_ahead_s, "services.detector")
        with ingest as ingest_process, detector as detector_process, running_gateway(redis_url, tmp_path) as gateway:
            async with aiohttp.ClientSession() as http:
                async with http.ws_connect(gateway.viewer_url("CAM1", "&format=binary"), max_msg_size=0) as viewer:
                    messages = [msgpack.unpackb(await viewer.receive_bytes(timeout=60)) for _ in range(25)]
            seconds, _ = await redis.time()
            spans_ms = []
            for message in messages:
                timings = message["metadata"]["timings"]
                assert abs(timings["captured_at"] / 1000 - seconds) < 20, "by Redis's clock"
                hops = [timings[hop] for hop in ("captured_at", "read_at", "detected_at", "published_at")]
                assert hops == sorted(hops), "no hop goes back in time"
                spans_ms.append(hops[-1] - hops[0])
            assert median(spans_ms) < 2_000, "and the clocks' three seconds are in none of them"

            state, too_old = await redis.hmget(keys.status("CAM1"), ["ingest_state", "detector_too_old"])
            assert (state, too_old) == (b"live", b"0")
            for process, ahead_s in ((ingest_process, ingest_ahead_s), (detector_process, detector_ahead_s)):
                direction = "ahead of" if ahead_s == "3" else "behind"
                await wait_for(lambda: "the clock of host" in process.log)  # noqa: B023 - waited for right here
                lines = [json.loads(line) for line in process.log.splitlines() if "the clock of host" in line]
                assert len(lines) == 1, "told once"
                assert f"3.0 s {direction} Redis's" in lines[0]["event"]
                assert lines[0]["host"] in lines[0]["event"]

            def scrape() -> str:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                    return str(answer.read().decode())

            told = await asyncio.to_thread(scrape)
            (skew,) = (line for line in told.splitlines() if line.startswith("lotcast_clock_skew_seconds "))
            assert float(skew.split()[1]) == pytest.approx(float(detector_ahead_s), abs=0.1)
