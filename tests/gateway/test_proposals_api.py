"""What the gateway tells of the spaces that a detector proposes."""

from __future__ import annotations

import httpx
import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.proposals import SpaceProposal, StoredPlace, StoredProposals

CAMERA = {"id": "gate", "name": "Gate", "url": "http://192.0.2.7/stream"}
PATH = "/api/cameras/gate/space-proposals"
QUAD = [(0.1, 0.2), (0.2, 0.2), (0.22, 0.3), (0.08, 0.3)]
STORED = StoredProposals(
    proposals=[SpaceProposal(polygon=QUAD, confidence=0.75)],
    places=[StoredPlace(box=(0.1, 0.1, 0.2, 0.3), visits=2, stood_ms=100_000, last_ms=1_000)],
    updated_ms=1_700_000_000_500,
)


async def test_proposals_are_shown_and_go_with_their_camera(api: httpx.AsyncClient, redis: Redis) -> None:
    assert (await api.get(PATH)).status_code == 404, "no such camera"
    await api.post("/api/cameras", json=CAMERA)
    assert (await api.get(PATH)).json() == {"proposals": [], "places": 0, "updated_at": None}
    await redis.set(keys.proposals("gate"), STORED.model_dump_json())
    assert (await api.get(PATH)).json() == {
        "proposals": [{"polygon": [list(point) for point in QUAD], "confidence": 0.75}],
        "places": 1,
        "updated_at": 1_700_000_000.5,
    }
    await api.delete("/api/cameras/gate")
    assert not await redis.exists(keys.proposals("gate"))


@pytest.mark.parametrize("stored", ["", "[]", '{"proposals": [{"polygon": [], "confidence": 2}]}', "\x00"])
async def test_what_is_no_list_of_proposals_is_none(api: httpx.AsyncClient, redis: Redis, stored: str) -> None:
    await api.post("/api/cameras", json=CAMERA)
    await redis.set(keys.proposals("gate"), stored)
    answer = await api.get(PATH)
    assert (answer.status_code, answer.json()["proposals"]) == (200, [])
