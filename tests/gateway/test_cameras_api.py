from __future__ import annotations

from typing import Any

import aiohttp
import httpx
import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.cameras import Camera
from libs.common.clock import now_ms
from tests.gateway.test_reference_worker import body, post
from tests.support.processes import Gateway

GATE = {"id": "gate", "name": "Gate", "url": "rtsp://user:secret@192.0.2.7:554/main", "fps": 5}
SPACE = {"space_id": "A1", "space_name": "A 1", "polygon": [[0.1, 0.1], [0.2, 0.1], [0.2, 0.3]]}


def examined(ago_ms: int) -> dict[str, Any]:
    """What a detector says that examined its last frame so long ago."""
    return {
        "detector_examined_at_ms": now_ms() - ago_ms,
        "detector_unknown_after_ms": 10_000,
        "detector_hold_ms": 300_000,
    }


async def call(api: httpx.AsyncClient, method: str, path: str, payload: Any = None) -> tuple[int, Any]:
    answer = await api.request(method, path, json=payload)
    return answer.status_code, answer.json() if answer.content else None


async def test_a_camera_is_added_shown_changed_and_removed(api: httpx.AsyncClient, redis: Redis) -> None:
    status, shown = await call(api, "POST", "/api/cameras", GATE)
    assert status == 201
    assert shown["url"] == "rtsp://user:***@192.0.2.7:554/main"
    assert (shown["registered"], shown["enabled"], shown["fps"]) == (True, True, 5)
    status, changed = await call(api, "PUT", "/api/cameras/gate", {"url": shown["url"], "name": "Main gate"})
    assert (status, changed["name"]) == (200, "Main gate")
    stored = Camera.model_validate_json(await redis.hget(keys.CAMERAS, "gate") or b"")
    assert stored.url == GATE["url"], "the password was kept"
    assert (await call(api, "GET", "/api/cameras/gate"))[1]["name"] == "Main gate"
    for sent, expected in [({"motion_threshold": 0}, 0), ({"name": "x"}, 0), ({"motion_threshold": None}, None)]:
        assert (await call(api, "PUT", "/api/cameras/gate", sent))[1]["motion_threshold"] == expected
    await call(api, "PUT", "/api/cameras/gate/spaces", {"spaces": [SPACE]})
    assert (await call(api, "DELETE", "/api/cameras/gate"))[0] == 204
    assert (await call(api, "GET", "/api/cameras/gate"))[0] == 404
    assert not [key async for key in redis.scan_iter("*{gate}*")]


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"url": "ftp://host/x"}, "url: must start with one of"),
        ({"fps": 99}, "fps: Input should be less than or equal to 60; it is 99"),
        ({"motion_threshold": 256}, "motion_threshold: Input should be less than or equal to 255; it is 256"),
        ({"fps": "10"}, "fps: Input should be a valid number; it is '10'"),
        ({"motion_threshold": True}, "motion_threshold: Input should be a valid number; it is True"),
        ({"enabled": 1}, "enabled: Input should be a valid boolean; it is 1"),
        ({"id": "a b"}, "id: "),
        ({"name": ""}, "name: "),
        ({"colour": "red"}, "colour: "),
    ],
)
async def test_a_bad_camera_names_field_and_value(api: httpx.AsyncClient, change: dict[str, Any], named: str) -> None:
    status, problem = await call(api, "POST", "/api/cameras", {**GATE, **change})
    assert status == 422
    assert problem["detail"].startswith(named)


async def test_a_camera_is_not_added_twice(api: httpx.AsyncClient) -> None:
    await call(api, "POST", "/api/cameras", GATE)
    assert (await call(api, "POST", "/api/cameras", GATE))[0] == 409


async def test_spaces_are_set_and_bad_ones_refused(api: httpx.AsyncClient) -> None:
    await call(api, "POST", "/api/cameras", GATE)
    assert (await call(api, "PUT", "/api/cameras/gate/spaces", {"spaces": [SPACE]}))[0] == 200
    assert (await call(api, "GET", "/api/cameras/gate/spaces"))[1] == {"spaces": [SPACE]}
    bad = {**SPACE, "polygon": [[0.1, 0.1], [0.2, 1.5], [0.2, 0.3]]}
    status, problem = await call(api, "PUT", "/api/cameras/gate/spaces", {"spaces": [bad]})
    assert status == 422
    assert problem["detail"].startswith("spaces.0.polygon.1.1: Input should be less than or equal to 1; it is 1.5")
    status, problem = await call(api, "PUT", "/api/cameras/gate/spaces", {"spaces": [{**SPACE, "confidence": 40}]})
    assert (status, problem["detail"]) == (422, "spaces.0.confidence: Input should be less than 1; it is 40")
    status, problem = await call(api, "PUT", "/api/cameras/gate/spaces", {"spaces": [{**SPACE, "min_overlap": "0.5"}]})
    assert (status, problem["detail"]) == (422, "spaces.0.min_overlap: Input should be a valid number; it is '0.5'")
    assert (await call(api, "GET", "/api/cameras/gate/spaces"))[1] == {"spaces": [SPACE]}, "the old ones stay"
    assert (await call(api, "PUT", "/api/cameras/nobody/spaces", {"spaces": []}))[0] == 404
    asking = {**SPACE, "min_overlap": 0.3, "confidence": 0.5, "occupied_after_s": 5.0, "free_after_s": 60.0}
    assert (await call(api, "PUT", "/api/cameras/gate/spaces", {"spaces": [asking]}))[0] == 200
    assert (await call(api, "GET", "/api/cameras/gate/spaces"))[1] == {"spaces": [asking]}


async def test_state_and_occupancy_come_from_the_services(api: httpx.AsyncClient, redis: Redis) -> None:
    await call(api, "POST", "/api/cameras", GATE)
    other = {**SPACE, "space_id": "A2"}
    await call(api, "PUT", "/api/cameras/gate/spaces", {"spaces": [SPACE, other]})
    fields: Any = {"ingest_state": "live", "ingest_fps": "4.98", "ingest_updated_at_ms": now_ms(), **examined(0)}
    await redis.hset(keys.status("gate"), mapping=fields)
    await redis.hset(keys.occupancy("gate"), "A1", '{"state": "occupied", "since_ms": 5000, "track_id": 3}')
    _, camera = await call(api, "GET", "/api/cameras/gate")
    assert camera["status"]["state"] == "live"
    assert camera["status"]["input_fps"] == 4.98
    assert camera["occupancy"] == {"total": 2, "occupied": 1, "free": 0, "unknown": 1}
    _, occupancy = await call(api, "GET", "/api/cameras/gate/occupancy")
    assert occupancy["spaces"][0] == {
        "space_id": "A1", "space_name": "A 1", "state": "occupied", "since": 5.0, "track_id": 3,
    }  # fmt: skip
    assert occupancy["spaces"][1]["state"] == "unknown"


async def test_a_stale_status_says_nothing(api: httpx.AsyncClient, redis: Redis) -> None:
    await call(api, "POST", "/api/cameras", GATE)
    fields: Any = {"ingest_state": "live", "ingest_updated_at_ms": now_ms() - 11_000}
    await redis.hset(keys.status("gate"), mapping=fields)
    assert (await call(api, "GET", "/api/cameras/gate"))[1]["status"]["state"] == "unknown"


async def test_who_waits_for_a_camera_does_not_make_it_one(
    gateway: Gateway, http: aiohttp.ClientSession, api: httpx.AsyncClient
) -> None:
    async with http.ws_connect(gateway.viewer_url("CAM1")):
        assert await call(api, "GET", "/api/cameras") == (200, {"cameras": []})
        assert (await call(api, "GET", "/api/cameras/CAM1"))[0] == 404
        await post(http, body())
        (listed,) = (await call(api, "GET", "/api/cameras"))[1]["cameras"]
        assert (listed["id"], listed["registered"], listed["viewers"]) == ("CAM1", False, 1)
        _, camera = await call(api, "GET", "/api/cameras/CAM1")
        assert camera["status"]["state"] == "live"
        assert camera["status"]["last_frame_at"] > 0


async def test_an_unreadable_entry_harms_no_other(api: httpx.AsyncClient, redis: Redis) -> None:
    await call(api, "POST", "/api/cameras", GATE)
    await redis.hset(keys.CAMERAS, "broken", "{")
    await redis.set(keys.spaces("broken"), "nonsense")
    await redis.hset(keys.occupancy("gate"), "A1", "nonsense")
    _, listing = await call(api, "GET", "/api/cameras")
    assert [(camera["id"], camera["status"]["state"]) for camera in listing["cameras"]] == [
        ("broken", "error"), ("gate", "unknown"),
    ]  # fmt: skip


async def test_events_come_newest_first_in_pages(api: httpx.AsyncClient, redis: Redis) -> None:
    await call(api, "POST", "/api/cameras", GATE)
    for number in range(5):
        fields: Any = {
            "space_id": "A1", "space_name": "A 1", "state": "free", "previous": "occupied", "at_ms": 1000 * number,
        }  # fmt: skip
        await redis.xadd(keys.events("gate"), fields)
    _, page = await call(api, "GET", "/api/cameras/gate/events?limit=3")
    assert [event["at"] for event in page["events"]] == [4, 3, 2]
    _, rest = await call(api, "GET", f"/api/cameras/gate/events?limit=3&before={page['next']}")
    assert [event["at"] for event in rest["events"]] == [1, 0]
    assert rest["next"] is None


async def test_what_somebody_else_wrote_there_is_left_out(api: httpx.AsyncClient, redis: Redis) -> None:
    await call(api, "POST", "/api/cameras", GATE)
    await redis.xadd(keys.events("gate"), {"space_id": "A1"})
    await redis.xadd(keys.events("gate"), {b"\xff": b"\xff"})
    await redis.xadd(keys.counts("gate"), {"occupied": "many", "free": 1, "unknown": 0, "vehicles": 1})
    await redis.xadd(keys.counts("gate"), {"other": "field"})
    assert (await call(api, "GET", "/api/cameras/gate/events")) == (200, {"events": [], "next": None})
    assert (await call(api, "GET", "/api/cameras/gate/history")) == (200, {"points": []})


async def test_readiness_and_metrics(api: httpx.AsyncClient) -> None:
    assert (await call(api, "GET", "/readyz"))[0] == 200
    assert 'lotcast_viewers{format="json"} 0.0' in (await api.get("/metrics")).text
