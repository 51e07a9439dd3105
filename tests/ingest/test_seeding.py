"""Configured cameras: seeded once, never over what somebody changed, and applied on purpose."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.cameras import Camera
from libs.common.spaces import load_spaces
from services.ingest.applying import apply_change, plan_changes
from services.ingest.cameras_file import CameraEntry, parse_cameras_file
from services.ingest.seeding import changed_since, seed
from tests.support.processes import ROOT, running, running_gateway
from tests.support.waiting import wait_for

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

            await wait_for(seeded_again, 10)
            assert ingest.stop() == 0


async def apply(redis_url: str, file: Path, *arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "lotcast", "cameras", "apply", str(file), *arguments,
        cwd=ROOT, env={**os.environ, "REDIS_URL": redis_url}, stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode, output.decode()


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
