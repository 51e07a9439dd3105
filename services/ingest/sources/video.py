"""`rtsp://`, `rtsps://` and `file://`: video decoded by PyAV in a thread; each wanted frame is encoded to JPEG once."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import unquote, urlsplit

import av
import av.logging

from libs.common.cameras import Camera
from libs.common.clock import now_ms
from libs.common.errors import CameraStalled, LotcastError, SourceError
from services.ingest.settings import IngestSettings
from services.ingest.sources.base import CapturedFrame, Wanted
from services.ingest.sources.encoding import encode_frame

av.logging.set_level(av.logging.PANIC)  # what goes wrong is reported by us, in words; libav's own chatter is not


async def read_rtsp(camera: Camera, settings: IngestSettings, wanted: Wanted) -> AsyncIterator[CapturedFrame]:
    """Frames of an RTSP camera, over TCP; see `Source`."""
    options = {
        "rtsp_transport": "tcp",
        "fflags": "nobuffer",
        "flags": "low_delay",
        "analyzeduration": "1000000",  # microseconds; libav's own five seconds are five seconds without a picture
    }
    async for frame in _in_thread(_Video(camera.url, options, False, camera, settings, wanted)):
        yield frame


async def read_file(camera: Camera, settings: IngestSettings, wanted: Wanted) -> AsyncIterator[CapturedFrame]:
    """Frames of a video file at its own pace, from the beginning again at its end; see `Source`."""
    path = unquote(urlsplit(camera.url).path)
    async for frame in _in_thread(_Video(path, {}, True, camera, settings, wanted)):
        yield frame


class _Video:
    """Decodes in the calling thread."""

    def __init__(
        self,
        address: str,
        options: dict[str, str],
        is_file: bool,
        camera: Camera,
        settings: IngestSettings,
        wanted: Wanted,
    ) -> None:
        self.stop = threading.Event()
        self.stall_after_s = settings.stall_after_s
        self._address = address
        self._options = options
        self._is_file = is_file
        self._camera = camera
        self._settings = settings
        self._wanted = wanted

    def frames(self) -> Iterator[CapturedFrame]:
        """Wanted frames until the video ends (a file never does) or `stop` is set."""
        while not self.stop.is_set():
            try:
                yield from self._once()
            except av.error.FFmpegError as error:
                raise SourceError(_describe(error, self._is_file)) from error
            if not self._is_file:
                return

    def _once(self) -> Iterator[CapturedFrame]:
        timeout = (self._settings.connect_timeout_s, self._settings.stall_after_s)
        with av.open(self._address, options=self._options, timeout=timeout) as container:
            if not container.streams.video:
                raise SourceError("there is no video in it")
            stream = container.streams.video[0]
            # One thread a camera: frame threads add their number in frames of delay, and a stream that is given up
            # with them at work can lock up inside PyAV (seen with PyAV 18: it frees them while holding the GIL).
            stream.codec_context.thread_count = 1
            started, shown = time.monotonic(), 0
            for frame in container.decode(stream):
                shown += 1
                if self.stop.is_set():
                    return
                if self._is_file:
                    self._keep_pace(frame, stream, started, shown)
                if self._wanted(time.monotonic()):
                    captured_at_ms = now_ms()
                    yield CapturedFrame(encode_frame(frame, self._settings.jpeg_quality), captured_at_ms)
            if not shown:
                raise SourceError("there is no picture in it")

    def _keep_pace(self, frame: Any, stream: Any, started: float, shown: int) -> None:
        """Wait until the frame is due."""
        rate = float(stream.average_rate or self._camera.fps)
        due_s = (
            frame.time - float((stream.start_time or 0) * stream.time_base) if frame.time is not None else shown / rate
        )
        delay_s = started + due_s - time.monotonic()
        if delay_s > 0:
            self.stop.wait(min(delay_s, self._settings.stall_after_s))


async def _in_thread(video: _Video) -> AsyncIterator[CapturedFrame]:
    """Run a video in a thread of its own; the newest frame waits for the consumer, older ones give way to it."""
    loop = asyncio.get_running_loop()
    slot: asyncio.Queue[CapturedFrame | BaseException | None] = asyncio.Queue(maxsize=1)

    def offer(item: CapturedFrame | BaseException | None) -> None:
        if slot.full():
            slot.get_nowait()
        slot.put_nowait(item)

    def work() -> None:
        end: BaseException | None = None
        try:
            for frame in video.frames():
                loop.call_soon_threadsafe(offer, frame)
        except LotcastError as error:
            end = error
        if not video.stop.is_set():
            loop.call_soon_threadsafe(offer, end)

    thread = threading.Thread(target=work, name="video", daemon=True)
    thread.start()
    try:
        while True:
            async with asyncio.timeout(video.stall_after_s * 2):
                item = await slot.get()
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item
    except TimeoutError as error:
        raise CameraStalled(f"no frame for {video.stall_after_s * 2:g} s") from error
    finally:
        video.stop.set()
        # A thread inside libav ends at its own deadline; it holds nothing that anybody waits for.
        await asyncio.to_thread(thread.join, 1.0)


def _describe(error: Any, is_file: bool) -> str:
    if isinstance(error, av.error.FileNotFoundError):
        return "no such file" if is_file else "camera answered 404: check the path in the URL"
    if isinstance(error, av.error.HTTPUnauthorizedError):
        return "camera answered 401: check user name and password"
    if isinstance(error, av.error.InvalidDataError):
        return "this is no video that can be read"
    if isinstance(error, av.error.ExitError | av.error.TimeoutError):
        return "camera does not answer in time: check address and network"
    return f"cannot read the video: {error.strerror or error}"
