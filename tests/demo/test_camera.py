"""The simulated camera as a real process."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import aiohttp

from deploy.demo.camera.frame_mark import read_mark
from services.ingest.jpeg import jpeg_size
from services.ingest.picture_stream import Part, PictureStream, boundary_of
from tests.support.ports import free_port
from tests.support.processes import running
from tests.support.waiting import PATIENCE_S

CLIP = Path(__file__).parents[2] / "deploy/demo/assets/north.mp4"


async def read_parts(answer: aiohttp.ClientResponse, count: int) -> list[Part]:
    parser = PictureStream(boundary_of(answer.headers["Content-Type"]), 10_000_000)
    parts: list[Part] = []
    async with asyncio.timeout(PATIENCE_S):
        while len(parts) < count:
            parts += parser.feed(await answer.content.readany(), asyncio.get_running_loop().time())
    return parts


async def test_it_speaks_what_an_esp32_cam_speaks(tmp_path: Path) -> None:
    port = free_port()
    arguments = ("--clip", str(CLIP), "--port", str(port))
    with running("deploy.demo.camera", {}, tmp_path / "log", *arguments) as camera:
        await asyncio.to_thread(camera.wait_for_log, f"camera: http://127.0.0.1:{port}/stream")
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
            async with http.get("/capture") as answer:
                assert answer.content_type == "image/jpeg"
                assert jpeg_size(await answer.read()) == (1280, 720)
            async with http.get("/stream") as answer:
                assert answer.headers["Content-Type"].startswith("multipart/x-mixed-replace;boundary=")
                parts = await read_parts(answer, 40)
        frames = [read_mark(part.payload) for part in parts]
        numbers = [frame[1] for frame in frames if frame is not None]
        assert len(numbers) == 40
        assert numbers == sorted(numbers)
        took_s = parts[-1].began_at - parts[0].began_at
        shown = numbers[-1] - numbers[0]
        assert abs(shown / took_s - 10) < 2, "the clip's own pace"
        assert await asyncio.to_thread(camera.stop, signal.SIGINT) == 0


async def test_a_clip_that_is_not_there_is_explained(tmp_path: Path) -> None:
    with running("deploy.demo.camera", {}, tmp_path / "log", "--clip", "/no/clip.mp4") as camera:
        assert await asyncio.to_thread(camera.process.wait, 20) == 2
        assert "/no/clip.mp4: No such file" in camera.log
