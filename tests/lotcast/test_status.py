"""`lotcast status` as the least of users, on real services."""

from __future__ import annotations

import asyncio
import io
import json
import os
import pty
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from redis.asyncio import Redis
from rich.console import Console

from deploy.demo.model.measuring import read_clip
from libs.common import keys
from libs.common.cameras import Camera
from libs.common.spaces import ParkingSpace, dump_spaces
from libs.common.system.camera import CameraAnswers, read_camera
from libs.common.system.reading import ProcessReading, Reading, RedisReading
from lotcast.status.tables import render
from services.detector.pictures import encode
from tests.support.cameras import multipart_camera, serving
from tests.support.forked import run_forked
from tests.support.processes import ROOT, running, running_gateway
from tests.support.redis_server import RedisServer, own_access
from tests.support.waiting import wait_for

ASSETS = ROOT / "deploy/demo/assets"
NOW_MS = 1_795_500_000_000
NOBODY = CameraAnswers(None, None, None, None, None, None, None, None)


def status_json(redis_url: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`lotcast status` as the user `monitor`, its output being no terminal."""
    environment = {**os.environ, **own_access("monitor", redis_url, folder)}
    return run_forked("lotcast", "status", *arguments, environment=environment)


@pytest.fixture
async def system(redis: Redis, redis_url: str, tmp_path: Path) -> AsyncIterator[None]:
    """Ingest, detector and gateway, one camera with spaces, one switched off, one viewer."""
    jpegs = [encode(picture, 80) for picture in islice(read_clip(ASSETS / "north.mp4"), 12)]
    described = json.loads((ASSETS / "north.spaces.json").read_text("utf-8"))
    spaces = [ParkingSpace.model_validate(space) for space in described["spaces"]]
    await redis.set(keys.spaces("CAM1"), dump_spaces(spaces))
    off = Camera(id="OFF", name="off", url="http://user:secret@h/", enabled=False)
    await redis.hset(keys.CAMERAS, "OFF", off.model_dump_json())
    environment = {"REDIS_URL": redis_url, "DETECTOR_OCCUPIED_AFTER_S": "0.2", "DETECTOR_FREE_AFTER_S": "0.2"}
    async with serving(multipart_camera(jpegs, interval_s=0.1)) as camera:
        ingest = running(
            "services.ingest", {**environment, "INGEST_CAMERAS": f"CAM1={camera}/stream"}, tmp_path / "ingest.log"
        )
        detector = running("services.detector", environment, tmp_path / "detector.log")
        with ingest, detector, running_gateway(redis_url, tmp_path) as gateway:
            async with aiohttp.ClientSession() as http, http.ws_connect(gateway.viewer_url("CAM1")) as viewer:
                watching = asyncio.create_task(_watch(viewer))
                yield
                watching.cancel()


async def _watch(viewer: aiohttp.ClientWebSocketResponse) -> None:
    async for _ in viewer:
        pass


async def test_everything_is_told(system: None, redis_url: str, tmp_path: Path) -> None:
    async def whole() -> dict[str, Any] | None:
        done = await asyncio.to_thread(status_json, redis_url, tmp_path, "--json")
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        camera = next((one for one in told["cameras"] if one["camera_id"] == "CAM1"), None)
        is_whole = (
            camera
            and camera["output_fps"]
            and camera["viewers"]
            and camera["spaces"]["unknown"] < camera["spaces"]["total"]
            and all(process["cpu_cores"] is not None for process in told["processes"])
            and len(told["processes"]) == 3
            and camera["input_fps"] > 5  # a rate needs its time
        )
        return told if is_whole else None

    told = await wait_for(whole)
    camera, off = told["cameras"]
    assert (camera["state"], camera["error"], camera["viewers"]) == ("live", None, 1)
    assert 5 < camera["input_fps"] < 12
    assert 0 < camera["latency_ms"] < 2000
    spaces = camera["spaces"]
    assert spaces["total"] == 22
    assert spaces["occupied"] + spaces["free"] + spaces["unknown"] == 22
    assert (off["camera_id"], off["state"], off["ingest"], off["latency_ms"]) == ("OFF", "disabled", None, None)
    ingest, detector, gateway = told["processes"]
    assert (ingest["role"], ingest["name"], ingest["cameras"]) == ("ingest", camera["ingest"], 1)
    assert (detector["role"], detector["name"], detector["cameras"]) == ("detector", camera["detector"], 1)
    assert (gateway["role"], gateway["viewers"], gateway["cameras"]) == ("gateway", 1, None)
    assert all(process["memory_bytes"] > 20e6 for process in told["processes"])
    assert "secret" not in json.dumps(told)

    shown = await asyncio.to_thread(status_json, redis_url, tmp_path)
    assert shown.returncode == 0
    assert "CAM1    live" in shown.stdout
    assert "not running" not in shown.stdout
    assert "\x1b" not in shown.stdout, "colours are for terminals"


def test_an_empty_redis_says_what_is_missing(redis_url: str, tmp_path: Path) -> None:
    done = status_json(redis_url, tmp_path)
    assert done.returncode == 0
    assert "no cameras" in done.stdout
    assert "not running: ingest, detector, gateway" in done.stdout
    assert json.loads(status_json(redis_url, tmp_path, "--json").stdout)["cameras"] == []


async def test_what_others_wrote_ends_nothing(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    await redis.set(keys.frames("CAM1"), "no stream")
    await redis.set(keys.status("CAM1"), "no hash")
    await redis.set(keys.spaces("CAM1"), "no spaces")
    await redis.hset(keys.viewers("CAM1"), "gateway", "many")
    await redis.hset(keys.load("ingest", "x"), "cpu_cores", "all")
    seconds, _ = await redis.time()
    await redis.zadd(keys.members("ingest"), {"x": seconds})
    told = json.loads(status_json(redis_url, tmp_path, "--json").stdout)
    assert [(camera["camera_id"], camera["state"], camera["viewers"]) for camera in told["cameras"]] == [
        ("CAM1", "silent", 0)
    ]
    assert [(process["name"], process["cpu_cores"]) for process in told["processes"]] == [("x", None)]


def test_without_redis_it_is_1_and_says_what_to_do(tmp_path: Path) -> None:
    done = status_json("redis://127.0.0.1:1/0", tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("lotcast: redis://127.0.0.1:1/0 does not answer: ")
    assert "REDIS_URL or --redis-url says where" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_command_line_goes_before_the_environment(redis_url: str, tmp_path: Path) -> None:
    done = status_json(redis_url, tmp_path, "--redis-url", "redis://monitor@127.0.0.1:1/0")
    assert (done.returncode, done.stderr.split()[1]) == (1, "redis://monitor@127.0.0.1:1/0")
    bad = status_json(redis_url, tmp_path, "--redis-url", "http://h/")
    assert (bad.returncode, bad.stderr) == (1, "lotcast: --redis-url: must start with redis://, rediss:// or unix://\n")


def test_a_wrong_password_is_named(redis_server: RedisServer, tmp_path: Path) -> None:
    (tmp_path / "monitor.password").write_text("guessed", "utf-8")
    done = status_json(redis_server.url, tmp_path)
    assert done.returncode == 1
    assert "refuses user 'monitor'" in done.stderr
    assert "guessed" not in done.stderr


class Terminal:
    """A program on a terminal of its own."""

    def __init__(self, process: subprocess.Popen[bytes], master: int) -> None:
        self.process = process
        self._master = master
        self._read = ""

    def shown(self) -> str:
        """All that was written to the terminal so far."""
        try:
            while part := os.read(self._master, 65_536):
                self._read += part.decode("utf-8", "replace")
        except BlockingIOError:
            pass  # nothing more for now
        except OSError:
            pass  # the program has ended: a terminal that nobody writes to any more cannot be read
        return self._read

    def forget(self) -> None:
        """Begin anew."""
        self.shown()
        self._read = ""

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())


@contextmanager
def on_terminal(environment: dict[str, str]) -> Iterator[Terminal]:
    """`lotcast status` on a terminal, as Ctrl-C finds it: the leader of a session of its own."""
    master, slave = pty.openpty()
    os.set_blocking(master, False)
    process = subprocess.Popen(
        [sys.executable, "-m", "lotcast", "status", "--every", "0.2"],
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "30", **environment},
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: os.close(os.open(os.ttyname(0), os.O_RDWR)),  # which makes it the session's terminal
    )
    os.close(slave)
    try:
        yield Terminal(process, master)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(10)
        os.close(master)


async def test_a_terminal_shows_it_live_until_ctrl_c(own_redis_server: RedisServer, tmp_path: Path) -> None:
    with on_terminal(own_access("monitor", own_redis_server.url, tmp_path)) as terminal:
        await wait_for(lambda: "no cameras" in terminal.shown())
        with own_redis_server.client() as client:
            client.hset(keys.status("LATER"), "ingest_state", "live")
        await wait_for(lambda: "LATER" in terminal.shown())
        own_redis_server.stop()
        await wait_for(lambda: "trying again" in terminal.shown())
        own_redis_server.start()
        terminal.forget()
        await wait_for(lambda: "no cameras" in terminal.shown())
        terminal.type("\x03")
        await wait_for(lambda: terminal.process.poll() is not None)
        assert terminal.process.returncode == 0
        assert "Traceback" not in terminal.shown()
        left = terminal.shown().rpartition("\x1b[?1049l")
        assert left[1], "the screen from before is there again"
        assert "\x1b[?25h" in terminal.shown(), "and the cursor"
        assert left[2].replace("\x1b[?25h", "").strip() == "", "and nothing is written on it"


def test_an_update_that_is_not_finished_is_told() -> None:
    def told(*versions: str | None) -> str:
        processes = [
            ProcessReading("ingest", f"ingest-{number}", 0.1, None, None, None, None, None, None, None, version)
            for number, version in enumerate(versions)
        ]
        console = Console(width=120, file=io.StringIO())
        console.print(render(Reading(NOW_MS, [], processes, RedisReading("8.2.3", 1, 0, 1, 1, [])), "redis://h"))
        return console.file.getvalue()  # type: ignore[attr-defined, no-any-return]

    assert "different versions run: 0.1.9, 0.2.0; finish the update" in told("0.2.0", "0.1.9", None)
    assert "different versions" not in told("0.2.0", "0.2.0", None)


@pytest.mark.parametrize(
    ("fields", "age_ms", "broadcast_age_s", "state"),
    [
        ({"ingest_state": "live"}, 1000, None, "live"),
        ({"ingest_state": "error"}, 1000, 1.0, "error"),
        ({"ingest_state": "live"}, 20_000, 1.0, "no ingest"),
        ({}, 20_000, 1.0, "broadcast"),
        ({}, 20_000, 60.0, "silent"),
        ({}, 20_000, None, "silent"),
    ],
)
def test_states(fields: dict[str, str], age_ms: int, broadcast_age_s: float | None, state: str) -> None:
    status = {name.encode(): value.encode() for name, value in fields.items()}
    if fields:
        status[b"ingest_updated_at_ms"] = str(NOW_MS - age_ms).encode()
    at_s = None if broadcast_age_s is None else NOW_MS / 1000 - broadcast_age_s
    answers = CameraAnswers(at_s, status, None, None, None, None, None, None)
    assert read_camera("C", answers, set(), NOW_MS).state == state


def test_only_live_gateways_viewers_count() -> None:
    answers = CameraAnswers(None, None, None, None, {b"here": b"3", b"dead": b"5"}, None, None, None)
    assert read_camera("C", answers, {"here"}, NOW_MS).viewers == 3
    assert read_camera("C", NOBODY, {"here"}, NOW_MS).viewers == 0


def test_a_detector_that_no_longer_tells_has_no_rate_and_no_latency() -> None:
    status = {b"detector_fps": b"9.5", b"detector_latency_ms": b"40", b"detector_updated_at_ms": b"%d" % NOW_MS}
    answers = CameraAnswers(None, status, None, None, None, None, None, None)
    fresh, stale = (read_camera("C", answers, set(), NOW_MS + later_ms) for later_ms in (5000, 15_000))
    assert (fresh.output_fps, fresh.latency_ms) == (9.5, 40)
    assert (stale.output_fps, stale.latency_ms) == (None, None)
