"""Viewers that do not keep up harm nobody else, and cost no memory."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import aiohttp
from redis.asyncio import Redis

from tests.gateway.feeding import (
    collect_numbers,
    metric,
    number_in,
    open_files,
    publish,
    publish_many,
    resident_bytes,
)
from tests.gateway.raw_viewer import CLOSE, PING, TEXT, RawViewer
from tests.support.processes import Gateway, running_gateway
from tests.support.waiting import PATIENCE_S, wait_for

WATCH = "/ws/viewer/detection?camera_id=CAM1&format=binary"
SMALL_BUFFER_BYTES = 8192


async def test_one_that_stops_reading_is_cut_off_with_1013(
    gateway: Gateway, http: aiohttp.ClientSession, redis: Redis
) -> None:
    stalled = await RawViewer.connect(gateway.address, WATCH, receive_buffer_bytes=SMALL_BUFFER_BYTES)
    async with http.ws_connect(gateway.viewer_url("CAM1", "&format=binary"), max_msg_size=0) as good:
        watching = asyncio.create_task(collect_numbers(good, 60))
        feeding = asyncio.create_task(publish_many(redis, 60, 20, 200_000))
        await wait_for(lambda: metric(http, "lotcast_viewers_cut_off_total"))
        opcode, payload = 0, b""
        while opcode != CLOSE:  # it wakes up within the grace time and reads on
            opcode, payload = await stalled.frame()
        assert int.from_bytes(payload[:2], "big") == 1013
        await feeding
        assert await watching == list(range(1, 61)), "the other missed nothing"
    stalled.close()
    await wait_for(lambda: metric_is_zero(http))


async def metric_is_zero(http: aiohttp.ClientSession) -> bool:
    return await metric(http, "lotcast_viewers") == 0


async def test_many_that_stop_reading_cost_no_memory(
    gateway: Gateway, http: aiohttp.ClientSession, redis: Redis
) -> None:
    async with http.ws_connect(gateway.viewer_url("CAM1", "&format=binary"), max_msg_size=0) as good:
        await publish(redis, 0, 300_000)
        await good.receive_bytes(timeout=PATIENCE_S)
        before = resident_bytes(gateway.service.process.pid)
        stalled = [
            await RawViewer.connect(gateway.address, WATCH, receive_buffer_bytes=SMALL_BUFFER_BYTES) for _ in range(50)
        ]
        watching = asyncio.create_task(collect_numbers(good, 60))
        feeding = asyncio.create_task(publish_many(redis, 60, 20, 300_000))
        most = before
        while not feeding.done():
            most = max(most, resident_bytes(gateway.service.process.pid))
            await asyncio.sleep(0.05)
        assert await watching == list(range(1, 61))
        assert await metric(http, "lotcast_viewers_cut_off_total") == 50
        # 50 viewers with a picture of their own in flight and one waiting would be 30 MB; they share the bytes.
        assert most - before < 12_000_000
        for viewer in stalled:
            viewer.close()


async def test_one_that_is_merely_slow_skips_frames_and_sees_fresh_ones(
    gateway: Gateway, http: aiohttp.ClientSession, redis: Redis
) -> None:
    slow = await RawViewer.connect(gateway.address, WATCH, receive_buffer_bytes=65_536)
    seen: list[int] = []

    async def read_slowly() -> None:
        """About 400 KB/s of the 1,000 KB/s that are published."""
        buffer = bytearray()
        while True:
            buffer += await slow.read(8192)
            await asyncio.sleep(0.02)
            while len(buffer) > 4:
                length = int.from_bytes(buffer[2:4], "big")
                if len(buffer) < 4 + length:
                    break
                seen.append(number_in(bytes(buffer[4 : 4 + length])))
                del buffer[: 4 + length]

    async with http.ws_connect(gateway.viewer_url("CAM1", "&format=binary")) as good:
        reading = asyncio.create_task(read_slowly())
        watching = asyncio.create_task(collect_numbers(good, 120))
        await publish_many(redis, 120, 20)
        assert await watching == list(range(1, 121))
        lag = 120 - seen[-1]
        reading.cancel()
    assert seen == sorted(set(seen)), "in order, none twice"
    assert 20 < len(seen) < 110, "it skipped some"
    assert lag <= 40, "what it sees is fresh: if nothing were skipped, it would be more than seventy behind"
    assert await metric(http, "lotcast_viewers_cut_off_total") == 0
    assert await metric(http, 'lotcast_frames_dropped_total{cause="newer",stage="send"}') > 0
    slow.close()


async def test_one_on_a_thin_line_stays(gateway: Gateway, http: aiohttp.ClientSession, redis: Redis) -> None:
    thin = await RawViewer.connect(gateway.address, WATCH, receive_buffer_bytes=4096, segment_bytes=536)

    async def read_on() -> int:
        """50 KB/s, a tenth of what is published, and never a pause of half a second."""
        read_bytes = 0
        while got := await thin.read(2500):
            read_bytes += len(got)
            await asyncio.sleep(0.05)
        return read_bytes

    reading = asyncio.create_task(read_on())
    await publish_many(redis, 60, 10)
    assert await metric(http, "lotcast_viewers_cut_off_total") == 0
    assert await metric(http, 'lotcast_frames_dropped_total{cause="newer",stage="send"}') > 20
    assert not reading.done()
    reading.cancel()
    thin.close()


async def test_one_that_never_answers_pings_is_closed(redis_url: str, tmp_path: Path, redis: Redis) -> None:
    settings = {"GATEWAY_PING_INTERVAL_S": "0.3", "GATEWAY_PING_TIMEOUT_S": "0.3"}
    with running_gateway(redis_url, tmp_path, **settings) as gateway:
        async with aiohttp.ClientSession(gateway.url) as http:
            mute = await RawViewer.connect(gateway.address, WATCH)
            async with http.ws_connect(gateway.viewer_url("CAM1", "&format=binary")) as good:
                watching = asyncio.create_task(collect_numbers(good, 30))
                feeding = asyncio.create_task(publish_many(redis, 30, 15))
                opcodes: list[int] = []
                while not opcodes or opcodes[-1] != CLOSE:
                    opcode, payload = await mute.frame()
                    opcodes.append(opcode)
                assert PING in opcodes
                assert int.from_bytes(payload[:2], "big") == 1011
                await feeding
                assert await watching == list(range(1, 31))
                await good.send_str("ping")
                assert await good.receive_str(timeout=PATIENCE_S) == "pong", "who answers pings stays"
            mute.close()


async def test_one_that_only_talks_is_dropped(gateway: Gateway, http: aiohttp.ClientSession, redis: Redis) -> None:
    chatty = await RawViewer.connect(gateway.address, WATCH, receive_buffer_bytes=SMALL_BUFFER_BYTES)
    await chatty.send(TEXT, b"ping")
    assert await chatty.frame() == (TEXT, b"pong")
    before = resident_bytes(gateway.service.process.pid)

    async def talk() -> None:
        while True:
            for _ in range(50):
                await chatty.send(TEXT, b"ping")
                await chatty.send(PING, b"x" * 100)

    async with http.ws_connect(gateway.viewer_url("CAM1", "&format=binary")) as good:
        try:
            async with asyncio.timeout(PATIENCE_S):
                await talk()
        except ConnectionError:
            pass  # dropped, as it should be
        assert resident_bytes(gateway.service.process.pid) - before < 5_000_000
        await publish(redis, 1)
        assert number_in(await good.receive_bytes(timeout=PATIENCE_S)) == 1
    chatty.close()


async def test_five_hundred_that_come_and_go_leave_nothing_behind(
    gateway: Gateway, http: aiohttp.ClientSession, redis: Redis
) -> None:
    pid = gateway.service.process.pid

    async def come_and_go() -> None:
        for _ in range(5):
            viewers = await asyncio.gather(*(RawViewer.connect(gateway.address, WATCH) for _ in range(100)))
            assert {viewer.status for viewer in viewers} == {101}
            await asyncio.gather(*(viewer.frame() for viewer in viewers))
            for viewer in viewers:
                viewer.close()
        await wait_for(lambda: only_one_is_left(http))

    await publish(redis, 1)
    async with http.ws_connect(gateway.viewer_url("CAM1", "&format=binary")) as good:
        assert number_in(await good.receive_bytes(timeout=PATIENCE_S)) == 1
        await come_and_go()
        await come_and_go()  # the allocator's own reserves are full now
        held, files = resident_bytes(pid), open_files(pid)
        watching = asyncio.create_task(collect_numbers(good, 41))
        feeding = asyncio.create_task(publish_many(redis, 40, 20, first=2))
        await come_and_go()
        await feeding
        assert await watching == list(range(2, 42))
        assert resident_bytes(pid) - held < 9_000_000, "500 viewers hold 11 MB while they are there"
        assert open_files(pid) <= files + 2


async def only_one_is_left(http: aiohttp.ClientSession) -> bool:
    return await metric(http, "lotcast_viewers") == 1


async def test_a_stalled_mjpeg_client_is_cut_off_too(
    gateway: Gateway, http: aiohttp.ClientSession, redis: Redis
) -> None:
    async with http.post("/api/cameras", json={"id": "CAM1", "name": "x", "url": "http://192.0.2.1/"}) as answer:
        assert answer.status == 201
    reader, writer = await asyncio.open_connection(*gateway.address.split(":"), limit=1024)
    writer.write(f"GET /api/cameras/CAM1/stream.mjpg HTTP/1.1\r\nHost: {gateway.address}\r\n\r\n".encode())
    assert b"200" in await reader.readline()
    started = time.monotonic()
    number = 0
    while not await metric(http, "lotcast_viewers_cut_off_total"):
        number += 1
        await publish(redis, number, 300_000)
        await asyncio.sleep(0.05)
        assert time.monotonic() - started < 20
    await wait_for(lambda: metric_is_zero(http))
    writer.close()
