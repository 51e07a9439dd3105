"""Which configured cameras are seeded, and what is left as it stands in Redis."""

from __future__ import annotations

from typing import Any

from redis.asyncio import Redis

from libs.common import keys
from libs.common.cameras import Camera
from libs.common.spaces import load_spaces
from services.ingest.applying import apply_change, plan_changes
from services.ingest.cameras_file import CameraEntry, parse_cameras_file
from services.ingest.seeding import changed_since, seed

FILE = """
cameras:
  - id: gate
    name: Main gate
    url: http://user:hunter22@127.0.0.1:9/stream
    spaces:
      - {space_id: A1, space_name: A 1, polygon: [[0.1, 0.1], [0.2, 0.1], [0.2, 0.3]]}
  - {id: yard, url: "http://127.0.0.1:9/yard"}
"""


def entries(text: str = FILE) -> list[CameraEntry]:
    return parse_cameras_file(text, "cameras.yaml")


async def stored(redis: Redis) -> dict[str, Camera]:
    answer: Any = await redis.hgetall(keys.CAMERAS)
    return {key.decode(): Camera.model_validate_json(text) for key, text in answer.items()}


async def test_new_cameras_are_seeded_with_their_spaces_and_others_stay(redis: Redis) -> None:
    await redis.hset(keys.CAMERAS, "other", Camera(id="other", name="o", url="http://h/").model_dump_json())
    assert await seed(redis, entries()) == ["gate", "yard"]
    cameras = await stored(redis)
    assert set(cameras) == {"gate", "yard", "other"}
    assert cameras["gate"].name == "Main gate"
    assert cameras["yard"].name == "yard"
    spaces: Any = await redis.get(keys.spaces("gate"))
    assert [space.space_name for space in load_spaces(spaces)] == ["A 1"]
    assert not await redis.exists(keys.spaces("yard"))
    assert await seed(redis, entries()) == []


async def test_what_was_registered_before_the_file_named_it_stays(redis: Redis) -> None:
    known = Camera(id="gate", name="Known", url="http://h/", enabled=False)
    await redis.hset(keys.CAMERAS, "gate", known.model_dump_json())
    await redis.set(keys.spaces("gate"), b"[]")
    assert await seed(redis, entries()) == ["yard"]
    assert (await stored(redis))["gate"] == known
    assert await redis.get(keys.spaces("gate")) == b"[]"
    await redis.hdel(keys.CAMERAS, "gate")
    assert await seed(redis, entries()) == [], "it was known when it was deleted"


async def test_a_seeded_camera_is_no_longer_marked_as_deleted(redis: Redis) -> None:
    await redis.set(keys.deleted("gate"), b"1")
    await seed(redis, entries())
    assert not await redis.exists(keys.deleted("gate"))


async def test_after_redis_lost_its_data_all_are_seeded_again(redis: Redis) -> None:
    await seed(redis, entries())
    await redis.hdel(keys.CAMERAS, "gate")
    await redis.flushall()
    assert await seed(redis, entries()) == ["gate", "yard"]


def test_differences_between_configuration_and_redis_are_named() -> None:
    same = {entry.id.encode(): entry.camera().model_dump_json().encode() for entry in entries()}
    assert changed_since(entries(), same) == []
    assert changed_since(entries(), {**same, b"gate": same[b"yard"]}) == ["gate"]
    assert changed_since(entries(), {b"gate": b"not JSON"}) == ["gate", "yard"]


async def test_applying_closes_what_was_known_of_a_space_that_goes(redis: Redis) -> None:
    await seed(redis, entries())
    await redis.hset(keys.occupancy("gate"), "A1", '{"state": "occupied", "since_ms": 5000, "track_id": 3}')
    (change, _), _ = await plan_changes(redis, entries(FILE.replace("A1", "B1").replace("A 1", "B 1")))
    assert await apply_change(redis, change)
    rows: Any = await redis.xrange(keys.events("gate"))
    assert [
        {name: fields[name] for name in (b"space_id", b"space_name", b"previous", b"state", b"reason", b"track_id")}
        for _, fields in rows
    ] == [
        {b"space_id": b"A1", b"space_name": b"A 1", b"previous": b"occupied", b"state": b"unknown",
         b"reason": b"space removed", b"track_id": b"3"}
    ]  # fmt: skip
    assert not await redis.exists(keys.occupancy("gate"))
    stored_spaces: Any = await redis.get(keys.spaces("gate"))
    assert [space.space_id for space in load_spaces(stored_spaces)] == ["B1"]


async def test_applying_a_file_without_spaces_leaves_them_and_their_states(redis: Redis) -> None:
    await seed(redis, entries())
    state = b'{"state": "occupied", "since_ms": 5000}'
    await redis.hset(keys.occupancy("gate"), "A1", state)
    (change,), _ = await plan_changes(redis, entries('cameras: [{id: gate, url: "http://127.0.0.1:9/new"}]'))
    assert await apply_change(redis, change)
    assert await redis.hget(keys.occupancy("gate"), "A1") == state
    assert not await redis.exists(keys.events("gate"))
