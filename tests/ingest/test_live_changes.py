"""Cameras changed while ingest runs, as people do it: through the API and with redis-cli. Two seconds each, at most."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.cameras import Camera
from tests.support.cameras import multipart_camera, serving
from tests.support.pictures import make_jpeg
from tests.support.processes import running, running_gateway
from tests.support.waiting import wait_for

PICTURES = [make_jpeg(seed=seed) for seed in range(2)]
WITHIN_S = 2.0

Change = Callable[[str, dict[str, Any] | None], Awaitable[None]]
"""Makes a camera be so, or (None) be gone."""


async def through_the_api(redis_url: str, folder: Path, stack: AsyncExitStack) -> Change:
    gateway = stack.enter_context(running_gateway(redis_url, folder))
    http = await stack.enter_async_context(aiohttp.ClientSession(gateway.url))
    known: set[str] = set()

    async def change(camera_id: str, fields: dict[str, Any] | None) -> None:
        path, name = f"/api/cameras/{camera_id}", {"name": camera_id}
        if fields is None:
            sent = http.delete(path)
        elif camera_id in known:
            sent = http.put(path, json=fields)
        else:
            sent = http.post("/api/cameras", json={"id": camera_id, **name, **fields})
        known.add(camera_id)
        async with sent as answer:
            assert answer.ok, await answer.text()

    return change


async def with_redis_cli(redis_url: str, folder: Path, stack: AsyncExitStack) -> Change:
    client = shutil.which("redis-cli")
    if client is None:
        pytest.skip("no redis-cli")

    async def change(camera_id: str, fields: dict[str, Any] | None) -> None:
        if fields is None:
            command = ["HDEL", keys.CAMERAS, camera_id]
        else:
            camera = Camera(id=camera_id, name=camera_id, **fields)
            command = ["HSET", keys.CAMERAS, camera_id, camera.model_dump_json()]
        arguments = [client, "-u", redis_url, "--no-auth-warning", "-e", *command]
        await asyncio.to_thread(subprocess.run, arguments, check=True, stdout=subprocess.DEVNULL)

    return change


@pytest.fixture(params=[through_the_api, with_redis_cli])
async def change(request: pytest.FixtureRequest, redis_url: str, tmp_path: Path) -> AsyncIterator[Change]:
    async with AsyncExitStack() as stack:
        yield await request.param(redis_url, tmp_path, stack)


async def test_cameras_come_change_rest_and_go(change: Change, redis: Redis, redis_url: str, tmp_path: Path) -> None:
    async def newest() -> bytes | None:
        rows: Any = await redis.xrevrange(keys.frames("gate"), count=1)
        return rows[0][1][b"jpeg"] if rows else None

    async def state() -> bytes | None:
        told: Any = await redis.hget(keys.status("gate"), "ingest_state")
        return bytes(told) if told else None

    async def shows(picture: bytes) -> bool:
        return await newest() == picture

    async def is_disabled() -> bool:
        return await state() == b"disabled"

    async def is_live() -> bool:
        return await state() == b"live"

    async def is_gone() -> bool:
        return not await redis.exists(keys.status("gate"), keys.frames("gate"), keys.lease("ingest", "gate"))

    async with (
        serving(multipart_camera(PICTURES[:1])) as first,
        serving(multipart_camera(PICTURES[1:])) as second,
    ):
        with running("services.ingest", {"REDIS_URL": redis_url}, tmp_path / "ingest.log") as ingest:
            await wait_for(lambda: redis.exists(keys.PROBE_WORKER))
            await change("gate", {"url": f"{first}/stream"})
            await wait_for(lambda: shows(PICTURES[0]), WITHIN_S)
            await change("gate", {"url": f"{second}/stream"})
            await wait_for(lambda: shows(PICTURES[1]), WITHIN_S)
            await change("gate", {"url": f"{second}/stream", "enabled": False})
            await wait_for(is_disabled, WITHIN_S)
            await change("gate", {"url": f"{second}/stream", "enabled": True})
            await wait_for(is_live, WITHIN_S)
            await change("gate", None)
            await wait_for(is_gone, WITHIN_S)
            assert ingest.log.count("ingest ready") == 1, "without a restart"
