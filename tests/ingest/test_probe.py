"""Trying a camera: directly, through Redis, and from the command line."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from redis.asyncio import Redis

from libs.common import keys
from libs.common.probe_queue import NOBODY_ANSWERS, WAITING_MAX, announce_worker, ask
from services.ingest.probe import probe
from services.ingest.settings import IngestSettings
from tests.support.cameras import Handler, answering, multipart_camera, serving
from tests.support.forked import run_forked
from tests.support.pictures import make_jpeg
from tests.support.processes import running
from tests.support.waiting import wait_for

JPEG = make_jpeg(160, 120)
QUICK = IngestSettings(stall_after_s=0.5, connect_timeout_s=0.5)


async def test_a_stream_is_described() -> None:
    """Numbers are held against what the camera did, which a busy machine slows down as well."""
    sent_s: list[float] = []
    pictures = multipart_camera([JPEG], interval_s=0.05, on_sent=lambda: sent_s.append(time.monotonic()))

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.2)
        await pictures(reader, writer)

    started_s = time.monotonic()
    async with serving(handler) as url:
        result = await probe(f"{url}/stream", QUICK, watch_s=1.0)
    took_s = time.monotonic() - started_s
    assert (result.ok, result.problem, result.kind) == (True, "", "MJPEG stream over HTTP")
    assert (result.width, result.height, result.frame_bytes) == (160, 120, len(JPEG))
    assert result.picture == JPEG
    assert len(sent_s) > 2
    assert result.fps == pytest.approx((len(sent_s) - 1) / (sent_s[-1] - sent_s[0]), rel=0.25)
    assert 200 <= result.first_frame_ms <= 1000 * (took_s - 1.0), "until the first picture, not longer"


async def test_a_camera_that_begins_with_half_a_picture_is_described() -> None:
    async with serving(multipart_camera([JPEG[:-200], JPEG, JPEG], interval_s=0.3)) as url:
        result = await probe(f"{url}/stream", QUICK, watch_s=0.5)
    assert (result.ok, result.problem, result.picture) == (True, "", JPEG)


async def test_single_pictures_are_described() -> None:
    head = f"HTTP/1.1 200 OK\nContent-Type: image/jpeg\nContent-Length: {len(JPEG)}"
    async with serving(answering(head, JPEG)) as url:
        result = await probe(f"{url}/capture", QUICK, watch_s=0.5)
    assert (result.ok, result.kind, result.picture) == (True, "single JPEGs over HTTP", JPEG)


@pytest.mark.parametrize(
    ("handler", "problem"),
    [
        (answering("HTTP/1.1 401 No\nContent-Length: 0"), "camera answered 401: check user name and password"),
        (multipart_camera([b"this is no picture"]), "camera sends no usable picture: not a JPEG"),
        (answering("HTTP/1.1 200 OK\nContent-Type: multipart/x-mixed-replace; boundary=b"), "closed the connection"),
    ],
)
async def test_what_does_not_work_is_said(handler: Handler, problem: str) -> None:
    async with serving(handler) as url:
        result = await probe(f"{url}/stream", QUICK)
    assert not result.ok
    assert problem in result.problem
    assert result.picture is None


@pytest.mark.parametrize(
    ("handler", "cause"),
    [
        (answering("HTTP/1.1 401 No\nContent-Length: 0"), "login"),
        (answering("HTTP/1.1 403 No\nContent-Length: 0"), "login"),
        (answering("HTTP/1.1 404 No\nContent-Length: 0"), "not_found"),
        (answering("HTTP/1.1 503 No\nContent-Length: 0"), "busy"),
        (answering("HTTP/1.1 200 OK\nContent-Type: multipart/x-mixed-replace; boundary=b", then_wait_s=5), "silent"),
        (multipart_camera([b"this is no picture"]), "other"),
    ],
)
async def test_the_kind_of_the_problem_is_told_for_programs(handler: Handler, cause: str) -> None:
    async with serving(handler) as url:
        assert (await probe(f"{url}/stream", QUICK)).cause == cause


async def test_a_closed_port_and_a_name_that_nobody_has_are_told_apart() -> None:
    assert (await probe("http://127.0.0.1:9/stream", QUICK)).cause == "refused"
    assert (await probe("http://nobody.invalid/stream", QUICK)).cause == "no_host"


async def test_an_ingest_answers_who_asks_through_redis(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    async with serving(multipart_camera([JPEG], interval_s=0.05)) as url:
        with running("services.ingest", {"REDIS_URL": redis_url}, tmp_path / "log") as ingest:
            await wait_for(lambda: redis.exists(keys.PROBE_WORKER))
            good, bad = await asyncio.gather(
                ask(redis, f"{url}/stream"), ask(redis, "http://user:secret@127.0.0.1:9/stream")
            )
            assert (good.ok, good.picture, good.width) == (True, JPEG, 160)
            assert (bad.ok, bad.picture) == (False, None)
            assert "cannot be reached" in bad.problem
            assert await redis.keys("lotcast:probe*") == [keys.PROBE_WORKER.encode()]
            assert "secret" not in ingest.log


async def test_without_an_ingest_the_answer_says_so(redis: Redis) -> None:
    started = time.monotonic()
    assert (await ask(redis, "http://127.0.0.1:9/")).problem == NOBODY_ANSWERS
    assert time.monotonic() - started < 2, "where none is, nobody waits for one"
    await announce_worker(redis)  # as one that is killed right afterwards
    assert (await ask(redis, "http://127.0.0.1:9/", timeout_s=0.3)).problem == NOBODY_ANSWERS
    await redis.rpush(keys.PROBES, *(["x"] * WAITING_MAX))
    assert "too many" in (await ask(redis, "http://127.0.0.1:9/", timeout_s=0.3)).problem


async def test_what_nobody_can_read_is_passed_over(redis: Redis, redis_url: str, tmp_path: Path) -> None:
    await redis.rpush(keys.PROBES, "nonsense", '{"probe_id": "x", "url": "http://h/", "expires_at_ms": 1}')
    with running("services.ingest", {"REDIS_URL": redis_url}, tmp_path / "log") as ingest:
        await asyncio.to_thread(ingest.wait_for_log, "unreadable request")

        async def emptied() -> bool:
            return not await redis.exists(keys.PROBES)

        await wait_for(emptied)
        assert ingest.stop() == 0


async def test_the_command_prints_what_it_found_and_saves_the_picture(tmp_path: Path) -> None:
    async with serving(multipart_camera([JPEG], interval_s=0.05)) as url:
        code, output = await lotcast_probe(f"{url}/stream", "--picture", str(tmp_path / "p.jpg"), "--seconds", "0.5")
    assert code == 0, output
    assert "MJPEG stream over HTTP" in output
    assert "160 x 120" in output
    assert (tmp_path / "p.jpg").read_bytes() == JPEG


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://user:secret@127.0.0.1:9/x", "lotcast: http://user:***@127.0.0.1:9/x: camera cannot be reached"),
        ("ftp://host/", "lotcast: probe: URL: must start with one of"),
        ("/no/such/clip.mp4", "no such file, and no URL either"),
    ],
)
async def test_the_command_says_why_not(url: str, problem: str) -> None:
    code, output = await lotcast_probe(url)
    assert code == 1
    assert problem in " ".join(output.split())
    assert "secret" not in output


async def lotcast_probe(*arguments: str) -> tuple[int, str]:
    done = await asyncio.to_thread(run_forked, "lotcast", "probe", *arguments)
    return done.returncode, done.stdout + done.stderr
