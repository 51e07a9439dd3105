"""The streams of a camera: what is in them, and that they keep their bounds, also while Redis is full."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from typing import Any

import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.detection_log import ENTRY_MAX_BYTES, log_fields, read_log_entry, unpack_states
from libs.common.messages import FrameMetadata, Timings
from libs.common.redis_memory import RedisMemory
from libs.common.spaces import OccupancyEvent, ParkingSpace, SpaceState, SpaceStatus, dump_spaces
from services.detector.frame_result import AnnotatedFrame
from services.detector.metadata import build_metadata
from services.detector.occupancy.matching import Match
from services.detector.process import DetectorProcess
from services.detector.publisher import Publisher
from services.detector.settings import DetectorSettings
from services.detector.stored_camera import StoredCamera
from tests.support.detector import acquired_lock, camera_session, detector_process
from tests.support.vehicles import vehicles

STATES: tuple[SpaceState, ...] = ("unknown", "free", "occupied")
VERSION = hashlib.sha1(b"", usedforsecurity=False).hexdigest()


def many_spaces(count: int) -> list[ParkingSpace]:
    return [
        ParkingSpace(
            space_id=f"SPACE-{n:04}", space_name=f"Space {n}", polygon=[(0, 0), (0.1, 0), (0.1, 0.1 + n / 9999)]
        )
        for n in range(count)
    ]


def metadata_of(spaces: Sequence[ParkingSpace], cars: int, frame_id: str = "1795582715443-12") -> FrameMetadata:
    boxes = [(3000 + n, 2000, 3700 + n, 2100) for n in range(cars)]
    statuses = {one.space_id: SpaceStatus(state=STATES[n % 3], since_ms=1) for n, one in enumerate(spaces)}
    at = 1795582715443
    return build_metadata(
        vehicles(*boxes, track_ids=range(1_000_000, 1_000_000 + cars)),
        spaces,
        statuses,
        [Match(n, n, 0.9) for n in range(min(cars, len(spaces)) - 2)],
        detector="detector-1",
        frame_id=frame_id,
        timings=Timings(captured_at=at, read_at=at, detected_at=at, published_at=at),
    )


def as_stored(fields: dict[str, str]) -> dict[bytes, bytes]:
    return {name.encode(): value.encode() for name, value in fields.items()}


@pytest.mark.parametrize(("spaces", "cars"), [(0, 0), (100, 0), (100, 100), (300, 300), (1000, 500), (7, 300)])
def test_an_entry_of_the_log_is_small_however_many_spaces_and_vehicles_there_are(spaces: int, cars: int) -> None:
    fields = log_fields(metadata_of(many_spaces(spaces), cars), VERSION)
    assert sum(len(name) + len(value) for name, value in fields.items()) <= ENTRY_MAX_BYTES
    entry = read_log_entry(as_stored(fields))
    assert entry.states[:spaces] == [STATES[n % 3] for n in range(spaces)]
    assert entry.vehicle_count == cars
    assert (entry.frame_id, entry.spaces) == ("1795582715443-12", VERSION[:12])


def test_vehicles_that_stand_in_no_space_come_first_in_the_log_and_their_boxes_are_right() -> None:
    entry = read_log_entry(as_stored(log_fields(metadata_of(many_spaces(12), 12), VERSION)))
    assert [vehicle.track_id for vehicle in entry.vehicles] == [1_000_010, 1_000_011, *range(1_000_000, 1_000_010)]
    first = entry.vehicles[0]
    assert (first.class_name, first.bbox, first.confidence) == ("car", (3010, 2000, 700, 100), 0.9)


def test_states_are_readable_by_eye() -> None:
    assert unpack_states("16") == ["unknown", "free", "free", "occupied"]


class Camera:
    """A camera and a publisher over a real Redis."""

    def __init__(self, redis: Redis, process: DetectorProcess, spaces: Sequence[ParkingSpace], lock: Any) -> None:
        self.redis, self.process, self.spaces = redis, process, spaces
        self.publisher = Publisher(redis, process)
        text = dump_spaces(spaces)
        version = hashlib.sha1(text, usedforsecurity=False).hexdigest()
        statuses = {one.space_id: SpaceStatus(state="free", since_ms=1) for one in spaces}
        self.session = camera_session(process, StoredCamera(spaces, statuses, 0, version), lock)

    async def publish(self, jpeg: bytes = b"\xff\xd8") -> bool:
        return await self.publisher.publish(self.session, AnnotatedFrame(jpeg, metadata_of(self.spaces, 30)))

    def change(self, space_id: str, at_ms: int = 5) -> None:
        self.session.outbox.add(
            [
                OccupancyEvent(
                    space_id=space_id, space_name="x", state="occupied", previous="free", at_ms=at_ms, reason="arrived"
                )
            ]
        )


async def camera_in(redis: Redis, settings: DetectorSettings, spaces: int = 3) -> Camera:
    made = many_spaces(spaces)
    await redis.set(keys.spaces("CAM1"), dump_spaces(made))
    return Camera(redis, detector_process(redis, settings), made, await acquired_lock(redis))


@pytest.mark.parametrize("spaces", [100, 300])
async def test_the_log_keeps_its_bound_in_bytes(redis: Redis, spaces: int) -> None:
    settings = DetectorSettings(log_max_bytes=200_000, log_interval_s=0.000_001)
    camera = await camera_in(redis, settings, spaces)
    for _ in range(400):
        assert await camera.publish()
    assert await redis.xlen(keys.log("CAM1")) > 100
    used = await redis.memory_usage(keys.log("CAM1"), samples=0)
    assert used is not None
    assert used <= 200_000


async def test_counts_are_written_at_a_change_and_bounded(redis: Redis) -> None:
    camera = await camera_in(redis, DetectorSettings())
    assert await camera.publish()
    entries: Any = await redis.xrange(keys.counts("CAM1"))
    assert [fields for _, fields in entries] == [
        {b"occupied": b"0", b"free": b"3", b"unknown": b"0", b"vehicles": b"0"}
    ]
    assert await camera.publish()
    assert await redis.xlen(keys.counts("CAM1")) == 1, "nothing changed, and no minute passed"
    for number in range(300):
        camera.change("SPACE-0000", at_ms=number)
        assert await camera.publish()
    assert 100 < await redis.xlen(keys.counts("CAM1")) < 140, "so many in a row, and then fewer"


def memory_at(share: float) -> RedisMemory:
    return RedisMemory(
        used_bytes=round(share * 1000), uncounted_bytes=0, limit_bytes=1000, evicted_keys=0, save_failed=False,
        asked_at_s=time.monotonic(),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("share", "written"),
    [
        (0.5, {"log", "counts", "events"}),
        (0.91, {"counts", "events"}),
        (0.97, {"events"}),
        (0.995, set()),
    ],
)
async def test_a_full_redis_stops_history_in_order_and_pictures_and_states_go_on(
    redis: Redis, share: float, written: set[str]
) -> None:
    camera = await camera_in(redis, DetectorSettings())
    camera.process.memory.last = memory_at(share)
    camera.change("SPACE-0001")
    assert await camera.publish()
    streams = {"log": keys.log("CAM1"), "counts": keys.counts("CAM1"), "events": keys.events("CAM1")}
    assert {name for name, key in streams.items() if await redis.exists(key)} == written
    assert await redis.exists(keys.latest("CAM1"))
    assert await redis.get(keys.count("CAM1")) == b"1"
    stored: Any = await redis.hget(keys.occupancy("CAM1"), "SPACE-0001")
    assert SpaceStatus.model_validate_json(stored).state == "occupied"


async def test_events_wait_for_room_are_bounded_and_come_in_order(redis: Redis) -> None:
    camera = await camera_in(redis, DetectorSettings())
    camera.process.memory.last = memory_at(1.0)
    for number in range(1200):
        camera.change("SPACE-0001", at_ms=number)
    assert await camera.publish()
    assert not await redis.exists(keys.events("CAM1"))
    assert await camera.publisher.publish_status(camera.session, 0, "live")
    status: Any = await redis.hgetall(keys.status("CAM1"))
    assert (status[b"detector_events_pending"], status[b"detector_events_dropped"]) == (b"1000", b"200")
    assert b"Redis is full" in status[b"detector_error"]
    camera.process.memory.last = memory_at(0.5)
    assert await camera.publish()
    entries: Any = await redis.xrange(keys.events("CAM1"))
    assert [int(fields[b"at_ms"]) for _, fields in entries] == list(range(200, 1200))
    assert not camera.session.outbox.events


async def test_changes_are_not_written_for_spaces_that_somebody_has_changed_meanwhile(redis: Redis) -> None:
    """Their history was closed by the one who removed them."""
    camera = await camera_in(redis, DetectorSettings())
    await redis.set(keys.spaces("CAM1"), b"[]")
    camera.change("SPACE-0001")
    assert await camera.publish(), "the picture goes on"
    assert not await redis.exists(keys.events("CAM1"), keys.occupancy("CAM1"))
    assert len(camera.session.outbox.events) == 1


async def test_all_states_are_written_and_others_removed_only_if_the_spaces_are_those_that_were_read(
    redis: Redis,
) -> None:
    camera = await camera_in(redis, DetectorSettings())
    await redis.hset(keys.occupancy("CAM1"), "GONE", SpaceStatus(state="free", since_ms=1).model_dump_json())
    await redis.append(keys.spaces("CAM1"), b" ")
    assert not await camera.publisher.publish_all_states(camera.session, {})
    assert await redis.hkeys(keys.occupancy("CAM1")) == [b"GONE"]
    await redis.set(keys.spaces("CAM1"), dump_spaces(camera.spaces))
    assert await camera.publisher.publish_all_states(camera.session, {})
    assert sorted(await redis.hkeys(keys.occupancy("CAM1"))) == [b"SPACE-0000", b"SPACE-0001", b"SPACE-0002"]


async def test_a_space_that_was_removed_and_added_again_has_its_state_told_again(redis: Redis) -> None:
    camera = await camera_in(redis, DetectorSettings())
    assert await camera.publisher.publish_all_states(camera.session, {})
    await redis.hdel(keys.occupancy("CAM1"), "SPACE-0001")
    assert await camera.publisher.publish_all_states(camera.session, {"SPACE-0000": "free", "SPACE-0002": "free"})
    entries: Any = await redis.xrange(keys.events("CAM1"))
    told = [(fields[b"space_id"], fields[b"previous"], fields[b"state"], fields[b"reason"]) for _, fields in entries]
    assert told == [(b"SPACE-0001", b"unknown", b"free", b"space changed")]
    assert await redis.hlen(keys.occupancy("CAM1")) == 3
