"""ONVIF cameras are found by multicast, in a network namespace of the test's own, and asked for their streams."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.errors import SourceError
from libs.common.probe_queue import NOBODY_ANSWERS, ask_to_discover
from services.ingest.discovery.discover import NOTHING, discover
from services.ingest.discovery.soap import parse_xml
from services.ingest.settings import IngestSettings
from tests.support.onvif_camera import onvif_service
from tests.support.processes import ROOT, running
from tests.support.waiting import wait_for

QUICK = IngestSettings(stall_after_s=2, connect_timeout_s=2)


def _has_namespaces() -> bool:
    try:
        done = subprocess.run(["unshare", "-Urn", "ip", "link"], capture_output=True, check=False)
    except FileNotFoundError:
        return False
    return done.returncode == 0


needs_namespaces = pytest.mark.skipif(not _has_namespaces(), reason="no network namespaces or no `ip` here")

IN_NAMESPACE = """
ip link set lo up
ip link add eyes type veth peer name ears && ip link set eyes up && ip link set ears up
ip address add 10.77.0.2/24 dev eyes
ip route add 239.0.0.0/8 dev eyes
{python} -m tests.support.onvif_camera 10.77.0.2 {login} > {folder}/ready &
camera=$!
trap 'kill $camera' EXIT
for _ in $(seq 200); do grep -q ready {folder}/ready && break; sleep 0.05; done
LOTCAST_CAMERA_PASSWORD='{password}' {python} -m lotcast discover --seconds 1 {arguments}
"""


async def in_namespace(
    folder: Path, *, login: str = "", password: str = "", arguments: str = ""
) -> tuple[int | None, str]:
    script = IN_NAMESPACE.format(
        python=sys.executable, folder=folder, login=login, password=password, arguments=arguments
    )
    process = await asyncio.create_subprocess_exec(
        "unshare", "-Urn", "bash", "-c", script, cwd=ROOT, env={**os.environ},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), 90)
    return process.returncode, output.decode()


@needs_namespaces
async def test_a_camera_is_found_by_multicast_and_its_streams_are_printed(tmp_path: Path) -> None:
    code, output = await in_namespace(tmp_path)
    assert code == 0, output
    assert "Acme Eye 3" in output
    assert "profile main: 1920x1080" in output
    assert "--camera 'Acme-Eye-3-main=rtsp://10.77.0.2:554/t1'" in output, "at the address that answers"
    assert "--camera 'Acme-Eye-3-sub=rtsp://10.77.0.2:554/t2'" in output
    assert "'Acme-Eye-3-main-still=http://10.77.0.2:" in output
    assert output.count("--camera") == 3, "the second profile has no snapshots"


@needs_namespaces
@pytest.mark.parametrize(
    ("arguments", "password", "expected"),
    [
        ("", "", "it asks for user and password; try again with --user"),
        ("--user viewer", "wrong", "it refuses this user or password"),
        ("--user viewer", "p@ss:word", "rtsp://viewer:p%40ss%3Aword@10.77.0.2:554/t1"),
    ],
)
async def test_user_and_password_are_asked_for(tmp_path: Path, arguments: str, password: str, expected: str) -> None:
    """The camera's clock says 2001; a digest is made in its time."""
    code, output = await in_namespace(tmp_path, login="viewer p@ss:word", password=password, arguments=arguments)
    assert code == 0, output
    assert expected in output


@needs_namespaces
async def test_where_nothing_answers_it_says_what_to_do() -> None:
    process = await asyncio.create_subprocess_exec(
        "unshare", "-Urn", sys.executable, "-m", "lotcast", "discover", "--seconds", "0.5", cwd=ROOT,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    output, _ = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 1
    assert "name the camera's address" in output.decode()


async def test_an_address_is_asked_where_multicast_does_not_reach() -> None:
    async with onvif_service() as address:
        result = await discover(QUICK, [address])
    (camera,) = result.cameras
    assert (camera.name, camera.problem) == ("Acme Eye 3", "")
    assert [(stream.width, stream.height) for stream in camera.streams] == [(1920, 1080), (640, 360)]


async def test_what_is_no_onvif_camera_says_so() -> None:
    result = await discover(QUICK, ["127.0.0.1:9"])
    assert "cannot be reached: connection refused" in result.cameras[0].problem


async def test_an_ingest_looks_for_whoever_asks_through_redis(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    assert (await ask_to_discover(redis, [], "", "")).problem == NOBODY_ANSWERS
    async with onvif_service(("viewer", "s3cret-word")) as address:
        with running("services.ingest", {"REDIS_URL": redis_url}, tmp_path / "log") as ingest:
            await wait_for(lambda: redis.exists(keys.PROBE_WORKER))
            result = await ask_to_discover(redis, [address], "viewer", "s3cret-word")
            assert [stream.profile for stream in result.cameras[0].streams] == ["main", "sub"]
            assert "s3cret" not in ingest.log
            assert ingest.stop() == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<a",
        b"<!DOCTYPE x><a/>",
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        bytes(2_000_000),
    ],
)
def test_xml_that_is_none_or_dangerous_is_refused(data: bytes) -> None:
    with pytest.raises(SourceError):
        parse_xml(data)


def test_the_advice_names_the_command() -> None:
    assert "lotcast discover" in NOTHING
