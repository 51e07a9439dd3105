"""Looking for cameras through the API: the gateway asks, an ingest looks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from libs.common import keys
from services.ingest.probe import ProbeWorker
from services.ingest.settings import IngestSettings
from tests.gateway.in_process import gateway_in_process
from tests.support.onvif_camera import onvif_service
from tests.support.waiting import wait_for

ROUTE = "/api/cameras/discover"


@asynccontextmanager
async def probe_worker(redis: Redis) -> AsyncIterator[None]:
    """The part of an ingest that looks for cameras."""
    stop = asyncio.Event()
    worker = ProbeWorker(redis, IngestSettings(stall_after_s=2, connect_timeout_s=2))
    working = asyncio.create_task(worker.run(stop))
    await wait_for(lambda: redis.exists(keys.PROBE_WORKER))
    try:
        yield
    finally:
        stop.set()
        await working


async def test_an_ingests_cameras_are_found_through_the_gateway(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    async with (
        probe_worker(redis),
        onvif_service(("viewer", "s3cret-word")) as address,
        gateway_in_process(redis_url, tmp_path) as api,
    ):
        asked = {"addresses": [address], "user": "viewer", "password": "s3cret-word"}
        answer = await api.post(ROUTE, json=asked)
    assert answer.status_code == 200, answer.text
    (camera,) = answer.json()["cameras"]
    assert (camera["name"], camera["problem"]) == ("Acme Eye 3", "")
    assert [stream["profile"] for stream in camera["streams"]] == ["main", "sub"]
    assert "s3cret" not in answer.text, "the addresses hold neither user nor password"


async def test_without_an_ingest_the_answer_says_so(redis_url: str, tmp_path: Path) -> None:
    async with gateway_in_process(redis_url, tmp_path) as api:
        answer = await api.post(ROUTE, json={"addresses": ["192.0.2.7"]})
    assert (answer.status_code, answer.json()["cameras"]) == (200, [])
    assert "ingest" in answer.json()["problem"]


@pytest.mark.parametrize(
    "asked",
    [
        {"addresses": ["169.254.169.254"]},
        {"addresses": ["http://192.0.2.7/"]},
        {"addresses": ["192.0.2.7"] * 33},
        {"addresses": [], "timeout_s": 900},
    ],
)
async def test_what_should_not_be_asked_is_refused(redis_url: str, tmp_path: Path, asked: dict[str, object]) -> None:
    async with gateway_in_process(redis_url, tmp_path) as api:
        assert (await api.post(ROUTE, json=asked)).status_code == 422


async def test_a_viewer_may_not_look_for_cameras(redis_url: str, tmp_path: Path) -> None:
    tokens = "viewer:viewer-token-that-is-long,admin:admin-token-that-is-long"
    async with gateway_in_process(redis_url, tmp_path, "viewer-token-that-is-long", tokens=tokens) as api:
        assert (await api.post(ROUTE, json={})).status_code == 403
