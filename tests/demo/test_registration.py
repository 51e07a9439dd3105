"""The demo's cameras at a real gateway: an admin's changes hold while the demo runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import aiohttp
from redis.asyncio import Redis

from deploy.demo.registration import Registration
from tests.support.processes import running_gateway


async def test_what_an_admin_did_to_the_demos_cameras_stays_done(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    with running_gateway(redis_url, tmp_path) as gateway:
        async with aiohttp.ClientSession(gateway.url) as session:

            async def cameras() -> dict[str, dict[str, Any]]:
                async with session.get("/api/cameras") as answer:
                    return {camera["id"]: camera for camera in (await answer.json())["cameras"]}

            registration = Registration(session)
            await registration.seed()
            registered = await cameras()
            assert set(registered) == {"CAM1", "CAM2"}
            async with session.delete("/api/cameras/CAM1") as answer:
                assert answer.status == 204
            body = {name: registered["CAM2"][name] for name in ("name", "url", "fps")} | {"enabled": False}
            async with session.put("/api/cameras/CAM2", json=body) as answer:
                assert answer.status == 200
            await registration.seed()
            assert {camera_id: camera["enabled"] for camera_id, camera in (await cameras()).items()} == {"CAM2": False}
            await registration.remove()
            assert await cameras() == {}
            again = Registration(session)
            await again.seed()
            assert set(await cameras()) == {"CAM1", "CAM2"}, "a demo that is started again begins anew"
            await again.seed()
            await redis.flushall()
            await again.seed()
            assert set(await cameras()) == {"CAM1", "CAM2"}, "so does one whose Redis has lost its data"
            for camera_id in ("CAM1", "CAM2"):
                async with session.delete(f"/api/cameras/{camera_id}") as answer:
                    assert answer.status == 204
                await again.seed()
            assert await cameras() == {}, "deleted one after the other"
