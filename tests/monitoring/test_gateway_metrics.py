"""The gateway's numbers agree with what its viewers and workers saw, from one process and from several."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
import psutil
from redis.asyncio import Redis

from libs.common import keys
from tests.gateway.feeding import number_in, publish
from tests.gateway.raw_viewer import RawViewer
from tests.gateway.test_reference_worker import body, post
from tests.monitoring.scraping import scrape
from tests.support.processes import Gateway, has_ended, running_gateway
from tests.support.waiting import wait_for

BINARY = "/ws/viewer/detection?camera_id=CAM1&format=binary"
JSON = "/ws/viewer/detection?camera_id=CAM1"


async def test_numbers_agree_with_what_viewers_and_workers_saw(redis_url: str, redis: Redis, tmp_path: Path) -> None:
    with running_gateway(redis_url, tmp_path) as gateway:
        viewers = [await RawViewer.connect(gateway.address, target) for target in (BINARY, BINARY, JSON)]
        assert (await scrape(gateway.url)).sum("lotcast_frames_total", stage="relay", outcome="ok") == 0, (
            "there at once"
        )
        for number in range(1, 6):
            await publish(redis, number)
            for viewer in viewers:
                await viewer.frame()
        async with aiohttp.ClientSession(gateway.url) as http:
            await post(http, body())
            assert (await post(http, {**body(), "frame_base64": "no base64"}))[0] == 400
        for viewer in viewers:
            await viewer.frame()
        await redis.publish(keys.live("CAM1"), b"no message")
        for viewer in viewers[:2]:
            assert (await viewer.frame())[1] == b"no message", "binary ones get what is there"
        told = await scrape(gateway.url)
        assert told.sum("lotcast_viewers", format="binary") == 2
        assert told.sum("lotcast_viewers", format="json") == 1
        assert told.sum("lotcast_frames_total", stage="relay", outcome="ok") == 6
        assert told.sum("lotcast_frames_total", stage="relay", outcome="dropped") == 1
        assert told.sum("lotcast_frames_dropped_total", stage="relay", cause="garbled") == 1
        assert told.sum("lotcast_frames_total", stage="send", outcome="ok") == 6 * 3 + 2
        assert told.sum("lotcast_frames_total", stage="bridge", outcome="ok") == 1
        assert told.sum("lotcast_frames_dropped_total", stage="bridge", cause="refused") == 1
        for hop, frames in (("redis_to_gateway", 6), ("gateway_to_sockets", 6), ("bridge_to_redis", 1)):
            assert told.sum("lotcast_hop_seconds_count", hop=hop) == frames
            assert 0 < told.sum("lotcast_hop_seconds_sum", hop=hop) < frames * 1.0
        assert told.sum("lotcast_redis_round_trip_seconds_count") >= 2, "what the bridge sent, at least"
        assert told.sum("process_resident_memory_bytes") > 1_000_000
        for viewer in viewers:
            viewer.close()


async def test_a_message_for_nobody_is_counted_as_unwatched(redis_url: str, redis: Redis, tmp_path: Path) -> None:
    with running_gateway(redis_url, tmp_path) as gateway:
        viewer = await RawViewer.connect(gateway.address, BINARY)
        await publish(redis, 1)
        await viewer.frame()
        viewer.close()

        async def is_unwatched() -> bool:
            await publish(redis, 2)  # until the subscription is gone
            return (await scrape(gateway.url)).sum("lotcast_viewers") == 0

        await wait_for(is_unwatched)
        told = await scrape(gateway.url)
        frames = told.sum("lotcast_frames_total", stage="relay")
        assert frames == told.sum("lotcast_hop_seconds_count", hop="redis_to_gateway"), "each left by one outcome"


async def test_several_workers_are_told_of_together_and_what_a_killed_one_counted_remains(
    redis_url: str, redis: Redis, tmp_path: Path
) -> None:
    with running_gateway(redis_url, tmp_path, GATEWAY_WORKERS="2") as gateway:
        workers = await two_workers(gateway, redis)
        viewers = [await RawViewer.connect(gateway.address, BINARY) for _ in range(30)]

        async def at_worker() -> list[int]:
            return [int(count) for count in await redis.hvals(keys.viewers("CAM1"))]

        async def all_are_counted() -> bool:
            return sum(await at_worker()) == 30 and len(await at_worker()) == 2

        await wait_for(all_are_counted)
        await publish(redis, 1)
        for viewer in viewers:
            assert number_in((await viewer.frame())[1]) == 1
        for _ in range(8):  # whichever worker answers
            told = await scrape(gateway.url)
            assert told.sum("lotcast_viewers", format="binary") == 30
            assert told.sum("lotcast_frames_total", stage="send", outcome="ok") == 30
            assert told.sum("lotcast_frames_total", stage="relay", outcome="ok") == 2, "once in each worker"
            assert told.sum("lotcast_hop_seconds_count", hop="redis_to_gateway") == 2
        workers[0].kill()
        # Until it has ended the kernel still gives it connections, which are reset with it.
        await wait_for(lambda: has_ended(workers[0]))

        async def only_the_living_one_watches() -> bool:
            return 0 < (await scrape(gateway.url)).sum("lotcast_viewers") < 30

        await wait_for(only_the_living_one_watches)
        assert (await scrape(gateway.url)).sum("lotcast_frames_total", stage="send", outcome="ok") == 30
        await two_workers(gateway, redis)
        living = int((await scrape(gateway.url)).sum("lotcast_viewers"))
        await publish(redis, 2)

        async def counts_on() -> bool:
            told = await scrape(gateway.url)
            return told.sum("lotcast_frames_total", stage="send", outcome="ok") == 30 + living

        await wait_for(counts_on)
        for viewer in viewers:
            viewer.close()


async def two_workers(gateway: Gateway, redis: Redis) -> list[psutil.Process]:
    """Wait until both answer."""

    def workers() -> list[psutil.Process]:
        children = psutil.Process(gateway.service.process.pid).children()
        return [child for child in children if "spawn_main" in " ".join(child.cmdline())]

    async def both_work() -> bool:
        pids = {child.pid for child in workers()}
        answer: Any = await redis.zrange(keys.members("gateway"), 0, -1)
        return len(pids) == 2 and pids <= {int(member.decode().split("-")[-2]) for member in answer}

    await wait_for(both_work)
    return workers()
