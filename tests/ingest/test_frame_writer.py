"""The writer against a real Redis."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.leased_append import Append
from libs.common.leases import Lease
from libs.common.messages import FRAMES_MAXLEN, RawFrame
from libs.common.redis_clock import RedisClock
from services.ingest import frame_writer
from services.ingest.frame_writer import BATCH_BYTES, FrameWriter
from services.ingest.metrics import IngestMetrics
from tests.support.leases import held_lease
from tests.support.pictures import make_jpeg
from tests.support.waiting import wait_for

JPEG = make_jpeg()


def frame(seq: int) -> RawFrame:
    return RawFrame(seq, 1, 64, 48, JPEG)


async def lease_of(redis: Redis, camera_id: str, timeout_s: float = 60) -> Lease:
    return await held_lease(redis, "ingest", camera_id, timeout_s)


@asynccontextmanager
async def writing(writer: FrameWriter) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(writer.run(stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def written(redis: Redis, camera_id: str) -> list[int]:
    rows: Any = await redis.xrange(keys.frames(camera_id))
    return [int(fields[b"seq"]) for _, fields in rows]


async def test_only_the_newest_frame_of_a_camera_waits_and_the_rest_is_counted(redis: Redis) -> None:
    writer, one, two = (
        FrameWriter(redis, IngestMetrics().frames, RedisClock(redis)),
        await lease_of(redis, "ONE"),
        await lease_of(redis, "TWO"),
    )
    for seq in range(1, 6):
        writer.offer(one, frame(seq))
    writer.offer(two, frame(1))
    async with writing(writer):

        async def arrived() -> bool:
            return await written(redis, "ONE") == [5] and await written(redis, "TWO") == [1]

        await wait_for(arrived)
    assert writer.dropped == {"ONE": 4}


async def test_a_frame_whose_lease_ran_out_while_it_waited_is_not_written(redis: Redis) -> None:
    """As when the process is paused between the camera and Redis."""
    writer, short, good = (
        FrameWriter(redis, IngestMetrics().frames, RedisClock(redis)),
        await lease_of(redis, "SHORT", 0.05),
        await lease_of(redis, "GOOD"),
    )
    writer.offer(short, frame(1))
    writer.offer(good, frame(1))
    time.sleep(0.06)  # noqa: ASYNC251 - the whole process stands still
    async with writing(writer):

        async def arrived() -> bool:
            return await written(redis, "GOOD") == [1]

        await wait_for(arrived)
    assert await written(redis, "SHORT") == []
    assert writer.dropped == {"SHORT": 1}


async def test_many_large_frames_go_out_in_turns_and_all_arrive(redis: Redis) -> None:
    writer = FrameWriter(redis, IngestMetrics().frames, RedisClock(redis))
    camera_ids = [f"CAM{number}" for number in range(20)]
    for camera_id in camera_ids:
        writer.offer(await lease_of(redis, camera_id), RawFrame(1, 1, 64, 48, bytes(BATCH_BYTES // 4)))
    async with writing(writer):

        async def arrived() -> bool:
            return all([await redis.xlen(keys.frames(camera_id)) == 1 for camera_id in camera_ids])

        await wait_for(arrived)
    assert not writer.dropped


async def test_frames_of_several_cameras_share_a_write_and_one_that_comes_alone_does_not_wait(
    redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(frame_writer, "GATHER_S", 1.0)
    writer = FrameWriter(redis, IngestMetrics().frames, RedisClock(redis))
    batches: list[int] = []
    append_each = writer._stream.append_each

    async def counted(appends: Sequence[Append]) -> list[bytes | Exception | None]:
        batches.append(len(appends))
        return await append_each(appends)

    monkeypatch.setattr(writer._stream, "append_each", counted)
    leases = [await lease_of(redis, f"CAM{number}") for number in range(6)]
    async with writing(writer):
        writer.offer(leases[0], frame(1))
        await wait_for(lambda: redis.exists(keys.frames("CAM0")), 0.9)
        for lease in leases[1:]:
            writer.offer(lease, frame(1))
            await asyncio.sleep(0.01)
        await wait_for(lambda: redis.exists(keys.frames("CAM5")))
    assert batches == [1, 5]


async def test_the_stream_keeps_a_few_frames_exactly(redis: Redis) -> None:
    writer, lease = FrameWriter(redis, IngestMetrics().frames, RedisClock(redis)), await lease_of(redis, "ONE")
    async with writing(writer):
        for seq in range(1, 12):
            writer.offer(lease, frame(seq))

            async def arrived(seq: int = seq) -> bool:
                return (await written(redis, "ONE"))[-1:] == [seq]

            await wait_for(arrived, every_s=0.002)
    assert await written(redis, "ONE") == list(range(12 - FRAMES_MAXLEN, 12))


async def test_redis_refuses_frames_of_a_deleted_camera_and_of_one_that_went_to_another_ingest(redis: Redis) -> None:
    writer = FrameWriter(redis, IngestMetrics().frames, RedisClock(redis))
    leases = {camera_id: await lease_of(redis, camera_id) for camera_id in ("KEPT", "DELETED", "LOST")}
    await redis.set(keys.deleted("DELETED"), 1)
    await redis.set(keys.lease("ingest", "LOST"), "somebody-else")
    for lease in leases.values():
        writer.offer(lease, frame(1))
    async with writing(writer):

        async def arrived() -> bool:
            return await written(redis, "KEPT") == [1]

        await wait_for(arrived)
    assert not await redis.exists(keys.frames("DELETED"), keys.frames("LOST"))
    assert writer.dropped == {"DELETED": 1, "LOST": 1}


async def test_a_stream_that_redis_refuses_harms_no_other_camera(redis: Redis) -> None:
    writer, bad, good = (
        FrameWriter(redis, IngestMetrics().frames, RedisClock(redis)),
        await lease_of(redis, "BAD"),
        await lease_of(redis, "GOOD"),
    )
    await redis.set(keys.frames("BAD"), "no stream")
    writer.offer(bad, frame(1))
    writer.offer(good, frame(1))
    async with writing(writer):

        async def arrived() -> bool:
            return await written(redis, "GOOD") == [1] and bool(writer.dropped)

        await wait_for(arrived)
    assert writer.dropped == {"BAD": 1}
