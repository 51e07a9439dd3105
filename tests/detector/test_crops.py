"""The pictures of a space before and after a change: which, how large, how many; and that nothing waits for them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.errors import MessageError
from libs.common.event_crops import CROP_MAX_BYTES, CROPS_AN_HOUR, CROPS_EXPIRE_S, EventCrops
from libs.common.redis_memory import RedisMemory
from libs.common.spaces import OccupancyEvent, ParkingSpace, SpaceState
from services.detector.camera import CameraSession
from services.detector.crop_writer import CropBudget, CropWriter
from services.detector.crops import REFRESHED_MS, SIDE_PX, WAITING_MAX, SpaceCrops, cut_crop
from services.detector.engines.base import Picture
from services.detector.pictures import decode
from services.detector.process import DetectorProcess
from services.detector.publisher import Publisher
from services.detector.stored_camera import StoredCamera
from tests.support.detector import acquired_lock, camera_session, detector_process

SPACE = ParkingSpace(space_id="A1", space_name="A1", polygon=[(0.25, 0.25), (0.75, 0.25), (0.75, 0.75), (0.25, 0.75)])
HOUR_MS = 3_600_000


def change(state: SpaceState = "free", previous: SpaceState = "occupied", at_ms: int = 1) -> OccupancyEvent:
    return OccupancyEvent(space_id="A1", space_name="A1", state=state, previous=previous, at_ms=at_ms)


def plain(grey: int) -> Picture:
    return np.full((400, 600, 3), grey, np.uint8)


def shown(jpeg: bytes | None) -> int:
    """The mean grey of a crop."""
    assert jpeg is not None
    return round(float(decode(jpeg).mean()))


def crops_of(crops: SpaceCrops, event: OccupancyEvent) -> EventCrops:
    found = crops.of(event)
    assert found is not None
    return found


def test_a_crop_shows_the_space_and_is_small_whatever_it_shows() -> None:
    picture = plain(50)
    picture[100:300, 150:450] = 200
    jpeg = cut_crop(picture, SPACE.polygon)
    assert jpeg is not None
    crop = decode(jpeg)
    assert max(crop.shape[:2]) == SIDE_PX
    assert crop[crop.shape[0] // 2, crop.shape[1] // 2].mean() == pytest.approx(200, abs=3)
    assert crop[2, 2].mean() == pytest.approx(50, abs=5), "with a margin"
    noise = np.random.default_rng(1).integers(0, 256, (1080, 1920, 3)).astype(np.uint8)
    for polygon in (SPACE.polygon, [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)], [(0.999, 0.999), (1.0, 0.999), (1.0, 1.0)]):
        crop_of_noise = cut_crop(noise, polygon)
        assert crop_of_noise is None or len(crop_of_noise) <= CROP_MAX_BYTES


def test_a_change_shows_what_was_there_before_and_what_the_judge_saw_then() -> None:
    crops = SpaceCrops()
    crops.look(plain(200), [SPACE], {0: 0.98}, 0)
    crops.look(plain(60), [SPACE], {0: 0.6}, REFRESHED_MS)  # it is half out
    crops.look(plain(40), [SPACE], {0: 0.4}, REFRESHED_MS + 500)
    crops.look(plain(20), [SPACE], {0: 0.02}, REFRESHED_MS + 1000)
    told = crops_of(crops, change())
    assert (shown(told.before), shown(told.after)) == (200, 20)
    crops.look(plain(30), [SPACE], {0: 0.02}, REFRESHED_MS + 2000)
    assert shown(crops_of(crops, change()).after) == 20, "not one after the other"
    crops.look(plain(90), [SPACE], {0: 0.02}, 3 * REFRESHED_MS)
    told = crops_of(crops, change("occupied", "free"))
    assert (shown(told.before), shown(told.after)) == (90, 200)


def test_what_is_no_change_between_free_and_taken_has_no_pictures() -> None:
    crops = SpaceCrops()
    assert crops.of(change()) is None, "nobody has looked yet"
    crops.look(plain(200), [SPACE], {0: 0.98}, 0)
    assert crops.of(change("unknown", "occupied")) is None
    assert crops.of(change("occupied", "unknown")) is None
    assert crops_of(crops, change()).after is None
    crops.forget_all_but([])
    assert crops.of(change()) is None


def test_what_is_stored_is_read_back_and_nonsense_is_refused() -> None:
    crops = EventCrops(b"before", None)
    assert EventCrops.unpack(crops.pack()) == crops
    for nonsense in (b"", b"pictures", b"\xc0", b"\x81\xa6before\xa4text", b"\xc1"):
        with pytest.raises(MessageError):
            EventCrops.unpack(nonsense)


def test_an_hour_has_so_many_changes_with_pictures() -> None:
    budget = CropBudget([1000] * 100)
    assert sum(budget.take(2000) for _ in range(100)) == CROPS_AN_HOUR - 100
    assert not budget.take(1000 + HOUR_MS)
    assert sum(budget.take(1001 + HOUR_MS) for _ in range(200)) == 100, "the first hundred have expired"


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(redis_url, protocol=2) as client:
        yield client


class Watched:
    """A camera of this process with one space, which a judge looks at."""

    def __init__(self, redis: Redis, process: DetectorProcess, camera: CameraSession) -> None:
        self.redis, self.process, self.camera = redis, process, camera
        self.publisher = Publisher(redis, process)
        self.writer = CropWriter(redis, {"CAM1": camera}, process)
        camera.judging.crops.look(plain(200), [SPACE], {0: 0.98}, 0)
        camera.judging.crops.look(plain(20), [SPACE], {0: 0.02}, 500)

    async def changes(self, *events: OccupancyEvent) -> None:
        self.camera.outbox.add(events)
        self.camera.crops.add(events)
        assert await self.publisher.publish_changes(self.camera)

    async def event_ids(self) -> list[str]:
        entries: Any = await self.redis.xrange(keys.events("CAM1"))
        return [event_id.decode() for event_id, _ in entries]

    async def stored(self) -> set[str]:
        return {key.decode() async for key in self.redis.scan_iter(keys.crops("CAM1", "*"))}

    def outcomes(self) -> dict[str, float]:
        samples = next(one for one in self.process.metrics.registry.collect() if one.name == "lotcast_crops").samples
        return {sample.labels["result"]: sample.value for sample in samples if sample.value}


@pytest.fixture
async def watched(redis: Redis) -> Watched:
    process = detector_process(redis)
    return Watched(redis, process, camera_session(process, StoredCamera([SPACE]), await acquired_lock(redis)))


async def test_the_pictures_stand_under_the_id_of_their_event_and_expire(redis: Redis, watched: Watched) -> None:
    await watched.changes(change("unknown", "occupied", at_ms=1), change(at_ms=2), change("occupied", "free", at_ms=3))
    assert await watched.stored() == set(), "nothing waits for them"
    await watched.writer.write_all()
    _, left, came = await watched.event_ids()
    assert await watched.stored() == {keys.crops("CAM1", left), keys.crops("CAM1", came)}
    packed: Any = await redis.get(keys.crops("CAM1", left))
    stored = EventCrops.unpack(packed)
    assert (shown(stored.before), shown(stored.after)) == (200, 20)
    assert CROPS_EXPIRE_S - 60 < await redis.ttl(keys.crops("CAM1", came)) <= CROPS_EXPIRE_S
    assert watched.outcomes() == {"written": 2}
    await watched.writer.write_all()
    assert watched.outcomes() == {"written": 2}


async def test_an_event_whose_answer_was_lost_keeps_its_pictures(redis: Redis, watched: Watched) -> None:
    event = change(at_ms=7)
    fields: Any = event.to_fields()
    event_id: Any = await redis.xadd(keys.events("CAM1"), fields)
    watched.camera.outbox.is_unsettled = True
    await watched.changes(event)
    await watched.writer.write_all()
    assert await watched.stored() == {keys.crops("CAM1", event_id.decode())}


async def test_more_changes_than_an_hour_may_have_are_counted_also_after_a_handover(
    redis: Redis, watched: Watched
) -> None:
    for first in range(0, 180, 60):
        await watched.changes(*[change(at_ms=number) for number in range(first, first + 60)])
        await watched.writer.write_all()
    assert len(await watched.stored()) == CROPS_AN_HOUR
    assert watched.outcomes() == {"written": CROPS_AN_HOUR, "too_many": 180 - CROPS_AN_HOUR}
    next_owner = Watched(redis, watched.process, watched.camera)
    await next_owner.changes(change(at_ms=1000))
    await next_owner.writer.write_all()
    assert len(await watched.stored()) == CROPS_AN_HOUR
    await watched.changes(*[change(at_ms=number) for number in range(2000, 2000 + WAITING_MAX + 10)])
    await watched.writer.write_all()
    assert watched.outcomes()["too_many"] == 180 - CROPS_AN_HOUR + 1 + WAITING_MAX + 10


async def test_a_full_redis_and_a_lost_lease_get_no_pictures_and_both_are_counted(
    redis: Redis, watched: Watched
) -> None:
    await watched.process.memory.ask()
    known = watched.process.memory.last
    assert known is not None
    watched.process.memory.last = RedisMemory(94, 0, 100, 0, False, known.asked_at_s)
    await watched.changes(change(at_ms=1))
    await watched.writer.write_all()
    watched.process.memory.last = known
    await watched.changes(change(at_ms=2))
    await redis.set(keys.lease("detector", "CAM1"), "detector-2")
    await watched.writer.write_all()
    assert await watched.stored() == set()
    assert watched.outcomes() == {"redis_full": 1, "lease_lost": 1}
