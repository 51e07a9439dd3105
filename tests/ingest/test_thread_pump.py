"""Frames from a thread: nothing is queued, nothing is silent, and the thread ends first."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from libs.common.errors import CameraStalled
from services.ingest.pacing import FramePacer
from services.ingest.sources.base import CapturedFrame
from services.ingest.sources.thread_pump import SilenceLimits, frames_from_thread
from tests.support.waiting import wait_for

PATIENCE = SilenceLimits(2, 0.2)


def frame(number: int) -> CapturedFrame:
    return CapturedFrame(b"", number, "numbers")


async def test_the_newest_frame_waits_and_those_that_gave_way_are_counted() -> None:
    pacer, sent = FramePacer(60), threading.Event()

    def five(stop: threading.Event) -> Iterator[CapturedFrame | None]:
        yield frame(0)
        sent.wait()
        yield from map(frame, range(1, 5))
        stop.wait()

    async with aclosing(frames_from_thread(five, PATIENCE, pacer)) as frames:
        got = [await anext(frames)]
        sent.set()
        await wait_for(lambda: pacer.lost == 3)
        got.append(await anext(frames))
    assert got == [frame(0), frame(4)]


async def test_pictures_that_nobody_wants_are_signs_of_life_and_silence_is_not() -> None:
    def numbers(stop: threading.Event) -> Iterator[CapturedFrame | None]:
        for _ in range(10):
            stop.wait(PATIENCE.next_s / 2)
            yield None
        yield frame(1)
        stop.wait()

    async with aclosing(frames_from_thread(numbers, PATIENCE, FramePacer(60))) as frames:
        assert await anext(frames) == frame(1)
        assert isinstance(await anext(frames), CameraStalled), "told at once"
        with pytest.raises(CameraStalled):
            await anext(frames)


async def test_a_fault_in_the_thread_is_raised_where_the_frames_are_read() -> None:
    def broken(stop: threading.Event) -> Iterator[CapturedFrame | None]:
        yield frame(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        async for _ in frames_from_thread(broken, PATIENCE, FramePacer(60)):
            pass


async def test_the_thread_has_ended_when_the_frames_have() -> None:
    has_ended = False

    def slow(stop: threading.Event) -> Iterator[CapturedFrame | None]:
        nonlocal has_ended
        yield frame(1)
        stop.wait()
        threading.Event().wait(0.3)  # as libav does, which looks at nothing meanwhile
        has_ended = True

    async def read() -> None:
        async for _ in frames_from_thread(slow, SilenceLimits(2, 2), FramePacer(60)):
            reading.set()

    reading = asyncio.Event()
    task = asyncio.create_task(read())
    await reading.wait()
    task.cancel()
    await asyncio.wait({task})
    assert has_ended
