"""Ingest as a real process, with real cameras and a real Redis."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from libs.common import keys
from libs.common.cameras import Camera
from libs.common.messages import FRAMES_MAXLEN, RawFrame
from services.ingest.jpeg import jpeg_size
from tests.support.cameras import answering, multipart_camera, serving
from tests.support.pictures import make_jpeg
from tests.support.processes import running
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_for

PICTURES = [make_jpeg(seed=seed) for seed in range(3)]


async def frames_of(redis: Redis, camera_id: str) -> list[RawFrame]:
    rows: Any = await redis.xrange(keys.frames(camera_id))
    return [RawFrame.from_fields(frame_id, fields) for frame_id, fields in rows]


async def status_of(redis: Redis, camera_id: str) -> dict[str, str]:
    answer: Any = await redis.hgetall(keys.status(camera_id))
    return {name.decode(): value.decode() for name, value in answer.items()}


async def register(redis: Redis, camera: Camera) -> None:
    await redis.hset(keys.CAMERAS, camera.id, camera.model_dump_json())


async def test_frames_reach_the_bus_undecoded(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    async with serving(multipart_camera(PICTURES, interval_s=0.02)) as url:
        environment = {"REDIS_URL": redis_url, "INGEST_CAMERAS": f"CAM1={url}/stream"}
        with running("services.ingest", environment, tmp_path / "log") as ingest:

            async def enough() -> bool:
                return len(await frames_of(redis, "CAM1")) == FRAMES_MAXLEN

            await wait_for(enough)
            frames = await frames_of(redis, "CAM1")
            assert all(frame.jpeg in PICTURES for frame in frames)
            assert all((frame.width, frame.height) == jpeg_size(frame.jpeg) for frame in frames)
            assert [frame.seq for frame in frames] == list(range(frames[0].seq, frames[0].seq + FRAMES_MAXLEN))

            async def told() -> bool:
                status = await status_of(redis, "CAM1")
                return status.get("ingest_state") == "live" and int(status["ingest_dropped"]) > 0

            await wait_for(told)
            assert ingest.stop(signal.SIGINT) == 0


async def test_a_bad_camera_says_why_and_harms_no_other(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    denying = answering("HTTP/1.1 401 Unauthorized\nContent-Length: 0")
    async with serving(multipart_camera(PICTURES)) as good, serving(denying) as bad:
        with running("services.ingest", {"REDIS_URL": redis_url}, tmp_path / "log") as ingest:
            await register(redis, Camera(id="GOOD", name="x", url=f"{good}/stream"))
            await register(redis, Camera(id="BAD", name="x", url=bad.replace("//", "//user:secret@") + "/stream"))
            await redis.hset(keys.CAMERAS, "BROKEN", json.dumps({"id": "BROKEN", "name": "x", "url": "ftp://x/"}))

            async def told() -> bool:
                statuses = [await status_of(redis, camera_id) for camera_id in ("GOOD", "BAD", "BROKEN")]
                return [status.get("ingest_state") for status in statuses] == ["live", "error", "error"]

            await wait_for(told)
            assert "check user name and password" in (await status_of(redis, "BAD"))["ingest_error"]
            assert "url: must start with" in (await status_of(redis, "BROKEN"))["ingest_error"]
            assert ingest.stop() == 0
            assert "secret" not in ingest.log


async def test_a_camera_that_comes_back_is_read_again(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    async with serving(multipart_camera(PICTURES, forever=False)) as url:
        with running("services.ingest", {"REDIS_URL": redis_url, "INGEST_CAMERAS": f"C={url}/s"}, tmp_path / "log"):

            async def reconnected() -> bool:
                status = await status_of(redis, "C")
                return int(status.get("ingest_reconnects", 0)) >= 2 and int(status["ingest_frames"]) >= 4

            await wait_for(reconnected)


async def test_redis_goes_and_comes_back(own_redis_server: RedisServer, own_redis: Redis, tmp_path: Path) -> None:
    async with serving(multipart_camera(PICTURES, interval_s=0.05)) as url:
        environment = {"REDIS_URL": own_redis_server.url, "INGEST_CAMERAS": f"CAM1={url}/stream"}
        with running("services.ingest", environment, tmp_path / "log") as ingest:

            async def flowing() -> bool:
                return bool(await frames_of(own_redis, "CAM1"))

            await wait_for(flowing)
            own_redis_server.stop()
            await asyncio.to_thread(ingest.wait_for_log, "frames are dropped until")
            own_redis_server.start()
            await wait_for(flowing)
            assert ingest.log.count("frames are dropped until") == 1, "said once"


async def test_it_stops_within_two_seconds_whatever_its_cameras_do(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    clip = Path(__file__).parents[2] / "deploy/demo/assets/north.mp4"
    async with serving(multipart_camera(PICTURES)) as good, serving(silent) as mute:
        urls = [f"{good}/stream", f"{mute}/stream", mute.replace("http", "rtsp"), clip.as_uri(), "http://192.0.2.1/"]
        for number, url in enumerate(urls):
            await register(redis, Camera(id=f"CAM{number}", name="x", url=url))
        with running("services.ingest", {"REDIS_URL": redis_url}, tmp_path / "log") as ingest:

            async def at_work() -> bool:
                return [await redis.exists(keys.frames(f"CAM{number}")) for number in (0, 3)] == [1, 1]

            await wait_for(at_work)
            started = time.monotonic()
            assert await asyncio.to_thread(ingest.stop) == 0
            assert time.monotonic() - started < 2
            assert await redis.keys("lotcast:lease:*") == []


def test_a_bad_file_stops_the_start(redis_url: str, tmp_path: Path) -> None:
    file = tmp_path / "cameras.yaml"
    file.write_text("cameras: [{id: gate, url: 'http://h/', fps: 99}]")
    environment = {"REDIS_URL": redis_url, "INGEST_CAMERAS_FILE": str(file)}
    with running("services.ingest", environment, tmp_path / "log") as ingest:
        assert ingest.process.wait(15) == 2
        assert "camera gate: fps: Input should be less than or equal to 60; it is 99" in ingest.log
