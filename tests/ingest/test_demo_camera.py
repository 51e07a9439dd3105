"""The simulated camera as a process: what an ESP32-CAM speaks, and pictures that say which frame they are."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import aiohttp
import av
import numpy as np
import pytest

from deploy.demo.camera.frame_mark import mark, read_mark
from libs.common.cameras import Camera
from services.ingest.jpeg import jpeg_size
from services.ingest.pacing import FramePacer
from services.ingest.settings import IngestSettings
from services.ingest.sources.http import read_http
from tests.support.pictures import make_jpeg
from tests.support.processes import running
from tests.support.waiting import PATIENCE_S

FRAMES, FPS = 15, 10


def test_a_mark_is_read_back_and_the_picture_stays_whole() -> None:
    jpeg = make_jpeg()
    marked = mark(jpeg, "north", 123)
    assert read_mark(marked) == ("north", 123)
    assert jpeg_size(marked) == jpeg_size(jpeg)
    assert read_mark(jpeg) is None
    assert read_mark(b"") is None


@pytest.fixture(scope="module")
def camera_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("camera")
    with av.open(str(folder / "lot.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(FRAMES):
            picture = np.full((240, 320, 3), number * 10, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    arguments = ("--clip", str(folder / "lot.mp4"), "--port", "0")
    with running("deploy.demo.camera", {}, folder / "log", *arguments) as process:
        process.wait_for_log("/stream")
        found = re.search(r"camera: (http://\S+)/stream", process.log)
        assert found is not None
        yield found[1]
        assert process.stop() == 0


async def marks(url: str, count: int) -> list[int]:
    numbers = []
    async with asyncio.timeout(PATIENCE_S):
        async for frame in read_http(Camera(id="C", name="C", url=url), IngestSettings(), FramePacer(60)):
            found = read_mark(frame.jpeg)
            assert found is not None
            assert found[0] == "lot"
            numbers.append(found[1])
            if len(numbers) == count:
                break
    return numbers


async def test_the_clip_plays_by_the_clock_and_for_ever(camera_url: str) -> None:
    started = time.monotonic()
    numbers = await marks(f"{camera_url}/stream", 25)
    assert time.monotonic() - started == pytest.approx(25 / FPS, abs=0.7)
    steps = {(later - earlier) % FRAMES for earlier, later in pairwise(numbers)}
    assert steps <= {1, 2}, numbers
    assert len(set(numbers)) == FRAMES


async def test_all_clients_see_the_same_frame(camera_url: str) -> None:
    await marks(f"{camera_url}/stream", FRAMES)  # all is decoded
    one, two = await asyncio.gather(marks(f"{camera_url}/stream", 5), marks(f"{camera_url}/stream", 5))
    assert min((one[-1] - two[-1]) % FRAMES, (two[-1] - one[-1]) % FRAMES) <= 1


async def test_the_answers_look_like_an_esp32_cams(camera_url: str) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{camera_url}/stream") as answer:
            assert re.fullmatch(r"multipart/x-mixed-replace;boundary=\d+", answer.headers["Content-Type"])
            head = await answer.content.readuntil(b"\r\n\r\n")
            if head == b"\r\n\r\n":
                head = await answer.content.readuntil(b"\r\n\r\n")
            assert re.search(rb"Content-Type: image/jpeg\r\nContent-Length: \d+\r\nX-Timestamp: \d+\.\d{6}\r\n", head)
        async with session.get(f"{camera_url}/capture") as answer:
            assert answer.headers["Content-Type"] == "image/jpeg"
            assert jpeg_size(await answer.read()) == (320, 240)


def test_a_clip_that_is_not_there_is_named(tmp_path: Path) -> None:
    arguments = ("--clip", str(tmp_path / "none.mp4"))
    with running("deploy.demo.camera", {}, tmp_path / "log", *arguments) as process:
        assert process.process.wait(20) == 2
        assert "none.mp4: No such file" in process.log
