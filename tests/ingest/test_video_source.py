"""Files, and a real RTSP server where one is installed."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from libs.common.cameras import Camera
from libs.common.errors import SourceError
from services.ingest.jpeg import jpeg_size
from services.ingest.pacing import FramePacer
from services.ingest.settings import IngestSettings
from services.ingest.sources.base import CapturedFrame
from services.ingest.sources.registry import source_for
from tests.support.redis_server import free_port

SYSTEM_PYTHON = "/usr/bin/python3"
RTSP_SERVER = """
import sys, gi
gi.require_version("Gst", "1.0"); gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer, GLib
Gst.init(None)
server = GstRtspServer.RTSPServer.new(); server.set_address("127.0.0.1"); server.set_service(sys.argv[1])
factory = GstRtspServer.RTSPMediaFactory.new(); factory.set_shared(True)
factory.set_launch("( videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=20/1 "
                   "! openh264enc gop-size=10 ! h264parse ! rtph264pay config-interval=1 name=pay0 pt=96 )")
server.get_mount_points().add_factory("/main", factory); server.attach(None)
print("ready", flush=True); GLib.MainLoop().run()
"""


def has_rtsp_server() -> bool:
    script = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    if not shutil.which(SYSTEM_PYTHON):
        return False
    return subprocess.run([SYSTEM_PYTHON, "-c", script], capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One second of H.264 at 20 frames a second, whose brightness rises."""
    path = tmp_path_factory.mktemp("video") / "a clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=20)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(20):
            picture = np.full((240, 320, 3), number * 12, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    return path


async def read(url: str, count: int, fps: float = 60, stall_after_s: float = 5) -> list[CapturedFrame]:
    frames: list[CapturedFrame] = []
    settings = IngestSettings(stall_after_s=stall_after_s, connect_timeout_s=2)
    async with asyncio.timeout(20):
        async for frame in source_for(url)(Camera(id="C", name="C", url=url, fps=fps), settings, FramePacer(fps)):
            frames.append(frame)
            if len(frames) == count:
                break
    return frames


async def test_a_file_plays_at_its_own_pace_and_from_the_beginning_again(clip: Path) -> None:
    started = time.monotonic()
    frames = await read(clip.as_uri(), 30)
    assert 1.2 < time.monotonic() - started < 5
    assert {jpeg_size(frame.jpeg) for frame in frames} == {(320, 240)}


async def test_a_file_is_capped_to_the_cameras_rate(clip: Path) -> None:
    frames = await read(clip.as_uri(), 6, fps=5)
    assert frames[-1].captured_at_ms - frames[0].captured_at_ms >= 0.8 * 5 * 200


@pytest.mark.parametrize(
    ("content", "problem"), [(None, "no such file"), (b"this is no video", "no video that can be read")]
)
async def test_a_bad_file_says_what_is_wrong(tmp_path: Path, content: bytes | None, problem: str) -> None:
    file = tmp_path / "clip.mp4"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SourceError, match=problem):
        await read(file.as_uri(), 1)


@pytest.fixture(scope="module")
def rtsp_url() -> Iterator[str]:
    """GStreamer's RTSP server with a test picture."""
    port = free_port()
    server = subprocess.Popen(
        [SYSTEM_PYTHON, "-c", RTSP_SERVER, str(port)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert server.stdout is not None
    assert server.stdout.readline() == b"ready\n"
    yield f"rtsp://127.0.0.1:{port}/main"
    server.kill()
    server.wait()
    server.stdout.close()


@pytest.mark.skipif(not has_rtsp_server(), reason="no GStreamer RTSP server (.ci/run says which Debian packages)")
async def test_an_rtsp_camera_is_read(rtsp_url: str) -> None:
    frames = await read(rtsp_url, 10)
    assert {jpeg_size(frame.jpeg) for frame in frames} == {(320, 240)}


async def test_an_rtsp_camera_that_is_not_there_says_so() -> None:
    with pytest.raises(SourceError, match="cannot be reached: connection refused"):
        await read("rtsp://127.0.0.1:9/main", 1)
