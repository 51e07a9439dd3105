from __future__ import annotations

import asyncio

from libs.common.messages import RawFrame
from services.detector.mailbox import Letter, Mailbox


def letter(camera_id: str, seq: int) -> Letter:
    return Letter(camera_id, RawFrame(seq, 0, 1, 1, b""), 0)


async def taken(mailbox: Mailbox) -> Letter:
    one = await asyncio.wait_for(mailbox.take(), 1)
    assert one is not None
    return one


async def test_a_newer_frame_replaces_an_older_one_and_is_counted() -> None:
    mailbox = Mailbox()
    assert [mailbox.put(letter("A", seq)) for seq in range(1, 4)] == [False, True, True]
    assert (await taken(mailbox)).frame.seq == 3
    assert mailbox.skipped["A"] == 2


async def test_cameras_are_served_in_turn() -> None:
    mailbox = Mailbox()
    for camera_id, seq in [("A", 1), ("B", 1), ("A", 2), ("C", 1)]:
        mailbox.put(letter(camera_id, seq))
    assert [(await taken(mailbox)).camera_id for _ in range(3)] == ["A", "B", "C"]


async def test_a_lane_waits_for_a_frame() -> None:
    mailbox = Mailbox()
    taking = asyncio.create_task(taken(mailbox))
    await asyncio.sleep(0)
    assert not taking.done()
    mailbox.put(letter("A", 1))
    assert (await taking).camera_id == "A"


async def test_a_frame_is_not_lost_with_the_lane_that_was_woken_for_it() -> None:
    mailbox = Mailbox()
    first, second = (asyncio.create_task(mailbox.take()) for _ in range(2))
    await asyncio.sleep(0)
    mailbox.put(letter("A", 1))
    first.cancel()
    assert await asyncio.wait_for(second, 1) == letter("A", 1)
    assert first.cancelled()


async def test_whoever_waits_when_the_mailbox_is_closed_gets_nothing() -> None:
    mailbox = Mailbox()
    waiting = [asyncio.create_task(mailbox.take()) for _ in range(2)]
    await asyncio.sleep(0)
    mailbox.close()
    assert await asyncio.wait_for(asyncio.gather(*waiting), 1) == [None, None]
    mailbox.put(letter("A", 1))
    assert await mailbox.take() is None


async def test_a_camera_given_up_is_no_longer_counted() -> None:
    mailbox = Mailbox()
    mailbox.put(letter("A", 1))
    mailbox.put(letter("A", 2))
    mailbox.forget("A")
    assert not mailbox.skipped["A"]
    assert (await taken(mailbox)).camera_id == "A", "whoever takes it counts it"
