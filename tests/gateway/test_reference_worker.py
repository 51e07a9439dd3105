"""A worker of the system replaced, speaking exactly its document's messages, works against the gateway."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.pictures import make_jpeg
from tests.support.processes import Gateway, running_gateway
from tests.support.waiting import PATIENCE_S

JPEG = make_jpeg()
METADATA: dict[str, Any] = {
    "vehicle_count": 3,
    "occupied_spaces": 2,
    "total_spaces": 4,
    "timestamp": "2026-01-07T12:30:45.123456",
    "detections": [
        {"class": "car", "confidence": 0.87, "bbox": [100, 200, 150, 100], "track_id": 42, "center": [175, 250]},
        {"class": "car", "confidence": 0.92, "bbox": [300, 180, 140, 95], "track_id": 43, "center": [370, 227.5]},
        {"class": "motorcycle", "confidence": 0.78, "bbox": [450, 220, 80, 70], "track_id": 44, "center": [490, 255]},
    ],
    "space_occupancy": [
        {
            "space_id": f"space_{number}",
            "space_name": f"A{number}",
            "is_occupied": number <= 2,
            "bbox": {"x": 0.2 * number - 0.1, "y": 0.2, "width": 0.15, "height": 0.2},
        }
        for number in range(1, 5)
    ],
    "matched_detections": [
        {
            "detection": {"class": "car", "confidence": 0.87, "bbox": [100, 200, 150, 100], "track_id": 42},
            "space_id": "space_1",
        }
    ],
    "tracking_enabled": True,
    "track_ids": [42, 43, 44],
}


def body(**changes: Any) -> dict[str, Any]:
    """The worker's payload: frame as base64 text, metadata beside it."""
    return {
        "camera_id": "CAM1",
        "frame_base64": base64.b64encode(JPEG).decode("utf-8"),
        "metadata": METADATA,
        **changes,
    }


async def post(http: aiohttp.ClientSession, payload: Any) -> tuple[int, Any]:
    async with http.post("/api/broadcast-detection", json=payload, timeout=aiohttp.ClientTimeout(total=5.0)) as answer:
        return answer.status, await answer.json()


async def test_a_frame_is_taken_and_answered(http: aiohttp.ClientSession) -> None:
    status, answer = await post(http, body())
    assert status == 200
    assert answer == {
        "success": True,
        "viewers": 0,
        "camera_id": "CAM1",
        "frame_size": len(JPEG),
        "timestamp": "2026-01-07T12:30:45.123456",
    }


async def test_viewers_are_counted_in_the_answer(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    async with http.ws_connect(gateway.viewer_url("CAM1")), http.ws_connect(gateway.viewer_url("CAM1")) as viewer:
        await post(http, body())
        await viewer.receive(timeout=PATIENCE_S)
        _, answer = await post(http, body())
        assert answer["viewers"] == 2
        _, answer = await post(http, body(camera_id="CAM2"))
        assert answer["viewers"] == 0


async def test_a_worker_may_bring_its_own_cameras_and_leave_out_the_timestamp(http: aiohttp.ClientSession) -> None:
    status, answer = await post(http, body(camera_id="esp32.garage_2-b", metadata={}))
    assert status == 200
    assert answer["timestamp"] is None


async def test_metadata_goes_to_viewers_as_it_came(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    strange = {**METADATA, "worker_version": "1.0", "nested": {"ä": [None, 1.5, {"deep": True}]}, "big": 2**60}
    async with http.ws_connect(gateway.viewer_url("CAM1")) as viewer:
        await post(http, body(metadata=strange))
        assert json.loads(await viewer.receive_str(timeout=PATIENCE_S))["metadata"] == strange


@pytest.mark.parametrize(
    ("changes", "status", "detail"),
    [
        ({"camera_id": ""}, 400, "camera_id is required"),
        ({"frame_base64": "%%%"}, 400, "Invalid base64 data: "),
        ({"frame_base64": "abc"}, 400, "Invalid base64 data: "),
        ({"frame_base64": base64.b64encode(b"GIF89a").decode()}, 400, "not a JPEG"),
        ({"frame_base64": ""}, 400, "not a JPEG"),
    ],
)
async def test_a_bad_frame_is_refused_and_says_why(
    http: aiohttp.ClientSession, changes: dict[str, Any], status: int, detail: str
) -> None:
    got, answer = await post(http, body(**changes))
    assert got == status
    assert list(answer) == ["detail"]
    assert detail in answer["detail"]
    async with http.get("/api/broadcast-status") as listing:
        assert (await listing.json())["active_cameras"] == 0, "nothing of it was published"


@pytest.mark.parametrize(
    "payload", [{}, {"camera_id": "CAM1"}, body(metadata="text"), body(camera_id=7), body(camera_id="a b"), [1]]
)
async def test_another_schema_is_refused(http: aiohttp.ClientSession, payload: Any) -> None:
    status, answer = await post(http, payload)
    assert status == 422
    assert all({"loc", "msg", "type"} <= row.keys() for row in answer["detail"])


async def test_a_frame_that_is_too_large_is_refused(redis_url: str, tmp_path: Path) -> None:
    with running_gateway(redis_url, tmp_path, GATEWAY_FRAME_MAX_BYTES="20000") as gateway:
        async with aiohttp.ClientSession(gateway.url) as http:
            large = base64.b64encode(JPEG + bytes(20_000)).decode()
            assert (await post(http, body(frame_base64=large)))[0] == 413
            async with http.post("/api/broadcast-detection", data=bytes(400_000)) as answer:
                assert answer.status == 413, "refused before it is read"

            async def unannounced() -> AsyncIterator[bytes]:
                for _ in range(40):
                    yield bytes(10_000)

            async with http.post("/api/broadcast-detection", data=unannounced()) as answer:
                assert answer.status == 413, "refused while it is read"
            assert (await post(http, body()))[0] == 200


async def test_status_tells_every_broadcaster(gateway: Gateway, http: aiohttp.ClientSession) -> None:
    started = time.time()
    for _ in range(3):
        await post(http, body())
    async with http.ws_connect(gateway.viewer_url("CAM2")) as viewer:
        await post(http, body(camera_id="CAM2"))
        await viewer.receive(timeout=PATIENCE_S)
        async with http.get("/api/broadcast-status") as answer:
            status = await answer.json()
    assert status.keys() == {"broadcasters", "total_viewers", "active_cameras"}
    assert [set(row) for row in status["broadcasters"]] == [{"camera_id", "viewers", "frame_count", "last_update"}] * 2
    first, second = status["broadcasters"]
    assert (first["camera_id"], first["viewers"], first["frame_count"]) == ("CAM1", 0, 3)
    assert (second["camera_id"], second["viewers"], second["frame_count"]) == ("CAM2", 1, 1)
    assert started <= first["last_update"] <= second["last_update"] <= time.time()
    assert (status["total_viewers"], status["active_cameras"]) == (1, 2)
