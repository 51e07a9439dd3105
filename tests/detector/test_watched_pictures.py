"""The kinds of pictures: only those that somebody watches are made, and all say the same of the frame."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.messages import RawFrame, unpack_viewer_message
from libs.common.spaces import ParkingSpace, SpaceStatus
from services.detector.drawing.renderer import FrameRenderer
from services.detector.engines.base import Picture
from services.detector.engines.loading import load_engine
from services.detector.frame_result import FrameResult, Inference, PictureKind
from services.detector.full_frame import FullFrameInference
from services.detector.latest_frames import PendingFrame
from services.detector.motion import MotionGate
from services.detector.occupancy.hysteresis import Debounce
from services.detector.occupancy.lot import Lot
from services.detector.pictures import FramePicture, decode, encode
from services.detector.publisher import Publisher
from services.detector.settings import DetectorSettings
from services.detector.subscribers import watch_subscribers
from services.detector.tracking import no_tracks
from services.ingest.jpeg import jpeg_size
from tests.support.detector import acquired_lock, camera_session, detector_process
from tests.support.waiting import wait_for

SETTINGS = DetectorSettings(inspect_every_s=0, log_interval_s=0)
SIZE = (1280, 720)
SPACE = ParkingSpace(space_id="A1", space_name="A1", polygon=[(0.1, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9)])


def lot_picture(car_at: int | None = None) -> Picture:
    blocks = np.random.default_rng(3).integers(90, 150, (45, 80, 1), np.uint8)
    picture = np.kron(blocks, np.ones((16, 16, 3), np.uint8))
    if car_at is not None:
        picture[300:420, car_at : car_at + 200] = 250
    return np.asarray(picture, np.uint8)


def pending(jpeg: bytes, seq: int) -> PendingFrame:
    return PendingFrame("CAM1", RawFrame(seq, 1000 * seq, *SIZE, jpeg, f"{1000 * seq}-0"), 1000 * seq)


class Frames:
    """Runs gate and renderer on frames, one by one."""

    def __init__(self) -> None:
        self.renderer, self.gate, self.seq = FrameRenderer("detector-1", 85), MotionGate(8, 60_000), 0
        self._full_frame = FullFrameInference(load_engine(SETTINGS), 0.1, 10_000_000)
        lot = Lot([SPACE], {"A1": SpaceStatus(state="free", since_ms=0)}, Debounce(0, 0), 0)
        self._result = FrameResult(lot, no_tracks(), [], lot.statuses, [])

    def draw(self, jpeg: bytes, kinds: set[PictureKind]) -> Any:
        self.seq += 1
        one = pending(jpeg, self.seq)
        inference: Inference = self._full_frame.run(one.frame, self.gate, "annotated" in kinds)
        return self.renderer.draw(one, inference, self._result, 0, kinds).encode(kinds)


def test_the_cameras_own_picture_passes_through_and_the_small_one_has_nothing_drawn_into_it() -> None:
    jpeg = encode(lot_picture(), 90)
    frame = Frames().draw(jpeg, {"annotated", "plain", "small"})
    assert frame.plain == jpeg
    assert frame.jpeg not in (None, jpeg)
    assert jpeg_size(frame.small) == (480, 270)
    shown = decode(frame.small).astype(int)
    expected = FramePicture(jpeg, SIZE).small(480)
    assert expected is not None
    assert np.abs(shown - expected).mean() < 4
    annotated = FramePicture(frame.jpeg, SIZE).small(480)
    assert annotated is not None
    assert np.abs(shown - annotated).mean() > 8, "there is a difference to be seen"
    assert (frame.metadata.width, frame.metadata.height) == SIZE


@pytest.mark.parametrize("kind", ["plain", "small", "annotated"])
def test_what_nobody_watches_is_not_made(kind: PictureKind) -> None:
    frame = Frames().draw(encode(lot_picture(), 90), {kind})
    made = {"annotated": frame.jpeg, "plain": frame.plain, "small": frame.small}
    assert {name for name, picture in made.items() if picture is not None} == {kind}


def test_a_picture_that_is_small_already_is_sent_as_it_is() -> None:
    jpeg = encode(np.full((270, 480, 3), 120, np.uint8), 80)
    drawn = FrameRenderer("d", 85).draw(
        PendingFrame("CAM1", RawFrame(1, 0, 480, 270, jpeg, "1-0"), 0),
        Inference(FramePicture(jpeg, (480, 270)), "new"),
        FrameResult(Lot([], {}, Debounce(0, 0), 0), no_tracks(), [], {}, []),
        0,
        {"small"},
    )
    assert drawn.encode({"small"}).small == jpeg


def test_frames_that_show_the_same_are_one_scene_until_something_moves() -> None:
    frames, jpeg = Frames(), encode(lot_picture(), 90)
    first, second = frames.draw(jpeg, {"plain"}), frames.draw(encode(lot_picture(), 88), {"plain"})
    moved = frames.draw(encode(lot_picture(car_at=400), 90), {"plain"})
    assert first.scene is second.scene
    assert moved.scene is not first.scene


async def test_all_channels_carry_one_frame_under_one_number_and_say_since_when_it_is_still(redis: Redis) -> None:
    process = detector_process(redis, SETTINGS)
    camera, publisher = camera_session(process, lock=await acquired_lock(redis)), Publisher(redis, process)
    frames, jpeg, stop = Frames(), encode(lot_picture(), 90), asyncio.Event()
    async with redis.pubsub() as pubsub:
        await pubsub.subscribe(keys.plain("CAM1"), keys.small("CAM1"))
        watching = asyncio.create_task(watch_subscribers(redis, {"CAM1": camera}, stop))
        await wait_for(lambda: camera.watched == {"plain", "small"})
        for _ in range(2):
            assert await publisher.publish(camera, frames.draw(jpeg, set(camera.watched)))
        received: list[Any] = []

        async def four_came() -> bool:
            message: Any = await pubsub.get_message(ignore_subscribe_messages=True, timeout=0.1)
            if message:
                received.append((message["channel"].decode(), unpack_viewer_message(message["data"])))
            return len(received) == 4

        await wait_for(four_came)
        stop.set()
        await watching
    numbers = [(channel, one["frame_count"], one["metadata"]["still_since"]) for channel, one in received]
    assert numbers == [
        (channel, *of_frame) for of_frame in ((1, None), (2, 1)) for channel in (keys.plain("CAM1"), keys.small("CAM1"))
    ]
    assert [one["frame"] == jpeg for channel, one in received if channel == keys.plain("CAM1")] == [True, True]
    assert [one["metadata"]["frame_id"] for _, one in received] == ["1000-0", "1000-0", "2000-0", "2000-0"]
    assert not await redis.exists(keys.latest("CAM1")), "that one is annotated"
