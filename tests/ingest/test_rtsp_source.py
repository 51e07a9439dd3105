"""RTSP from a real server, over TCP, UDP and TLS."""

from __future__ import annotations

import asyncio
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import aclosing
from itertools import pairwise
from pathlib import Path

import pytest
import trustme

from libs.common.cameras import Camera
from libs.common.clock import now_ms
from libs.common.errors import CameraStalled, SourceError
from services.ingest.jpeg import jpeg_size
from services.ingest.pacing import FramePacer
from services.ingest.settings import IngestSettings
from services.ingest.sources.base import CapturedFrame
from services.ingest.sources.video import read_rtsp
from tests.support.cameras import serving
from tests.support.processes import ROOT
from tests.support.rtsp import needs_rtsp_server, read_frames, serving_rtsp
from tests.support.waiting import PATIENCE_S, wait_for


@pytest.fixture(scope="module")
def rtsp_host() -> Iterator[str]:
    with serving_rtsp() as server:
        yield server.host


@needs_rtsp_server
@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("h264", "H.264"),
        ("h264#transport=tcp", "H.264"),
        ("h264#transport=udp", "H.264"),
        ("udp-only", "H.264"),
        ("h265", "H.265"),
        ("mjpeg", "MJPEG"),
        ("with-sound", "H.264"),
        ("sound-first", "H.264"),
    ],
)
async def test_an_rtsp_camera_is_read(rtsp_host: str, path: str, kind: str) -> None:
    frames = await read_frames(f"rtsp://{rtsp_host}/{path}", 10)
    assert {jpeg_size(frame.jpeg) for frame in frames} == {(320, 240)}
    assert {frame.kind for frame in frames} == {f"{kind} video over RTSP"}


@needs_rtsp_server
async def test_the_cameras_own_clock_dates_the_frames(rtsp_host: str) -> None:
    """The server's sender reports tell when it took a picture: even, where arrivals are not; and before they came.

    It takes one every 50 ms; of what comes at once only the newest is handed out, so that some are left out.
    """
    frames = await read_frames(f"rtsp://{rtsp_host}/mjpeg", 150)
    last = [frame.captured_at_ms for frame in frames[-10:]]
    gaps = [later - earlier for earlier, later in pairwise(last)]
    assert all(gap >= 49 and abs(gap - 50 * round(gap / 50)) <= 1 for gap in gaps), gaps


@needs_rtsp_server
@pytest.mark.parametrize("path", ["h264", "h265"])
async def test_a_frame_is_dated_when_it_began_to_arrive(rtsp_host: str, path: str) -> None:
    """libav hands a frame out when the next one begins, an interval of 50 ms later; that is no time to call now."""
    camera = Camera(id="C", name="C", url=f"rtsp://{rtsp_host}/{path}", fps=60)
    settings, ages_ms = IngestSettings(camera_clock_max_age_s=0), []
    async with asyncio.timeout(PATIENCE_S), aclosing(read_rtsp(camera, settings, FramePacer(60))) as frames:
        async for frame in frames:
            assert isinstance(frame, CapturedFrame)
            ages_ms.append(now_ms() - frame.captured_at_ms)
            if len(ages_ms) == 30:
                break
    assert 45 <= statistics.median(ages_ms[10:]) <= 80


@needs_rtsp_server
async def test_a_camera_of_which_little_is_wanted_is_not_taken_for_silent(rtsp_host: str) -> None:
    """One frame in 2.5 s is wanted; 20 a second come; 1.5 s without any are a stall."""
    assert len(await read_frames(f"rtsp://{rtsp_host}/h264", 2, fps=0.4, stall_after_s=0.5)) == 2


@needs_rtsp_server
async def test_a_camera_that_stops_in_the_middle_is_stalled_and_let_go() -> None:
    with serving_rtsp() as server:
        camera = Camera(id="C", name="C", url=f"rtsp://{server.host}/h264", fps=60)
        settings, got = IngestSettings(stall_after_s=1, connect_timeout_s=2), 0

        async def play() -> None:
            nonlocal got
            async for _ in read_rtsp(camera, settings, FramePacer(60)):
                got += 1
                if got == 10:
                    os.kill(server.process.pid, signal.SIGSTOP)

        with pytest.raises(CameraStalled, match="camera sent nothing for 1 s"):
            await asyncio.wait_for(play(), PATIENCE_S)
        assert got >= 10
        await wait_for(lambda: "video" not in {thread.name for thread in threading.enumerate()}, 1)


@needs_rtsp_server
@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("nothing-here", "camera answered 404: check the path in the URL"),
        ("tcp-only#transport=udp", "does not offer the transport"),
        ("h264#transport=smoke", "neither tcp nor udp"),
        ("h264#speed=9", "option #speed is unknown; there are insecure, transport"),
    ],
)
async def test_a_bad_rtsp_address_says_what_is_wrong(rtsp_host: str, path: str, problem: str) -> None:
    with pytest.raises(SourceError, match=problem):
        await read_frames(f"rtsp://{rtsp_host}/{path}", 1)


@needs_rtsp_server
async def test_an_rtsp_camera_asks_for_a_password() -> None:
    with serving_rtsp("--login", "viewer", "s3cret") as server:
        assert len(await read_frames(f"rtsp://viewer:s3cret@{server.host}/h264", 3)) == 3
        for login in ("viewer:wrong@", ""):
            with pytest.raises(SourceError, match="401: check user name and password"):
                await read_frames(f"rtsp://{login}{server.host}/h264", 1)


@needs_rtsp_server
async def test_a_certificate_must_be_trusted_unless_the_url_says_otherwise(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "camera.pem"))
    authority.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    with serving_rtsp("--tls", str(tmp_path / "camera.pem")) as server:
        url = f"rtsps://{server.host}/h264"
        assert len(await read_frames(f"{url}#insecure", 3)) == 3
        with pytest.raises(SourceError, match="TLS certificate is not trusted"):
            await read_frames(url, 1)
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "lotcast", "probe", url, "--picture", str(tmp_path / "p.jpg"), "--seconds", "0.5"],
            cwd=ROOT, env={**os.environ, "SSL_CERT_FILE": str(tmp_path / "authority.pem")},
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        assert jpeg_size((tmp_path / "p.jpg").read_bytes()) == (320, 240)


async def test_an_rtsp_camera_that_is_not_there_says_so() -> None:
    with pytest.raises(SourceError, match="cannot be reached: connection refused"):
        await read_frames("rtsp://127.0.0.1:9/main", 1)


async def test_an_rtsp_camera_that_accepts_and_says_nothing_says_so() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    started = time.monotonic()
    async with serving(silent) as url:
        with pytest.raises(SourceError, match="does not answer in time"):
            await read_frames(f"{url.replace('http', 'rtsp')}/main", 1)
    assert time.monotonic() - started < 4, "the deadline for connecting is 2 s"
