"""What the detector repeats for a camera: by time that has passed, whatever the machine's clock does, and by motion."""

from __future__ import annotations

import itertools
import time
from typing import Any

import numpy as np
import pytest
from redis.asyncio import Redis

from libs.common import clock, keys
from libs.common.clock import now_ms, running_s
from libs.common.messages import FrameMetadata, RawFrame, Timings
from libs.common.spaces import ParkingSpace, SpaceStatus
from services.detector.camera import CameraSession
from services.detector.frame_result import AnnotatedFrame, FrameResult, Inference
from services.detector.occupancy.look import Look
from services.detector.pictures import FramePicture
from services.detector.publisher import Publisher
from services.detector.settings import DetectorSettings
from services.detector.stored_camera import StoredCamera
from services.detector.view.check import View
from tests.support.detector import acquired_lock, camera_session, detector_process
from tests.support.vehicles import vehicles

SPACE = ParkingSpace(space_id="A1", space_name="A1", polygon=[(0.1, 0.1), (0.2, 0.1), (0.2, 0.2)])
SETTINGS = DetectorSettings(inspect_every_s=3, log_interval_s=1, unknown_after_s=10)
HOUR_MS = 3_600_000


class Clocks:
    """The machine's clock, which can be set, and the time that passes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._epoch_ms, self._running_s = now_ms(), running_s()
        monkeypatch.setattr(time, "time_ns", lambda: self._epoch_ms * 1_000_000)
        monkeypatch.setattr(clock, "running_s", lambda: self._running_s)

    def set_by(self, milliseconds: int) -> None:
        self._epoch_ms += milliseconds

    def pass_by(self, seconds: float) -> None:
        self._running_s += seconds
        self._epoch_ms += round(seconds * 1000)


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    return Clocks(monkeypatch)


def camera_with(lock: Any = None) -> CameraSession:
    known = {"A1": SpaceStatus(state="free", since_ms=1)}
    return camera_session(detector_process(settings=SETTINGS), StoredCamera([SPACE], known), lock)


def frame() -> AnnotatedFrame:
    times = Timings(captured_at=now_ms(), read_at=now_ms(), detected_at=now_ms(), published_at=now_ms())
    metadata = FrameMetadata(
        vehicle_count=0, occupied_spaces=0, total_spaces=1, timestamp="", track_ids=[], detections=[],
        space_occupancy=[], matched_detections=[], tracking_enabled=True, detector="detector-1", frame_id="1-0",
        timings=times,
    )  # fmt: skip
    return AnnotatedFrame(b"jpeg", metadata)


@pytest.mark.parametrize("set_by_ms", [-HOUR_MS, 0, HOUR_MS])
def test_pictures_for_nobody_keep_their_pace(clocks: Clocks, set_by_ms: int) -> None:
    camera = camera_with()
    assert camera.wanted_pictures()
    camera.schedule.picture_was_shown()
    clocks.set_by(set_by_ms)
    clocks.pass_by(0.9)
    assert not camera.wanted_pictures()
    clocks.pass_by(0.2)
    assert camera.wanted_pictures()


def test_a_look_is_due_at_first_and_where_something_moved_and_its_answer_enters_with_the_next_frame() -> None:
    camera, at_ms = camera_with(), itertools.count(1000, 500)
    view = View("clear", 0)

    def update(changed: np.ndarray | None) -> FrameResult:
        picture, now = FramePicture(b"", (1000, 1000)), next(at_ms)
        inference = Inference(picture, "new", vehicles(), changed=changed)
        return camera.state.update(RawFrame(1, now, 1000, 1000, b""), inference)

    nothing, moved = np.zeros((125, 125), bool), np.zeros((125, 125), bool)
    moved[12:26, 12:26] = True
    assert update(None).due == [0], "there was none yet"
    for probability in (0.02, 0.02):
        camera.judging.answer(camera.state.lot, Look(next(at_ms), view, {0: probability}))
        update(nothing)
    events = []
    for number in range(12):
        result = update(nothing if number else moved)
        events += result.events
        if result.due:
            camera.judging.answer(camera.state.lot, Look(next(at_ms), view, {0: 0.98}))
    assert [(event.state, event.reason) for event in events] == [("occupied", "arrived")]


@pytest.mark.parametrize("set_by_ms", [-HOUR_MS, 0, HOUR_MS])
def test_spaces_become_unknown_once_no_picture_came_for_the_time_that_is_set(clocks: Clocks, set_by_ms: int) -> None:
    camera = camera_with()
    clocks.set_by(set_by_ms)
    clocks.pass_by(9.9)
    assert not camera.schedule.is_without_frames()
    clocks.pass_by(0.2)
    assert camera.schedule.is_without_frames()
    assert [(event.state, event.at_ms) for event in camera.state.lose_view("view lost")] == [("unknown", now_ms())]


@pytest.mark.parametrize("set_by_ms", [-HOUR_MS, 0, 2 * HOUR_MS])
async def test_a_broadcast_camera_stays_listed_and_logged(clocks: Clocks, redis: Redis, set_by_ms: int) -> None:
    camera, publisher = camera_with(await acquired_lock(redis)), Publisher(redis, detector_process(redis, SETTINGS))
    assert await publisher.publish(camera, frame())
    clocks.set_by(set_by_ms)
    clocks.pass_by(0.5)
    assert await publisher.publish(camera, frame())
    assert await redis.xlen(keys.log("CAM1")) == 1
    clocks.pass_by(0.6)
    assert await publisher.publish(camera, frame())
    assert await redis.xlen(keys.log("CAM1")) == 2
    assert await redis.zscore(keys.BROADCASTERS, "CAM1") == pytest.approx(now_ms() / 1000)


async def test_the_log_goes_back_for_the_time_that_is_set_also_when_nothing_is_written_any_more(
    clocks: Clocks, redis: Redis
) -> None:
    """Redis removes whole nodes of a hundred entries, each with an id by its own clock."""
    at_ms = now_ms()
    for entry_ms in [*range(at_ms - 2 * HOUR_MS, at_ms - 2 * HOUR_MS + 250), at_ms - HOUR_MS // 2]:
        await redis.xadd(keys.log("CAM1"), {"frame": ""}, id=f"{entry_ms}-0")
    camera, publisher = camera_with(await acquired_lock(redis)), Publisher(redis, detector_process(redis, SETTINGS))
    clocks.pass_by(61)
    assert await publisher.publish_status(camera, 0, "live")
    assert await redis.xlen(keys.log("CAM1")) == 50 + 1


async def test_the_log_goes_when_the_last_entry_is_too_old(clocks: Clocks, redis: Redis) -> None:
    camera, publisher = camera_with(await acquired_lock(redis)), Publisher(redis, detector_process(redis, SETTINGS))
    assert await publisher.publish(camera, frame())
    assert 0 < await redis.ttl(keys.log("CAM1")) <= SETTINGS.log_keep_s
    assert 0 < await redis.ttl(keys.counts("CAM1")) <= 86_400
