"""Whatever one client does, the viewers beside it see every picture, and afterwards nothing of it is held."""

from __future__ import annotations

import asyncio
import io
import itertools
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
from redis.asyncio import Redis

from tests.gateway.feeding import collect_numbers, metric, open_files, publish, resident_bytes
from tests.gateway.raw_viewer import CLOSE, RawViewer
from tests.gateway.test_reference_worker import body
from tests.support.processes import Gateway, running_gateway
from tests.support.waiting import wait_for

VIEWER, WORKER = "viewer-0123456789abcdef", "worker-0123456789abcdef"
WATCH = "/ws/viewer/detection?camera_id=CAM1&format=binary"
MAY_WATCH, MAY_POST = {"Authorization": f"Bearer {VIEWER}"}, {"Authorization": f"Bearer {WORKER}"}
JPEG_BYTES = 100_000
HELD_MAX_BYTES = 3_000_000
"""The allocator keeps about this much for itself; ten pictures would show, or fifty connections."""


@pytest.fixture
def guarded(redis_url: str, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway with tokens that soon misses an answer to its pings."""
    settings = {
        "GATEWAY_TOKENS": f"viewer:{VIEWER},worker:{WORKER}",
        "GATEWAY_PING_INTERVAL_S": "0.5",
        "GATEWAY_PING_TIMEOUT_S": "0.5",
    }
    with running_gateway(redis_url, tmp_path, **settings) as gateway:
        yield gateway


async def watch(gateway: Gateway, count: int, receive_buffer_bytes: int | None = None) -> list[RawViewer]:
    """Viewers, let in."""
    viewers = await asyncio.gather(*(
        RawViewer.connect(gateway.address, WATCH, headers=MAY_WATCH, receive_buffer_bytes=receive_buffer_bytes)
        for _ in range(count)
    ))  # fmt: skip
    assert {viewer.status for viewer in viewers} == {101}
    return viewers


async def see_the_end(viewer: RawViewer, pause_s: float = 0.0) -> int | None:
    """Read a frame, pause, and so on until the gateway closes; the code that it closes with, if it comes to that."""
    try:
        while True:
            opcode, payload = await viewer.frame(10)
            if opcode == CLOSE:
                return int.from_bytes(payload[:2], "big")
            await asyncio.sleep(pause_s)
    except (EOFError, ConnectionError):
        return None
    finally:
        viewer.close()


async def stop_reading(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    """Ten at once; each is cut off."""
    before = await metric(http, "lotcast_viewers_cut_off_total")
    viewers = await watch(gateway, 10, receive_buffer_bytes=8192)

    async def all_are_cut_off() -> bool:
        return await metric(http, "lotcast_viewers_cut_off_total") == before + 10

    await wait_for(all_are_cut_off)
    for viewer in viewers:
        viewer.close()


async def read_one_frame_a_second(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    """Ten at once, which take 100 KB a second of 2 MB; they are cut off, since nothing moves for half a second."""
    viewers = await watch(gateway, 10, receive_buffer_bytes=8192)
    codes = await asyncio.gather(*(see_the_end(viewer, 1.0) for viewer in viewers))
    assert set(codes) <= {1013, None}


async def never_answer_pings(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    """Ten at once, which read everything and say nothing."""
    viewers = await watch(gateway, 10)
    assert await asyncio.gather(*(see_the_end(viewer) for viewer in viewers)) == [1011] * 10


async def come_and_go(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    """Five hundred, a hundred at a time."""
    for _ in range(5):
        for viewer in await watch(gateway, 100):
            viewer.close()


async def post_what_is_too_long(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    """Bodies of 16 MB."""
    for _ in range(4):
        sent = io.BytesIO(bytes(16_000_000))
        async with http.post("/api/broadcast-detection", data=sent, headers=MAY_POST) as answer:
            assert answer.status == 413


async def post_what_is_malformed(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    """No JSON, not the schema, no base64, no JPEG; and what is no HTTP at all."""
    headers = {**MAY_POST, "Content-Type": "application/json"}
    for sent, status in ((b"{" * 500_000, 422), (b'{"camera_id": "CAM1"}', 422)):
        async with http.post("/api/broadcast-detection", data=sent, headers=headers) as answer:
            assert answer.status == status
    for picture in ("A" * 700_001, "AAAA" * 200_000):
        async with http.post("/api/broadcast-detection", json=body(frame_base64=picture), headers=MAY_POST) as answer:
            assert answer.status == 400
    reader, writer = await asyncio.open_connection(*gateway.address.split(":"))
    writer.write(b"\x16\x03\x01" + b"nonsense" * 100)
    assert b" 400 " in await reader.readline()
    writer.close()


async def show_a_wrong_token(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    """As a viewer, as a worker with a picture, and at the login."""
    wrong = {"Authorization": "Bearer wrong-0123456789abcdef"}
    for _ in range(20):
        viewer = await RawViewer.connect(gateway.address, WATCH, headers=wrong)
        assert viewer.status == 401
        viewer.close()
        async with http.post("/api/broadcast-detection", json=body(), headers=wrong) as answer:
            assert answer.status == 401
        async with http.post("/login", data={"token": "wrong-0123456789abcdef"}, headers=wrong) as answer:
            assert answer.status in (401, 429)


async def come_from_a_foreign_page(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    """With a token that is right."""
    for _ in range(20):
        foreign = {"Origin": "http://evil.example"}
        viewer = await RawViewer.connect(gateway.address, WATCH, headers={**MAY_WATCH, **foreign})
        assert viewer.status == 403
        viewer.close()
        async with http.post("/api/broadcast-detection", json=body(), headers={**MAY_POST, **foreign}) as answer:
            assert answer.status == 403


async def feed(redis: Redis, stop: asyncio.Event) -> int:
    """Publish at 20 frames a second until told to stop; the last frame's number."""
    for number in itertools.count(2):
        await publish(redis, number, JPEG_BYTES)
        if stop.is_set():
            return number
        await asyncio.sleep(0.05)
    raise AssertionError


@pytest.mark.parametrize(
    "disturb",
    [stop_reading, read_one_frame_a_second, never_answer_pings, come_and_go, post_what_is_too_long,
     post_what_is_malformed, show_a_wrong_token, come_from_a_foreign_page],
)  # fmt: skip
async def test_others_miss_nothing_and_memory_is_back(
    guarded: Gateway, redis: Redis, disturb: Callable[[Gateway, aiohttp.ClientSession], Awaitable[None]]
) -> None:
    pid = guarded.service.process.pid
    stop = asyncio.Event()
    async with (
        aiohttp.ClientSession(guarded.url, headers=MAY_WATCH) as http,
        http.ws_connect(guarded.viewer_url("CAM1", "&format=binary"), max_msg_size=0) as good,
    ):
        await publish(redis, 1, JPEG_BYTES)
        assert await collect_numbers(good, 1) == [1]
        feeding = asyncio.create_task(feed(redis, stop))
        watching = asyncio.create_task(collect_all(good, feeding))

        async def only_the_good_one_is_left() -> bool:
            return await metric(http, "lotcast_viewers") == 1

        for _ in range(2):  # until the allocator's own reserves are full
            await disturb(guarded, http)
        await wait_for(only_the_good_one_is_left)
        held, files = resident_bytes(pid), open_files(pid)
        await disturb(guarded, http)
        await wait_for(only_the_good_one_is_left)
        await wait_for(lambda: resident_bytes(pid) - held < HELD_MAX_BYTES)
        await wait_for(lambda: open_files(pid) <= files)
        stop.set()
        last = 1 + await feeding
        await publish(redis, last, JPEG_BYTES)
        assert await watching == list(range(2, last + 1)), "every picture, in order"
    assert "Traceback" not in guarded.service.log


async def collect_all(viewer: aiohttp.ClientWebSocketResponse, feeding: asyncio.Task[int]) -> list[int]:
    """What a binary viewer gets, up to the first frame after those that were fed."""
    numbers: list[int] = []
    while not feeding.done() or numbers[-1] <= feeding.result():
        numbers += await collect_numbers(viewer, 0)
    return numbers
