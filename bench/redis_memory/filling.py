"""Fill a camera's keys in Redis to their bounds, with the detector's own writer at the default settings."""

from __future__ import annotations

import hashlib
import os
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.lock import Lock

from libs.common import keys
from libs.common.clock import now_ms, running_s
from libs.common.event_crops import CROP_MAX_BYTES, CROPS_AN_HOUR, EventCrops
from libs.common.leases import Lease
from libs.common.messages import FRAMES_MAXLEN, FrameMetadata, RawFrame, Timings
from libs.common.proposals import PLACES_MAX, PROPOSALS_MAX, SpaceProposal
from libs.common.redis_clock import RedisClock
from libs.common.redis_memory import RedisMemoryWatch
from libs.common.spaces import OccupancyEvent, ParkingSpace, SpaceState, SpaceStatus, dump_spaces
from services.detector.camera import CameraSession
from services.detector.crop_writer import CropWriter
from services.detector.frame_result import AnnotatedFrame
from services.detector.metadata import build_metadata
from services.detector.metrics import DetectorMetrics
from services.detector.outbox import PENDING_EVENTS_MAX
from services.detector.process import DetectorProcess
from services.detector.proposals.places import Place
from services.detector.proposals.propose import ProposedSpaces
from services.detector.publisher import COUNTS_MAXLEN, LOG_ENTRY_STORED_BYTES, Publisher
from services.detector.settings import DetectorSettings
from services.detector.stored_camera import StoredCamera
from services.detector.view.reference import NEWEST, REFERENCE_MAX_BYTES
from tests.support.vehicles import vehicles

PICTURE_BYTES: Final = 50_000
LEASE_S: Final = 600


def many_spaces(count: int) -> list[ParkingSpace]:
    """Spaces as people draw and name them."""
    return [
        ParkingSpace(
            space_id=f"A{number:03}",
            space_name=f"Row {number // 20} space {number % 20}",
            polygon=[(0.1234, 0.2345), (0.1734, 0.2345), (0.1734, 0.3345 + number / 9999), (0.1234, 0.3345)],
        )
        for number in range(count)
    ]


async def fill(redis: Redis, camera_id: str, spaces: list[ParkingSpace]) -> None:
    """Fill the keys of a camera that no detector works on; its lease is held meanwhile."""
    # An interval of a nanosecond: each frame gets its entry in the log.
    settings = DetectorSettings(log_interval_s=1e-9)
    process = DetectorProcess("bench", settings, DetectorMetrics(), RedisClock(redis), RedisMemoryWatch(redis))
    lock = Lock(redis, keys.lease("detector", camera_id), timeout=LEASE_S, thread_local=False)
    assert await lock.acquire(token="bench")
    lease = Lease(camera_id, lock, LEASE_S)
    lease.extend(running_s())
    text = dump_spaces(spaces)
    await redis.set(keys.spaces(camera_id), text)
    statuses = {one.space_id: SpaceStatus(state="free", since_ms=now_ms(), reason="left") for one in spaces}
    version = hashlib.sha1(text, usedforsecurity=False).hexdigest()
    camera = CameraSession(lease, StoredCamera(spaces, statuses, 123_456, version), process)
    publisher = Publisher(redis, process)
    camera.schedule.take_counts = lambda *, changed: True  # type: ignore[method-assign]
    frame = AnnotatedFrame(os.urandom(PICTURE_BYTES), metadata_of(spaces))
    for _ in range(max(settings.log_max_bytes // LOG_ENTRY_STORED_BYTES, COUNTS_MAXLEN) + 200):
        assert await publisher.publish(camera, frame)
    references: Any = {f"{hour:02}": os.urandom(REFERENCE_MAX_BYTES) for hour in range(24)}
    await redis.hset(keys.view(camera_id), mapping=references | {NEWEST: os.urandom(REFERENCE_MAX_BYTES)})
    await fill_crops(redis, camera, process)  # before the events, which count as having pictures
    for first in range(0, settings.events_keep + 2 * PENDING_EVENTS_MAX, PENDING_EVENTS_MAX):
        camera.outbox.add([change(spaces, number) for number in range(first, first + PENDING_EVENTS_MAX)])
        assert await publisher.publish_changes(camera)
    corners = [(0.12345, 0.12345), (0.23456, 0.12345), (0.23456, 0.23456), (0.12345, 0.23456)]
    proposals = [SpaceProposal(polygon=corners, confidence=0.987)] * PROPOSALS_MAX
    places = [Place((0.1234, 0.1234, 0.2345, 0.2345), 12.345, 86_400_000, now_ms())] * PLACES_MAX
    camera.proposals.conclude(places, ProposedSpaces(proposals))
    assert await publisher.publish_status(camera, 0, "live")
    for number in range(2 * FRAMES_MAXLEN):
        fields: Any = RawFrame(number, now_ms(), 1280, 720, os.urandom(PICTURE_BYTES)).to_fields()
        await redis.xadd(keys.frames(camera_id), fields, maxlen=FRAMES_MAXLEN, approximate=False)
    await lock.release()


async def fill_crops(redis: Redis, camera: CameraSession, process: DetectorProcess) -> None:
    """Pictures of more changes than may have some, each as large as can be."""
    writer = CropWriter(redis, {camera.camera_id: camera}, process)
    for number in range(CROPS_AN_HOUR + 20):
        crops = EventCrops(os.urandom(CROP_MAX_BYTES), os.urandom(CROP_MAX_BYTES)).pack()
        camera.crops.put(f"{now_ms()}-{number}", crops)
        await writer.write_all()


def metadata_of(spaces: list[ParkingSpace]) -> FrameMetadata:
    """A frame with a vehicle a space."""
    at_ms = now_ms()
    states: list[SpaceState] = ["free", "occupied", "unknown"]
    boxes = [(1000 + number, 600, 1180 + number, 700) for number in range(len(spaces))]
    return build_metadata(
        vehicles(*boxes, track_ids=range(10**6, 10**6 + len(spaces))),
        spaces,
        {one.space_id: SpaceStatus(state=states[n % 3], since_ms=at_ms) for n, one in enumerate(spaces)},
        [],
        detector="detector-host-1234-a1b2c3",
        frame_id=f"{at_ms}-0",
        timings=Timings(captured_at=at_ms, read_at=at_ms, detected_at=at_ms, published_at=at_ms),
    )


def change(spaces: list[ParkingSpace], number: int) -> OccupancyEvent:
    """One of the many changes of a lot."""
    space, arrives = spaces[number % len(spaces)], number // len(spaces) % 2 == 0
    return OccupancyEvent(
        space_id=space.space_id,
        space_name=space.space_name,
        state="occupied" if arrives else "free",
        previous="free" if arrives else "occupied",
        at_ms=now_ms(),
        track_id=1_000_000 + number,
        reason="arrived" if arrives else "left",
        evidence=0.987,
    )
