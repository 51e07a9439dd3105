"""Configured cameras: seeded once, never over what somebody changed, and applied on purpose."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import httpx
import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.cameras import Camera
from services.ingest.seeding import seed
from tests.ingest.test_seeding_rules import FILE, entries, stored
from tests.support.forked import run_forked
from tests.support.processes import running, running_gateway
from tests.support.waiting import wait_for


@pytest.mark.parametrize("by_file", [True, False], ids=["file", "variable"])
async def test_what_an_admin_did_survives_an_ingest_that_crashes(
    redis: Redis, redis_url: str, tmp_path: Path, by_file: bool
) -> None:
    """Through the real API, with a real ingest that is killed and started again."""
    file = tmp_path / "cameras.yaml"
    file.write_text(FILE + '  - {id: roof, url: "http://127.0.0.1:9/roof"}\n')
    urls = ",".join(f"{name}=http://127.0.0.1:9/{name}" for name in ("gate", "yard", "roof"))
    configured = {"INGEST_CAMERAS_FILE": str(file)} if by_file else {"INGEST_CAMERAS": urls}
    environment = {"REDIS_URL": redis_url, **configured}
    with running_gateway(redis_url, tmp_path) as gateway:
        api = httpx.AsyncClient(base_url=gateway.url)
        with running("services.ingest", environment, tmp_path / "log") as ingest:
            await asyncio.to_thread(ingest.wait_for_log, "registered configured cameras")
            for camera_id, change in (("gate", {"enabled": False}), ("yard", {"name": "Back yard"})):
                camera = (await api.get(f"/api/cameras/{camera_id}")).json()
                body = {name: camera[name] for name in ("name", "url", "fps", "enabled")} | change
                assert (await api.put(f"/api/cameras/{camera_id}", json=body)).status_code == 200
            assert (await api.put("/api/cameras/gate/spaces", json={"spaces": []})).status_code == 200
            assert (await api.delete("/api/cameras/roof")).status_code in (200, 204)
            await api.aclose()
            ingest.stop(signal.SIGKILL)
        with running("services.ingest", environment, tmp_path / "log2") as ingest:
            await asyncio.to_thread(ingest.wait_for_log, "differ from the configured ones")
            cameras = await stored(redis)
            assert set(cameras) == {"gate", "yard"}
            assert not cameras["gate"].enabled
            assert cameras["yard"].name == "Back yard"
            assert await redis.get(keys.spaces("gate")) in (None, b"[]")
            assert "hunter22" not in ingest.log
            await redis.flushall()

            async def seeded_again() -> bool:
                return set(await stored(redis)) == {"gate", "yard", "roof"}

            await wait_for(seeded_again)
            assert ingest.stop() == 0


async def apply(redis_url: str, file: Path, *arguments: str) -> tuple[int, str]:
    environment = {**os.environ, "REDIS_URL": redis_url}
    done = await asyncio.to_thread(
        run_forked, "lotcast", "cameras", "apply", str(file), *arguments, environment=environment
    )
    return done.returncode, done.stdout + done.stderr


async def test_a_file_is_applied_on_purpose_and_the_difference_is_shown_first(
    redis: Redis, redis_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "cameras.yaml"
    file.write_text(FILE)
    await seed(redis, entries())
    await redis.hset(keys.CAMERAS, "other", Camera(id="other", name="o", url="http://h/").model_dump_json())
    changed = Camera(id="gate", name="Renamed", url="http://user:other-secret@127.0.0.1:9/stream", enabled=False)
    await redis.hset(keys.CAMERAS, "gate", changed.model_dump_json())
    await redis.set(keys.spaces("gate"), b"[]")
    await redis.hdel(keys.CAMERAS, "yard")
    code, output = await apply(redis_url, file)
    assert code == 1
    assert "~ gate: name: 'Renamed' → 'Main gate'" in output
    assert "enabled: False → True" in output
    assert "(another password)" in output
    assert "spaces: 0 → 1: + A1" in output
    assert "+ yard: new: http://127.0.0.1:9/yard (deleted since the file named it)" in output
    assert "left alone: other" in output
    assert "nothing is written without --yes" in output
    assert "secret" not in output
    assert "hunter22" not in output
    assert (await stored(redis))["gate"] == changed
    code, output = await apply(redis_url, file, "--yes")
    assert (code, "applied to 2 cameras" in output) == (0, True), output
    cameras = await stored(redis)
    assert (cameras["gate"].name, cameras["gate"].enabled, set(cameras)) == (
        "Main gate",
        True,
        {"gate", "yard", "other"},
    )
    code, output = await apply(redis_url, file)
    assert (code, "nothing to change" in output) == (0, True), output


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (None, "cameras.yaml: No such file"),
        ("cameras: [{id: gate, url: 'rtsp://u:hunter22@h:x/'}]", "camera gate: url: "),
        ("cameras: [{id: gate, url: rtsp://u:hunter22@h/, ]", "not YAML: "),
    ],
)
async def test_a_bad_file_is_one_line_without_its_passwords(tmp_path: Path, text: str | None, problem: str) -> None:
    file = tmp_path / "cameras.yaml"
    if text is not None:
        file.write_text(text)
    code, output = await apply("redis://127.0.0.1:1/0", file)
    assert code == 1
    assert problem in output
    assert "hunter22" not in output
    assert len(output.splitlines()) == 1


async def test_redis_away_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "cameras.yaml"
    file.write_text(FILE)
    code, output = await apply("redis://127.0.0.1:1/0", file)
    assert code == 1
    assert "REDIS_URL" in output
    assert len(output.splitlines()) == 1
