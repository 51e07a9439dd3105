from __future__ import annotations

import asyncio

from libs.common.messages import RawFrame
from services.detector.mailbox import Letter, Mailbox


def letter(camera_id: str, seq: int) -> Letter:
    return Letter(camera_id, RawFrame(seq, 0, 1, 1, b""), 0)


async def test_a_newer_frame_replaces_an_older_one_and_is_counted() -> None:
    mailbox = Mailbox()
    for seq in range(1, 4):
        await mailbox.put(letter("A", seq))
    assert (await mailbox.take()).frame.seq == 3
    assert mailbox.skipped["A"] == 2


async def test_cameras_are_served_in_turn() -> None:
    mailbox = Mailbox()
    for camera_id, seq in [("A", 1), ("B", 1), ("A", 2), ("C", 1)]:
        await mailbox.put(letter(camera_id, seq))
    assert [(await mailbox.take()).camera_id for _ in range(3)] == ["A", "B", "C"]


async def test_a_lane_waits_for_a_frame() -> None:
    mailbox = Mailbox()
    taking = asyncio.create_task(mailbox.take())
    await asyncio.sleep(0)
    assert not taking.done()
    await mailbox.put(letter("A", 1))
    assert (await asyncio.wait_for(taking, 1)).camera_id == "A"


async def test_a_camera_given_up_leaves_nothing() -> None:
    mailbox = Mailbox()
    await mailbox.put(letter("A", 1))
    await mailbox.put(letter("A", 2))
    mailbox.forget("A")
    await mailbox.put(letter("B", 1))
    assert (await mailbox.take()).camera_id == "B"
    assert not mailbox.skipped["A"]
