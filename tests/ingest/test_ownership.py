"""Several ingests as real processes: they share the cameras, and no camera ever has two readers."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.cameras import Camera
from tests.support.cameras import multipart_camera, serving
from tests.support.cuttable_link import cuttable_link
from tests.support.pictures import make_jpeg
from tests.support.processes import ServiceProcess, running
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_for

CAMERA_IDS = [f"CAM{number}" for number in range(6)]


class Watched:
    """A camera that knows how many are reading it: a reader counts from its request until its connection closes."""

    def __init__(self) -> None:
        self.readers = 0
        self.most_readers = 0
        self._play = multipart_camera([make_jpeg()], interval_s=0.05)

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.readers += 1
        self.most_readers = max(self.most_readers, self.readers)
        playing = asyncio.ensure_future(self._play(reader, writer))
        closed = asyncio.ensure_future(reader.read())
        try:
            await asyncio.wait({playing, closed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self.readers -= 1
            playing.cancel()
            await asyncio.gather(playing, closed, return_exceptions=True)


@asynccontextmanager
async def watched_cameras(redis: Redis) -> AsyncIterator[dict[str, Watched]]:
    cameras = {camera_id: Watched() for camera_id in CAMERA_IDS}
    async with asyncio.TaskGroup() as group:
        done = asyncio.Event()

        async def serve(camera_id: str, camera: Watched, ready: asyncio.Event) -> None:
            async with serving(camera) as url:
                entry = Camera(id=camera_id, name=camera_id, url=f"{url}/stream")
                await redis.hset(keys.CAMERAS, camera_id, entry.model_dump_json())
                ready.set()
                await done.wait()

        for camera_id, camera in cameras.items():
            ready = asyncio.Event()
            group.create_task(serve(camera_id, camera, ready))
            await ready.wait()
        try:
            yield cameras
        finally:
            done.set()


class Ingests:
    """Ingest processes."""

    def __init__(self, redis: Redis, redis_url: str, folder: Path, stack: ExitStack) -> None:
        self.processes: list[ServiceProcess] = []
        self._redis, self._redis_url, self._folder, self._stack = redis, redis_url, folder, stack

    def start(self, redis_url: str | None = None) -> ServiceProcess:
        log = self._folder / f"ingest{len(self.processes)}.log"
        process = self._stack.enter_context(
            running("services.ingest", {"REDIS_URL": redis_url or self._redis_url}, log)
        )
        self.processes.append(process)
        return process

    async def owners(self) -> dict[str, int]:
        """Camera → pid of the process whose lock it is, as redis-cli would show it."""
        values: Any = await self._redis.mget([keys.lease("ingest", camera_id) for camera_id in CAMERA_IDS])
        return {
            camera_id: int(value.decode().split("-")[-2])
            for camera_id, value in zip(CAMERA_IDS, values, strict=True)
            if value
        }

    async def loads(self) -> list[int]:
        return sorted(Counter((await self.owners()).values()).values())

    async def last_ids(self) -> dict[str, bytes]:
        """The newest frame of every camera."""
        newest = {}
        for camera_id in CAMERA_IDS:
            rows: Any = await self._redis.xrevrange(keys.frames(camera_id), count=1)
            newest[camera_id] = rows[0][0] if rows else b""
        return newest

    async def all_flow(self) -> bool:
        """Whether every camera has given a new frame while one looked."""
        before = await self.last_ids()
        await asyncio.sleep(0.15)
        after = await self.last_ids()
        return all(after[camera_id] > before[camera_id] for camera_id in CAMERA_IDS)


@pytest.fixture
def ingests(redis: Redis, redis_url: str, tmp_path: Path) -> Any:
    with ExitStack() as stack:
        yield Ingests(redis, redis_url, tmp_path, stack)


async def test_cameras_are_shared_and_never_read_twice(redis: Redis, ingests: Ingests) -> None:
    async with watched_cameras(redis) as cameras:
        first = ingests.start()
        await wait_for(ingests.all_flow)
        ingests.start()

        async def shared() -> bool:
            return await ingests.loads() == [3, 3] and await ingests.all_flow()

        await wait_for(shared)
        assert first.stop() == 0
        started = time.monotonic()
        await wait_for(ingests.all_flow, 5)
        assert time.monotonic() - started < 2, "who stops says so"
        assert [camera.most_readers for camera in cameras.values()] == [1] * len(cameras)


async def test_a_killed_ingest_is_replaced_within_three_seconds(redis: Redis, ingests: Ingests) -> None:
    async with watched_cameras(redis) as cameras:
        victim = ingests.start()
        ingests.start()

        async def shared() -> bool:
            return await ingests.loads() == [3, 3] and await ingests.all_flow()

        await wait_for(shared)
        started = time.monotonic()
        victim.stop(signal.SIGKILL)
        await wait_for(ingests.all_flow, 6)
        assert time.monotonic() - started < 3.0 + 1.5, "the lease and a look; 1.5 s for this test's own looking"
        assert [camera.most_readers for camera in cameras.values()] == [1] * len(cameras)


async def test_an_ingest_that_was_paused_publishes_nothing_afterwards(redis: Redis, ingests: Ingests) -> None:
    async with watched_cameras(redis):
        victim = ingests.start()
        ingests.start()

        async def shared() -> bool:
            return await ingests.loads() == [3, 3] and await ingests.all_flow()

        await wait_for(shared)
        lost = [camera_id for camera_id, pid in (await ingests.owners()).items() if pid == victim.process.pid]
        os.kill(victim.process.pid, signal.SIGSTOP)
        try:

            async def taken_over() -> bool:
                owners = await ingests.owners()
                return len(owners) == 6 and victim.process.pid not in owners.values() and await ingests.all_flow()

            await wait_for(taken_over)
            # Frames count from 1 for every reader. The paused one may read the camera again as a new reader, once
            # it has the lease again; a frame left over from before its pause would carry on with its old numbers.
            monitor = asyncio.create_task(_sequence_numbers(redis, lost, 1.0))
            await asyncio.sleep(0.2)
        finally:
            os.kill(victim.process.pid, signal.SIGCONT)
        for camera_id, numbers in (await monitor).items():
            assert len(numbers) > 3
            new_readers = numbers.count(1)
            strays = [now for before, now in pairwise(numbers) if now not in (before + 1, 1)]
            assert (strays, new_readers <= 1) == ([], True), f"{camera_id}: {numbers}"
        # Both live again: the cameras are shared again, each read by one.
        await wait_for(shared)


async def test_an_ingest_cut_off_from_redis_lets_go_before_another_begins(
    redis: Redis, redis_server: RedisServer, ingests: Ingests
) -> None:
    async with cuttable_link(redis_server.port) as link, watched_cameras(redis) as cameras:
        victim = ingests.start(redis_server.url.replace(str(redis_server.port), str(link.port)))
        ingests.start()

        async def shared() -> bool:
            return await ingests.loads() == [3, 3] and await ingests.all_flow()

        await wait_for(shared)
        started = time.monotonic()
        link.cut()

        async def taken_over() -> bool:
            owners = await ingests.owners()
            return len(owners) == 6 and victim.process.pid not in owners.values() and await ingests.all_flow()

        await wait_for(taken_over, 6)
        assert time.monotonic() - started < 3.0 + 1.5, "the lease and a look; 1.5 s for this test's own looking"
        assert [camera.most_readers for camera in cameras.values()] == [1] * len(cameras)
        link.mend()
        await wait_for(shared)
        assert [camera.most_readers for camera in cameras.values()] == [1] * len(cameras)


async def _sequence_numbers(redis: Redis, camera_ids: list[str], seconds: float) -> dict[str, list[int]]:
    """Every frame that comes in the next seconds, by camera."""
    numbers: dict[str, list[int]] = {camera_id: [] for camera_id in camera_ids}
    after: dict[str, Any] = {}
    for camera_id in camera_ids:
        rows: Any = await redis.xrevrange(keys.frames(camera_id), count=1)
        after[keys.frames(camera_id)] = rows[0][0]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        answer: Any = await redis.xread(after, block=200)  # type: ignore[arg-type]
        for stream, rows in answer or []:
            camera_id = next(one for one in camera_ids if keys.frames(one).encode() == stream)
            numbers[camera_id] += [int(fields[b"seq"]) for _, fields in rows]
            after[stream.decode()] = rows[-1][0]
    return numbers
