"""The camera_manager in this process, against a real Redis and a real camera."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from redis.asyncio import Redis

from libs.common import keys
from libs.common.cameras import Camera
from libs.common.leases import Leases
from libs.common.redis_clock import RedisClock
from services.ingest.camera_manager import CameraManager
from services.ingest.directory import CameraDirectory, read_listing
from services.ingest.frame_writer import FrameWriter
from services.ingest.metrics import IngestMetrics
from services.ingest.settings import IngestSettings
from services.ingest.sources.base import CapturedFrame
from services.ingest.sources.registry import SOURCES
from tests.support.cameras import multipart_camera, serving
from tests.support.pictures import make_jpeg
from tests.support.waiting import wait_for

DEFAULTS = IngestSettings()
GOOD = b'{"id":"good","name":"x","url":"http://h/"}'


def test_entries_are_sorted_into_wanted_disabled_and_bad() -> None:
    listing = read_listing(
        {
            b"good": GOOD,
            b"off": b'{"id":"off","name":"x","url":"http://h/","enabled":false}',
            b"other": GOOD,
            b"scheme": b'{"id":"scheme","name":"x","url":"ftp://u:secret@h/"}',
            b"text": b"hello",
            b"\xff\xfe": b"{}",
        }
    )
    assert list(listing.wanted) == ["good"]
    assert listing.disabled == {"off"}
    assert listing.bad["other"] == "id: the entry says 'good' and stands under 'other'"
    assert "url: must start with one of" in listing.bad["scheme"]
    assert "secret" not in listing.bad["scheme"]
    assert "Invalid JSON" in listing.bad["text"]
    assert len(listing.bad) == 4


async def test_a_bad_entry_is_said_once_and_again_when_it_changes(fake_redis: Redis) -> None:
    directory = CameraDirectory(fake_redis, [])
    with structlog.testing.capture_logs() as logs:
        for text in ("nonsense", "nonsense", '{"id": "x"}', '{"id": "x"}'):
            await fake_redis.hset(keys.CAMERAS, "x", text)
            assert "x" in (await directory.look_up()).bad
    assert [entry["event"] for entry in logs] == ["bad camera entry; it is not read"] * 2


@asynccontextmanager
async def running_roster(redis: Redis, settings: IngestSettings = DEFAULTS) -> AsyncIterator[None]:
    stop = asyncio.Event()
    writer, leases = FrameWriter(redis, IngestMetrics().frames, RedisClock(redis)), Leases(redis, "ingest", "me", 0.6)
    camera_manager = CameraManager(redis, CameraDirectory(redis, []), leases, writer, settings, IngestMetrics().frames)
    async with asyncio.TaskGroup() as group:
        for part in (leases.run(stop), writer.run(stop), camera_manager.run(stop)):
            group.create_task(part)
        try:
            yield
        finally:
            stop.set()


async def status_of(redis: Redis, camera_id: str) -> dict[bytes, bytes]:
    answer: Any = await redis.hgetall(keys.status(camera_id))
    return dict(answer)


async def test_a_fault_of_ours_with_one_camera_stays_with_that_camera(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> AsyncGenerator[CapturedFrame, None]:
        raise ZeroDivisionError("a programmer's mistake")
        yield  # type: ignore[unreachable]  # makes it a generator

    monkeypatch.setitem(SOURCES, "rtsp", broken)
    async with serving(multipart_camera([make_jpeg()], interval_s=0.05)) as url:
        for camera_id, address in (("good", f"{url}/stream"), ("broken", "rtsp://127.0.0.1/x")):
            camera = Camera(id=camera_id, name="x", url=address)
            await redis.hset(keys.CAMERAS, camera_id, camera.model_dump_json())
        with structlog.testing.capture_logs() as logs:
            async with running_roster(redis):

                async def told() -> bool:
                    broken, good = await status_of(redis, "broken"), await status_of(redis, "good")
                    return b"ZeroDivisionError" in broken.get(b"ingest_error", b"") and good[b"ingest_state"] == b"live"

                await wait_for(told)
        assert [entry["camera"] for entry in logs if entry["event"].startswith("a reader failed unexpectedly")] == [
            "broken"
        ]


async def test_what_a_removed_camera_left_is_cleared(redis: Redis) -> None:
    async with serving(multipart_camera([make_jpeg()], interval_s=0.02)) as url, running_roster(redis):
        await redis.hset(keys.CAMERAS, "x", Camera(id="x", name="x", url=f"{url}/stream").model_dump_json())

        async def flowing() -> bool:
            return bool(await redis.exists(keys.status("x")) and await redis.exists(keys.frames("x")))

        await wait_for(flowing)
        await redis.hdel(keys.CAMERAS, "x")

        async def cleared() -> bool:
            return not await redis.exists(keys.status("x"), keys.frames("x"), keys.lease("ingest", "x"))

        await wait_for(cleared)
        await asyncio.sleep(0.5)
        assert await cleared(), "and nothing is written afterwards"


class SilentCamera:
    """Accepts connections and says nothing; knows how many are open."""

    def __init__(self) -> None:
        self.open = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        await reader.read()
        self.open -= 1


async def test_a_camera_is_given_up_only_when_nothing_holds_it_any_more(redis: Redis) -> None:
    """libav waits for a silent camera until its own deadline; until then no other ingest may connect."""
    camera, key = SilentCamera(), keys.lease("ingest", "x")
    async with serving(camera) as url, running_roster(redis, IngestSettings(connect_timeout_s=2.5)):
        entry = Camera(id="x", name="x", url=f"{url.replace('http', 'rtsp')}/main")
        await redis.hset(keys.CAMERAS, "x", entry.model_dump_json())
        await wait_for(lambda: camera.open == 1)
        await redis.hdel(keys.CAMERAS, "x")
        open_then = []

        async def given_up() -> bool:
            open_then.append(camera.open)
            return not await redis.exists(key)

        await wait_for(given_up, every_s=0.005)
        assert open_then[0] == 1
        assert open_then[-1] == 0, "the connection was closed before the lease went"


async def test_a_camera_that_hangs_gets_another_address_at_once(redis: Redis) -> None:
    camera = SilentCamera()
    async with (
        serving(camera) as silent,
        serving(multipart_camera([make_jpeg()], interval_s=0.05)) as good,
        running_roster(redis),
    ):
        entry = Camera(id="x", name="x", url=f"{silent.replace('http', 'rtsp')}/main")
        await redis.hset(keys.CAMERAS, "x", entry.model_dump_json())
        await wait_for(lambda: camera.open == 1)
        await redis.hset(keys.CAMERAS, "x", entry.model_copy(update={"url": f"{good}/stream"}).model_dump_json())

        async def flowing() -> bool:
            return bool(await redis.exists(keys.frames("x")))

        await wait_for(flowing, 4)


async def test_counters_begin_anew_with_a_reader(redis: Redis) -> None:
    async with serving(multipart_camera([make_jpeg()], interval_s=0.01)) as url, running_roster(redis):
        entry = Camera(id="x", name="x", url=f"{url}/stream", fps=10)
        await redis.hset(keys.CAMERAS, "x", entry.model_dump_json())

        async def dropped() -> int:
            return int((await status_of(redis, "x")).get(b"ingest_dropped", 0))

        many = await wait_for(lambda: dropped_above(dropped, 100))
        await redis.hset(keys.CAMERAS, "x", entry.model_copy(update={"fps": 60.0}).model_dump_json())

        async def fewer() -> bool:
            return bool(await dropped() < many)

        await wait_for(fewer)


async def dropped_above(dropped: Callable[[], Awaitable[int]], least: int) -> int:
    count = await dropped()
    return count if count > least else 0
