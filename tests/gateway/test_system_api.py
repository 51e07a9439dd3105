"""What runs, who holds which camera and where frames are lost, as the page System asks for it."""

from __future__ import annotations

import json

import httpx
import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.cameras import Camera
from libs.common.redis_clock import ask_now_ms
from libs.common.system.drops import Drop, drops_from_text, drops_of_camera, drops_to_text
from libs.common.system.reading import PROCESSES_MAX
from libs.common.version import VERSION
from tests.support.waiting import wait_for


async def register(redis: Redis, camera_id: str) -> None:
    camera = Camera(id=camera_id, name=camera_id, url="http://user:secret@10.0.0.7/stream")
    await redis.hset(keys.CAMERAS, camera_id, camera.model_dump_json())


async def test_processes_owners_drops_and_redis_are_told(api: httpx.AsyncClient, redis: Redis) -> None:
    now_s = await ask_now_ms(redis) / 1000
    await register(redis, "CAM1")
    await redis.zadd(keys.members("detector"), {"detector-a": now_s - 3, "detector-dead": now_s - 60})
    load: dict[bytes | str, bytes | str] = {"host": "garage", "version": "0.1.9", "cameras": "1", "cpu_cores": "0.5"}
    load |= {"clock_skew_ms": "-2500", "dropped": drops_to_text({("detect", "newer"): 12, ("detect", "failed"): 0})}
    await redis.hset(keys.load("detector", "detector-a"), mapping=load)  # type: ignore[arg-type] # redis-py wants an invariant dict
    await redis.set(keys.lease("detector", "CAM1"), "detector-a")
    await redis.hset(keys.status("CAM1"), mapping={"detector_skipped": 7, "detector_failed": 0, "ingest_dropped": "?"})
    told = (await api.get("/api/system")).json()
    assert told["missing"] == ["ingest"]
    detector = next(process for process in told["processes"] if process["role"] == "detector")
    assert 2.9 < detector.pop("heartbeat_age_s") < 8
    assert detector == {
        "role": "detector", "id": "detector-a", "host": "garage", "version": "0.1.9", "clock_skew_ms": -2500,
        "up_s": None, "cpu_cores": 0.5, "memory_bytes": None, "cameras": 1, "viewers": None,
        "dropped": [{"where": "detect", "cause": "newer", "frames": 12}],
    }  # fmt: skip
    assert [process["id"] for process in told["processes"] if process["role"] == "detector"] == ["detector-a"]
    (camera,) = told["cameras"]
    assert (camera["id"], camera["detector"], camera["ingest"]) == ("CAM1", "detector-a", None)
    assert camera["dropped"] == [{"where": "detector", "cause": "newer", "frames": 7}]
    assert told["redis"]["level"] == "ok"
    assert told["redis"]["used_bytes"] > 0
    assert abs(told["at"] - now_s) < 10
    assert "secret" not in json.dumps(told)


async def test_the_gateway_tells_of_itself(api: httpx.AsyncClient, redis: Redis) -> None:
    async def told() -> bool:
        processes = (await api.get("/api/system")).json()["processes"]
        return any(one["role"] == "gateway" and one["version"] == VERSION and one["viewers"] == 0 for one in processes)

    await wait_for(told)


async def test_a_full_redis_is_told(api: httpx.AsyncClient, redis: Redis) -> None:
    await redis.config_set("maxmemory", (await redis.info("memory"))["used_memory"])
    try:
        told = (await api.get("/api/system")).json()["redis"]
    finally:
        await redis.config_set("maxmemory", 0)
    assert (told["level"], told["limit_bytes"] > 0) == ("full", True)


async def test_however_many_processes_there_are_the_answer_has_a_bound(api: httpx.AsyncClient, redis: Redis) -> None:
    now_s = await ask_now_ms(redis) / 1000
    await redis.zadd(keys.members("ingest"), {f"ingest-{number}": now_s for number in range(PROCESSES_MAX + 10)})
    processes = (await api.get("/api/system")).json()["processes"]
    assert len([one for one in processes if one["role"] == "ingest"]) == PROCESSES_MAX


def test_drops_come_back_as_they_were_told() -> None:
    text = drops_to_text({("send", "newer"): 3, ("relay", "older"): 0})
    assert drops_from_text(text) == [Drop("send", "newer", 3)]


@pytest.mark.parametrize("text", [None, "", "x", "{}", "5", "null", "[1]", "[[1,2]]", '[["a","b","c"]]', '"abc"'])
def test_what_others_wrote_is_no_drop(text: str | None) -> None:
    assert drops_from_text(text) == []


def test_what_others_wrote_into_a_status_is_no_drop() -> None:
    status = {"detector_too_old": "9", "detector_skipped": "-1", "ingest_dropped": "many", "ingest_bad_frames": "0"}
    assert drops_of_camera(status) == [Drop("detector", "too_old", 9)]


@pytest.mark.parametrize("told", ["nan", "inf", "-inf", "1e300", "x", ""])
async def test_a_process_that_tells_no_number_hides_nobody(api: httpx.AsyncClient, redis: Redis, told: str) -> None:
    await redis.zadd(keys.members("detector"), {"detector-a": await ask_now_ms(redis) / 1000})
    fields = ("memory_bytes", "cameras", "viewers", "started_at_ms", "clock_skew_ms")
    await redis.hset(keys.load("detector", "detector-a"), mapping=dict.fromkeys(fields, told))
    answer = await api.get("/api/system")
    assert answer.status_code == 200
    detector = next(process for process in answer.json()["processes"] if process["role"] == "detector")
    assert [detector[field] for field in ("memory_bytes", "cameras", "viewers", "up_s", "clock_skew_ms")] == [None] * 5
