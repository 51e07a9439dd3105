"""The receiving end of a camera's connection: when its reader wakes up."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from services.ingest.sources.http_connection import WAITING_MAX_BYTES, Connection


class Transport(asyncio.Transport):
    """Notes whether the connection wants to be read."""

    def __init__(self) -> None:
        self.reads = True

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def is_closing(self) -> bool:
        return False


def connected() -> tuple[Connection, Transport]:
    connection, transport = Connection(), Transport()
    connection.connection_made(cast(asyncio.BaseTransport, transport))
    return connection, transport


async def test_a_reader_sleeps_until_all_that_it_wants_has_come() -> None:
    connection, _ = connected()
    reading = asyncio.create_task(connection.read(10, 100))
    for _ in range(9):
        await asyncio.sleep(0)
        connection.data_received(b"0123456789")
        await asyncio.sleep(0)
        assert not reading.done()
    connection.data_received(b"0123456789+")
    assert await reading == b"0123456789" * 10 + b"+"


async def test_what_came_by_the_deadline_is_handed_out_and_silence_is_told() -> None:
    connection, _ = connected()
    connection.data_received(b"some")
    assert await connection.read(0.01, 100) == b"some"
    with pytest.raises(TimeoutError):
        await connection.read(0.01, 100)


async def test_the_end_wakes_a_reader_that_wants_more() -> None:
    connection, _ = connected()
    reading = asyncio.create_task(connection.read(10, 100))
    await asyncio.sleep(0)
    connection.data_received(b"some")
    connection.connection_lost(None)
    assert await reading == b"some"
    assert await connection.read(10, 100) == b""


async def test_who_wants_more_than_may_wait_gets_what_may() -> None:
    connection, transport = connected()
    reading = asyncio.create_task(connection.read(10, 10 * WAITING_MAX_BYTES))
    await asyncio.sleep(0)
    connection.data_received(bytes(WAITING_MAX_BYTES + 1))
    assert not transport.reads
    assert len(await reading) == WAITING_MAX_BYTES + 1
    assert transport.reads
