"""The camera zoo in front of the real ingest, and in front of `lotcast probe`: the same verdict and words."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.cameras import Camera
from services.ingest.probe import probe
from services.ingest.settings import IngestSettings
from tests.ingest.zoo import ZOO
from tests.support.cameras import serving
from tests.support.processes import running
from tests.support.waiting import wait_for

QUICK = IngestSettings(stall_after_s=2, connect_timeout_s=2)


@pytest.mark.parametrize("name", ZOO)
async def test_probe_gives_the_right_verdict(name: str) -> None:
    animal = ZOO[name]
    async with serving(animal.handler) as url:
        result = await probe(f"{url}/camera", QUICK, watch_s=0.2)
    assert result.ok == (animal.size is not None), result.problem
    if animal.size is None:
        assert animal.sentence in result.problem
        return
    assert (result.width, result.height) == animal.size
    assert result.picture in animal.pictures, "byte for byte"


async def status_of(redis: Redis, camera_id: str) -> dict[str, str]:
    answer: Any = await redis.hgetall(keys.status(camera_id))
    return {name.decode(): value.decode() for name, value in answer.items()}


async def problem_with(redis: Redis, name: str) -> str:
    """What is not yet as it should be with a camera; empty if nothing is."""
    animal, status = ZOO[name], await status_of(redis, name)
    if animal.size is None:
        is_told = status.get("ingest_state") == "error" and animal.sentence in status["ingest_error"]
        return "" if is_told or animal.sentence in status.get("ingest_error", "") else str(status)
    rows: Any = await redis.xrange(keys.frames(name))
    if status.get("ingest_state") != "live" or status["ingest_bad_frames"] != "0" or len(rows) < 3:
        return f"{len(rows)} frames, {status}"
    for _, fields in rows:
        if (int(fields[b"width"]), int(fields[b"height"])) != animal.size or fields[b"jpeg"] not in animal.pictures:
            return f"{fields[b'width']}x{fields[b'height']}, {len(fields[b'jpeg'])} bytes"
    return ""


@pytest.mark.slow
@pytest.mark.timeout(180)
async def test_ingest_reads_them_all(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    environment = {"REDIS_URL": redis_url, "INGEST_STALL_AFTER_S": "2", "INGEST_CONNECT_TIMEOUT_S": "2",
                   "INGEST_BACKOFF_MAX_S": "1"}  # fmt: skip
    async with AsyncExitStack() as stack:
        for name, animal in ZOO.items():
            url = await stack.enter_async_context(serving(animal.handler))
            camera = Camera(id=name, name=name, url=f"{url}/camera", fps=10)
            await redis.hset(keys.CAMERAS, name, camera.model_dump_json())
        ingest = stack.enter_context(running("services.ingest", environment, tmp_path / "log"))
        left = dict.fromkeys(ZOO, "not looked at")

        async def all_right() -> bool:
            for name in list(left):
                left[name] = await problem_with(redis, name)
                if not left[name]:
                    del left[name]
            return not left

        try:
            await wait_for(all_right, 90, every_s=0.5)
        except AssertionError:
            raise AssertionError(left) from None
        await _stays_live(redis, "503-when-asked-too-often", frames_a_second=2.0, reconnects=0)
        await _stays_live(redis, "closes-after-each-frame", frames_a_second=3.0, reconnects=None)
        assert "Traceback" not in ingest.log
        assert ingest.stop() == 0


async def _stays_live(redis: Redis, name: str, *, frames_a_second: float, reconnects: int | None) -> None:
    """Look at a camera until it has sent the frames of five seconds, in ten at most: it is live at every look.

    Its counters are written once a second, and the whole zoo is served by this test's process.
    """
    before, began_s, states = await status_of(redis, name), time.monotonic(), set()
    frames = 0
    while frames < 5 * frames_a_second:
        assert time.monotonic() - began_s < 10, f"{frames} frames in ten seconds"
        status = await status_of(redis, name)
        states.add(status["ingest_state"])
        frames = int(status["ingest_frames"]) - int(before["ingest_frames"])
        await asyncio.sleep(0.1)
    assert states == {"live"}
    if reconnects is not None:
        assert int((await status_of(redis, name))["ingest_reconnects"]) == reconnects
