"""A real RTSP server in a process of its own, where one is installed, and a way to read from it."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from libs.common.cameras import Camera
from services.ingest.pacing import FramePacer
from services.ingest.settings import IngestSettings
from services.ingest.sources.base import CapturedFrame
from services.ingest.sources.registry import source_for
from tests.support.waiting import PATIENCE_S

SYSTEM_PYTHON = "/usr/bin/python3"
_SERVER = Path(__file__).with_name("rtsp_server.py")


def _is_installed() -> bool:
    script = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    if not shutil.which(SYSTEM_PYTHON):
        return False
    return subprocess.run([SYSTEM_PYTHON, "-c", script], capture_output=True, check=False).returncode == 0


needs_rtsp_server = pytest.mark.skipif(
    not _is_installed(), reason="no GStreamer RTSP server (.ci/run says which Debian packages)"
)


@dataclass(frozen=True, slots=True)
class RtspServer:
    """A running server: its process, and `host:port`."""

    process: subprocess.Popen[bytes]
    host: str


@contextmanager
def serving_rtsp(*arguments: str) -> Iterator[RtspServer]:
    """GStreamer's RTSP server."""
    command = [SYSTEM_PYTHON, str(_SERVER), *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        word, port = process.stdout.readline().split()
        assert word == b"ready"
        yield RtspServer(process, f"127.0.0.1:{int(port)}")
    finally:
        process.kill()
        process.communicate()


async def read_frames(
    url: str, count: int, *, fps: float = 60, stall_after_s: float = 5, clock_max_age_s: float = 2
) -> list[CapturedFrame]:
    """The first frames of a camera."""
    frames: list[CapturedFrame] = []
    settings = IngestSettings(stall_after_s=stall_after_s, connect_timeout_s=2, camera_clock_max_age_s=clock_max_age_s)
    camera = Camera(id="C", name="C", url=url, fps=fps)
    async with asyncio.timeout(PATIENCE_S), aclosing(source_for(url)(camera, settings, FramePacer(fps))) as source:
        async for frame in source:
            if not isinstance(frame, CapturedFrame):
                continue  # a stall, which is raised next
            frames.append(frame)
            if len(frames) == count:
                break
    return frames
