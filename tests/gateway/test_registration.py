"""What an admin changes is one step, has a version, and stays done."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.bus import as_bytes, as_text
from libs.common.cameras import Camera
from libs.common.spaces import load_spaces

GATE = {"id": "gate", "name": "Gate", "url": "rtsp://user:secret@192.0.2.7:554/main", "fps": 5}
SPACES = "/api/cameras/gate/spaces"


def space(space_id: str) -> dict[str, Any]:
    return {"space_id": space_id, "space_name": space_id, "polygon": [[0.1, 0.1], [0.2, 0.1], [0.2, 0.3]]}


@pytest.fixture
async def gate(api: httpx.AsyncClient) -> httpx.AsyncClient:
    assert (await api.post("/api/cameras", json=GATE)).status_code == 201
    return api


async def test_an_id_that_is_taken_is_a_conflict(gate: httpx.AsyncClient) -> None:
    assert (await gate.post("/api/cameras", json=GATE)).status_code == 409


async def test_spaces_are_replaced_only_if_they_are_those_that_were_read(gate: httpx.AsyncClient) -> None:
    first = (await gate.get(SPACES)).headers["ETag"]
    answer = await gate.put(SPACES, json={"spaces": [space("A1")]}, headers={"If-Match": first})
    assert answer.status_code == 200
    second = answer.headers["ETag"]
    assert (await gate.get(SPACES)).headers["ETag"] == second != first
    for stale in (first, '"nonsense"', "nonsense", ""):
        refused = await gate.put(SPACES, json={"spaces": []}, headers={"If-Match": stale})
        assert refused.status_code == 412, stale
        assert refused.headers["Content-Type"] == "application/problem+json"
    assert (await gate.get(SPACES)).json() == {"spaces": [space("A1")]}
    for fresh in (f"W/{second}", f'"other", {second}', "*"):
        assert (await gate.put(SPACES, json={"spaces": [space("A1")]}, headers={"If-Match": fresh})).status_code == 200
    assert (await gate.put(SPACES, json={"spaces": []})).status_code == 200, "without a condition"


async def test_a_camera_is_changed_only_if_it_is_the_one_that_was_read(gate: httpx.AsyncClient) -> None:
    shown = await gate.get("/api/cameras/gate")
    first = shown.headers["ETag"]
    assert first == f'"{shown.json()["version"]}"'
    changed = await gate.put("/api/cameras/gate", json={"name": "One"}, headers={"If-Match": first})
    assert (changed.status_code, changed.json()["name"]) == (200, "One")
    assert (await gate.put("/api/cameras/gate", json={"name": "Two"}, headers={"If-Match": first})).status_code == 412
    assert (await gate.get("/api/cameras/gate")).json()["name"] == "One"


async def test_changes_of_different_fields_at_the_same_moment_are_all_kept(
    gate: httpx.AsyncClient, redis: Redis
) -> None:
    changes: list[dict[str, Any]] = [{"name": "New"}, {"fps": 9}, {"enabled": False}, {"motion_threshold": 3}]
    answers = await asyncio.gather(*(gate.put("/api/cameras/gate", json=change) for change in changes))
    assert [answer.status_code for answer in answers] == [200] * 4
    stored = Camera.model_validate_json(await redis.hget(keys.CAMERAS, "gate") or b"")
    assert (stored.name, stored.fps, stored.enabled, stored.motion_threshold) == ("New", 9, False, 3)
    assert stored.url == GATE["url"]


async def test_racing_puts_leave_one_of_them_whole(gate: httpx.AsyncClient, redis: Redis) -> None:
    known: Any = dict.fromkeys(("A1", "A2", "A3"), '{"state": "occupied", "since_ms": 5000, "track_id": 3}')
    lists = [[space("A1")], [space("A1"), space("A2")], [space("A1"), space("A3")], []]
    for _ in range(5):
        await redis.hset(keys.occupancy("gate"), mapping=known)
        await asyncio.gather(*(gate.put(SPACES, json={"spaces": spaces}) for spaces in lists))
        now = {one.space_id for one in load_spaces(as_bytes(await redis.get(keys.spaces("gate")) or b"[]"))}
        assert now in [{one["space_id"] for one in spaces} for spaces in lists]
        states = {as_text(name) for name in await redis.hkeys(keys.occupancy("gate"))}
        assert states <= now, "nothing is left of a space that is gone"


async def test_a_space_that_goes_is_closed_by_an_event_that_says_why(gate: httpx.AsyncClient, redis: Redis) -> None:
    await gate.put(SPACES, json={"spaces": [space(name) for name in ("A1", "A2", "A3", "A4")]})
    states: Any = {
        "A1": '{"state": "occupied", "since_ms": 5000, "track_id": 3}',
        "A2": '{"state": "free", "since_ms": 5000, "later": 1}',
        "A3": '{"state": "unknown", "since_ms": 5000}',
        "A4": "nonsense",
    }
    await redis.hset(keys.occupancy("gate"), mapping=states)
    await gate.put(SPACES, json={"spaces": []})
    events = (await gate.get("/api/cameras/gate/events")).json()["events"]
    told = {(one["space_id"], one["space_name"], one["previous"], one["state"], one["reason"]) for one in events}
    assert told == {
        ("A1", "A1", "occupied", "unknown", "space removed"), ("A2", "A2", "free", "unknown", "space removed"),
    }  # fmt: skip
    assert not await redis.exists(keys.occupancy("gate"))


async def test_a_deleted_camera_leaves_nothing_and_its_id_can_be_used_again(
    gate: httpx.AsyncClient, redis: Redis
) -> None:
    event = as_text(await redis.xadd(keys.events("gate"), {"space_id": "A1"}))
    await redis.set(keys.crops("gate", event), b"pictures")
    for key in keys.of_camera("gate"):
        if not await redis.exists(key):
            await redis.set(key, b"x")
    await redis.set(keys.lease("detector", "gate"), "somebody")
    await redis.set(keys.lease("ingest", "gate"), "somebody")
    assert (await gate.delete("/api/cameras/gate")).status_code == 204
    assert not [key async for key in redis.scan_iter("*{gate}*")]
    assert (await gate.get("/api/cameras")).json() == {"cameras": []}
    for path in ("", "/spaces", "/occupancy", "/events", "/history", "/snapshot.jpg", "/stream.mjpg"):
        assert (await gate.get(f"/api/cameras/gate{path}")).status_code == 404
    assert (await gate.delete("/api/cameras/gate")).status_code == 404
    assert (await gate.put(SPACES, json={"spaces": []})).status_code == 404
    assert await redis.exists(keys.deleted("gate"))
    assert (await gate.post("/api/cameras", json=GATE)).status_code == 201
    assert not await redis.exists(keys.deleted("gate"))


async def test_fields_of_a_later_version_are_passed_over_in_redis_and_refused_in_requests(
    gate: httpx.AsyncClient, redis: Redis
) -> None:
    await redis.hset(keys.CAMERAS, "gate", '{"id": "gate", "name": "Gate", "url": "http://192.0.2.7/", "lot": "north"}')
    later = '[{"space_id": "A1", "space_name": "A1", "polygon": [[0.1,0.1],[0.2,0.1],[0.2,0.3]], "kind": "disabled"}]'
    await redis.set(keys.spaces("gate"), later)
    assert (await gate.get("/api/cameras/gate")).json()["status"]["state"] == "unknown", "it is no bad entry"
    assert (await gate.get(SPACES)).json() == {"spaces": [space("A1")]}
    assert (await gate.put("/api/cameras/gate", json={"lot": "north"})).status_code == 422
    assert (await gate.put(SPACES, json={"spaces": [{**space("A1"), "kind": "disabled"}]})).status_code == 422
