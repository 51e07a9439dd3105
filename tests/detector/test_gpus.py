"""Detectors share GPUs: a real redis-server and real processes; the devices alone are pretended."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.errors import BusUnavailable
from services.detector.engines.loading import wants_gpu
from services.detector.gpus import Gpu, GpuShare, leased_gpu, list_gpus
from services.detector.settings import DetectorSettings
from tests.support.processes import ServiceProcess, running
from tests.support.redis_server import RedisServer
from tests.support.waiting import wait_for

GPUS = [Gpu(f"cuda:{number}", f"GPU-{number}", "pretended") for number in range(3)]
QUICK_S = 0.4


async def users(redis: Redis) -> Counter[str]:
    """How many detectors use each GPU."""
    entries: Any = await redis.zrange(keys.GPUS, 0, -1)
    return Counter(entry.split()[0].decode() for entry in entries)


async def test_each_takes_one_that_the_fewest_use(redis: Redis) -> None:
    shares = [GpuShare(redis, f"detector-{number}", 60) for number in range(7)]
    taken = await asyncio.gather(*(share.take(GPUS) for share in shares))
    assert sorted(Counter(gpu.uuid for gpu in taken).values()) == [2, 2, 3]
    assert sorted(share.others for share in shares) == [0, 0, 0, 1, 1, 1, 2]
    await shares[0].give_back()
    assert (await GpuShare(redis, "next", 60).take([taken[0]])).uuid == taken[0].uuid
    assert (await shares[1].take([taken[1]])) == taken[1], "asked again, nobody moves"


async def test_two_hosts_gpus_do_not_mix(redis: Redis) -> None:
    other_host = [Gpu("cuda:0", "GPU-other", "pretended")]
    first, second = GpuShare(redis, "a", 60), GpuShare(redis, "b", 60)
    assert (await first.take(GPUS)).device == (await second.take(other_host)).device == "cuda:0"
    assert (first.others, second.others) == (0, 0)


async def test_it_is_kept_while_used_and_free_after(redis: Redis) -> None:
    async with leased_gpu(redis, "a", QUICK_S, GPUS[:1]):
        await asyncio.sleep(3 * QUICK_S)  # it would have run out
        late = GpuShare(redis, "b", QUICK_S)
        assert (await late.take(GPUS[:2])).uuid == "GPU-1"
    assert await users(redis) == {"GPU-1": 1}, "given back"
    await asyncio.sleep(1.5 * QUICK_S)  # b says nothing any more
    assert (await GpuShare(redis, "c", QUICK_S).take([GPUS[1]])).uuid == "GPU-1"
    assert await users(redis) == {"GPU-1": 1}


async def test_redis_away_at_the_start_is_said(own_redis_server: RedisServer) -> None:
    async with Redis(port=own_redis_server.port) as redis:
        own_redis_server.stop()
        with pytest.raises(BusUnavailable, match="no gpu was chosen: Redis is away"):
            async with leased_gpu(redis, "a", QUICK_S, GPUS):
                pass


@pytest.mark.parametrize(
    ("settings", "wants"),
    [
        ({"model": "yolo11n.pt"}, True),
        ({"model": "yolo11n.engine"}, True),
        ({"model": "yolo11n.pt", "device": "cuda:1"}, False),
        ({"model": "yolo11n.onnx"}, False),
        ({"model": "yolo11n.onnx", "engine": "ultralytics"}, True),
        ({}, False),
    ],
)
def test_only_who_may_choose_takes_one(settings: dict[str, str], wants: bool) -> None:
    assert wants_gpu(DetectorSettings.model_validate(settings)) is wants


def test_gpus_are_listed_as_torch_names_them() -> None:
    gpus = list_gpus()  # none on most machines that run this
    assert [gpu.device for gpu in gpus] == [f"cuda:{number}" for number in range(len(gpus))]
    assert len({gpu.uuid for gpu in gpus}) == len(gpus)


@pytest.fixture
def start(redis_url: str, tmp_path: Path) -> Iterator[Any]:
    """Starts detectors that see two GPUs; they end with the test."""
    with ExitStack() as stack:
        numbers = iter(range(100))

        def start_one() -> ServiceProcess:
            log = tmp_path / f"log{next(numbers)}"
            return stack.enter_context(
                running("tests.detector.on_pretended_gpus", {"REDIS_URL": redis_url, "DETECTOR_WORKERS": "1"}, log, "2")
            )

        yield start_one


@pytest.mark.long
async def test_detectors_on_one_host_take_different_gpus(redis: Redis, start: Any) -> None:
    async def used(*expected: int) -> bool:
        return sorted((await users(redis)).values()) == sorted(expected)

    first, second = start(), start()
    for detector in (first, second):
        await asyncio.to_thread(detector.wait_for_log, "detector ready")
    assert await users(redis) == {"GPU-0": 1, "GPU-1": 1}
    third = start()
    await wait_for(lambda: used(1, 2))
    await asyncio.to_thread(third.wait_for_log, "detector ready")
    assert '"shared_with": 1' in third.log
    assert await asyncio.to_thread(third.stop, signal.SIGTERM) == 0
    assert await used(1, 1), "given back at once"
    mine = "GPU-0" if '"uuid": "GPU-0"' in first.log else "GPU-1"
    first.process.kill()
    await asyncio.to_thread(first.process.wait, 5)
    await wait_for(lambda: used(1))  # the dead one's time ran out
    fourth = start()
    await asyncio.to_thread(fourth.wait_for_log, "detector ready")
    assert f'"uuid": "{mine}"' in fourth.log, "the dead one's"
