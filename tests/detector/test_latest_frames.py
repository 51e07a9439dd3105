from __future__ import annotations

import asyncio

from libs.common.messages import RawFrame
from services.detector.latest_frames import LatestFrames, PendingFrame
from tests.support.waiting import PATIENCE_S


def pending(camera_id: str, seq: int) -> PendingFrame:
    return PendingFrame(camera_id, RawFrame(seq, 0, 1, 1, b""), 0)


async def taken(latest_frames: LatestFrames) -> PendingFrame:
    one = await asyncio.wait_for(latest_frames.take(), PATIENCE_S)
    assert one is not None
    return one


async def test_a_newer_frame_replaces_an_older_one_and_is_counted() -> None:
    latest_frames = LatestFrames()
    assert [latest_frames.put(pending("A", seq)) for seq in range(1, 4)] == [False, True, True]
    assert (await taken(latest_frames)).frame.seq == 3
    assert latest_frames.skipped["A"] == 2


async def test_cameras_are_served_in_turn() -> None:
    latest_frames = LatestFrames()
    for camera_id, seq in [("A", 1), ("B", 1), ("A", 2), ("C", 1)]:
        latest_frames.put(pending(camera_id, seq))
    assert [(await taken(latest_frames)).camera_id for _ in range(3)] == ["A", "B", "C"]


async def test_a_camera_has_its_share_of_the_workers_and_leaves_the_rest_to_others() -> None:
    latest_frames = LatestFrames()
    latest_frames.put(pending("A", 1))
    assert await latest_frames.take(share=1) == pending("A", 1)
    latest_frames.put(pending("A", 2))
    waiting = [asyncio.create_task(latest_frames.take(share=1)) for _ in range(2)]
    await asyncio.sleep(0)
    assert not any(one.done() for one in waiting), "its frame is under way"
    latest_frames.put(pending("B", 1))
    done, rest = await asyncio.wait(waiting, timeout=1, return_when=asyncio.FIRST_COMPLETED)
    assert [one.result() for one in done] == [pending("B", 1)], "it passes the one that waits"
    latest_frames.done("B")
    latest_frames.done("A")
    assert await asyncio.wait_for(rest.pop(), PATIENCE_S) == pending("A", 2)


async def test_no_frame_is_left_behind_where_a_worker_is_free_for_it() -> None:
    latest_frames = LatestFrames()
    for camera_id in ("A", "B", "C"):
        latest_frames.put(pending(camera_id, 1))
    assert {(await taken(latest_frames)).camera_id for _ in range(3)} == {"A", "B", "C"}
    waiting = [asyncio.create_task(latest_frames.take(share=2)) for _ in range(3)]
    await asyncio.sleep(0)
    for camera_id in ("A", "B", "C"):
        latest_frames.put(pending(camera_id, 2))
    told = await asyncio.wait_for(asyncio.gather(*waiting), PATIENCE_S)
    assert {one.camera_id for one in told if one is not None} == {"A", "B", "C"}


async def test_a_worker_waits_for_a_frame() -> None:
    latest_frames = LatestFrames()
    taking = asyncio.create_task(taken(latest_frames))
    await asyncio.sleep(0)
    assert not taking.done()
    latest_frames.put(pending("A", 1))
    assert (await taking).camera_id == "A"


async def test_a_frame_is_not_lost_with_the_worker_that_was_woken_for_it() -> None:
    latest_frames = LatestFrames()
    first, second = (asyncio.create_task(latest_frames.take()) for _ in range(2))
    await asyncio.sleep(0)
    latest_frames.put(pending("A", 1))
    first.cancel()
    assert await asyncio.wait_for(second, PATIENCE_S) == pending("A", 1)
    assert first.cancelled()


async def test_those_that_wait_when_it_is_closed_get_nothing() -> None:
    latest_frames = LatestFrames()
    waiting = [asyncio.create_task(latest_frames.take()) for _ in range(2)]
    await asyncio.sleep(0)
    latest_frames.close()
    assert await asyncio.wait_for(asyncio.gather(*waiting), PATIENCE_S) == [None, None]
    latest_frames.put(pending("A", 1))
    assert await latest_frames.take() is None


async def test_a_camera_given_up_is_no_longer_counted() -> None:
    latest_frames = LatestFrames()
    latest_frames.put(pending("A", 1))
    latest_frames.put(pending("A", 2))
    latest_frames.forget("A")
    assert not latest_frames.skipped["A"]
    assert (await taken(latest_frames)).camera_id == "A", "the worker that takes it counts it"
