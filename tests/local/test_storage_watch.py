"""A full disk under `--data`, on a small file system of the test's own."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import RedisError

from deploy.local.embedded import redis_service
from deploy.local.storage_watch import StorageWatch
from libs.common import keys
from libs.common.bus import connect
from tests.local.test_supervisor import Shown
from tests.support.ports import free_port
from tests.support.processes import ROOT
from tests.support.waiting import wait_for

DISK_BYTES = 1 << 20


def may_mount() -> bool:
    """Whether this process may mount a file system: root, outside of a container that forbids it."""
    if os.getuid() != 0:
        return False
    probe = subprocess.run(
        ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
    )
    return probe.returncode == 0


pytestmark = pytest.mark.skipif(not may_mount(), reason="only root may mount a small disk")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=700", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def redis_port(disk: Path) -> Iterator[int]:
    """The embedded server, with its data on the small disk."""
    port = free_port()
    process = subprocess.Popen(redis_service(port, disk, is_kept=True).command, stdout=subprocess.DEVNULL)
    yield port
    process.kill()
    process.wait(10)


@pytest.fixture
async def redis(redis_port: int) -> AsyncIterator[Redis]:
    """A client of it."""
    client = connect(f"redis://127.0.0.1:{redis_port}/0")

    async def answers() -> bool:
        try:
            return bool(await client.ping())
        except (RedisError, OSError):
            return False

    await wait_for(answers)
    yield client
    await client.aclose()


def fill(disk: Path) -> Path:
    """Leave no byte free on the disk."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            return ballast


async def test_a_full_disk_is_said_at_once_and_its_end_too(disk: Path, redis: Redis) -> None:
    shown, stop = Shown(), asyncio.Event()
    watch = StorageWatch(redis, disk, shown)
    running = asyncio.create_task(watch.run(stop))
    ballast = fill(disk)
    await redis.hset(keys.CAMERAS, "CAM1", "{}")
    await wait_for(lambda: shown.has(f"cannot save data in {disk} (the disk is full, 0 KiB are free)"), 10)
    assert (await redis.info("persistence"))["rdb_last_bgsave_status"] == "err", "every reader can know it"
    ballast.unlink()
    await wait_for(lambda: shown.has(f"data is saved in {disk} again"))
    stop.set()
    await running
    await watch.save_at_stop()
    assert watch.lost is None
    assert len(shown.lines) == 2


async def test_what_is_lost_at_the_stop_is_said(disk: Path, redis: Redis) -> None:
    watch = StorageWatch(redis, disk, Shown())
    fill(disk)
    await redis.hset(keys.CAMERAS, "CAM1", "{}")
    await watch.save_at_stop()
    assert watch.lost is not None
    assert watch.lost.endswith("what was changed since the last save is lost")
    await redis.shutdown()  # it does not refuse to stop


@pytest.mark.long
async def test_a_system_on_a_full_disk_says_so_in_its_log_in_status_and_at_the_stop(disk: Path, tmp_path: Path) -> None:
    port, log = free_port(), tmp_path / "log"
    (tmp_path / "tmp").mkdir()
    environment = {**os.environ, "GATEWAY_PORT": str(port), "TMPDIR": str(tmp_path / "tmp")}
    environment.pop("REDIS_URL", None)
    command = [sys.executable, "-m", "lotcast"]
    up = [*command, "up", "--camera", "gate=http://127.0.0.1:9/", "--model", "demo", "--data", str(disk / "data")]
    with log.open("wb") as out:
        system = subprocess.Popen(up, env=environment, cwd=ROOT, stdout=out, stderr=out)  # noqa: ASYNC220 - at once
    try:
        await wait_for(lambda: "redis     running" in log.read_text("utf-8", "replace"))
        fill(disk)
        await wait_for(lambda: "cannot save data in" in log.read_text("utf-8", "replace"))
        told = await asyncio.to_thread(
            subprocess.run, [*command, "status"], env=environment, cwd=ROOT, capture_output=True, text=True
        )
        assert "Redis cannot save its data to disk" in told.stdout, told.stderr
        system.send_signal(signal.SIGINT)
        assert system.wait(30) == 1
    finally:
        system.kill()
        system.wait(10)
    last = log.read_text("utf-8", "replace").splitlines()[-1]
    assert last.startswith(f"lotcast: cannot save data in {disk / 'data'}")
    assert last.endswith("what was changed since the last save is lost")
