"""Frames for tests: published straight to Redis, numbered, at a steady pace."""

from __future__ import annotations

import asyncio
import os
import re
import time
from pathlib import Path

import aiohttp
from redis.asyncio import Redis

from libs.common import keys
from libs.common.messages import LATEST_EXPIRES_S, pack_viewer_message
from tests.support.waiting import PATIENCE_S

FILLER = os.urandom(400_000)


def make_message(number: int, jpeg_bytes: int = 50_000, camera_id: str = "CAM1") -> bytes:
    """A viewer message whose `frame_count` is `number`."""
    return pack_viewer_message(camera_id, b"\xff\xd8\xff" + FILLER[: jpeg_bytes - 3], {}, number, time.time())


async def publish(redis: Redis, number: int, jpeg_bytes: int = 50_000, camera_id: str = "CAM1") -> None:
    """Publish one, as a detector does."""
    message = make_message(number, jpeg_bytes, camera_id)
    pipe = redis.pipeline(transaction=True)
    pipe.publish(keys.live(camera_id), message)
    pipe.set(keys.latest(camera_id), message, ex=LATEST_EXPIRES_S)
    await pipe.execute()


async def publish_many(redis: Redis, count: int, fps: float, jpeg_bytes: int = 50_000, first: int = 1) -> None:
    """Publish `count` frames at `fps`, numbered from `first`."""
    started = time.monotonic()
    for number in range(count):
        await asyncio.sleep(max(0.0, started + number / fps - time.monotonic()))
        await publish(redis, first + number, jpeg_bytes)


def number_in(packed: bytes) -> int:
    """A packed message's `frame_count`, without unpacking its picture."""
    found = re.search(rb"frame_count(?:([\x00-\x7f])|\xcc(.)|\xcd(..))", packed[-64:], re.DOTALL)
    assert found is not None
    return int.from_bytes(found[1] or found[2] or found[3], "big")


async def collect_numbers(
    viewer: aiohttp.ClientWebSocketResponse, last: int, timeout_s: float = PATIENCE_S
) -> list[int]:
    """The frames that a binary viewer gets, up to the one numbered `last`."""
    numbers: list[int] = []
    async with asyncio.timeout(timeout_s):
        while not numbers or numbers[-1] < last:
            numbers.append(number_in(await viewer.receive_bytes()))
    return numbers


async def metric(http: aiohttp.ClientSession, name: str) -> float:
    """One of the gateway's own numbers, or the sum of all that have this name and differ in their labels."""
    async with http.get("/metrics") as answer:
        lines = (await answer.text()).splitlines()
    found = [line.rpartition(" ")[2] for line in lines if line.startswith((name + " ", name + "{"))]
    assert found, f"there is no metric {name}"
    return sum(map(float, found))


def resident_bytes(pid: int) -> int:
    """Memory that a process has in RAM."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def open_files(pid: int) -> int:
    """How many files and sockets a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
