from __future__ import annotations

import httpx
import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.event_crops import EventCrops
from libs.common.messages import RawFrame
from tests.gateway.test_reference_worker import JPEG, body

SNAPSHOT = "/api/cameras/CAM1/snapshot.jpg"


async def test_the_snapshot_is_the_latest_picture(api: httpx.AsyncClient) -> None:
    answer = await api.get(SNAPSHOT)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (await api.post("/api/broadcast-detection", json=body())).status_code == 200
    answer = await api.get(SNAPSHOT)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.content == JPEG


async def test_the_plain_snapshot_is_the_newest_raw_frame(api: httpx.AsyncClient, redis: Redis) -> None:
    plain = f"{SNAPSHOT}?picture=plain"
    assert (await api.get(plain)).status_code == 404
    for number, jpeg in enumerate((JPEG, JPEG + b"newer"), start=1):
        await redis.xadd(keys.frames("CAM1"), RawFrame(number, 1, 8, 8, jpeg).to_fields())  # type: ignore[arg-type]
    answer = await api.get(plain)
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.content == JPEG + b"newer"
    await redis.xadd(keys.frames("CAM1"), {"jpeg": b"<html>"})
    assert (await api.get(plain)).status_code == 404, "no picture is passed on that is none"
    assert (await api.get(f"{SNAPSHOT}?picture=drawn")).status_code == 422


async def test_a_change_shows_its_space_before_and_after(api: httpx.AsyncClient, redis: Redis) -> None:
    crops = "/api/cameras/CAM1/events/1700000000000-3/crops"
    assert (await api.get(f"{crops}/before.jpg")).status_code == 404
    await redis.set(keys.crops("CAM1", "1700000000000-3"), EventCrops(JPEG, None).pack())
    answer = await api.get(f"{crops}/before.jpg")
    assert answer.headers["Content-Type"] == "image/jpeg"
    assert answer.content == JPEG
    assert (await api.get(f"{crops}/after.jpg")).status_code == 404, "nobody looked in time"
    assert (await api.get(f"{crops}/meanwhile.jpg")).status_code == 422
    assert (await api.get("/api/cameras/CAM1/events/latest/crops/before.jpg")).status_code == 422
    await redis.set(keys.crops("CAM1", "1700000000000-3"), b"nonsense")
    assert (await api.get(f"{crops}/before.jpg")).status_code == 404


@pytest.mark.parametrize("path", ["/", "/cameras", "/cameras/CAM1", "/cameras/CAM1/spaces", "/system"])
async def test_every_page_of_the_dashboard_has_an_address(api: httpx.AsyncClient, path: str) -> None:
    answer = await api.get(path)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].partition(";")[0] == "text/html"
    assert answer.headers["Cache-Control"] == "no-cache"


async def test_the_dashboard_or_how_to_build_it_is_at_the_root(api: httpx.AsyncClient) -> None:
    answer = await api.get("/")
    assert answer.status_code == 200
    assert "Lotcast" in answer.text
