"""`http://` and `https://`: a stream of JPEGs, or single JPEGs asked for again and again.

The first bytes of the answer decide which it is; its label only helps.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator
from typing import Final

from libs.common.cameras import Camera
from libs.common.errors import CameraStalled, SourceError
from services.ingest.pacing import ByteBudget, CaptureClock, PollPace
from services.ingest.picture_stream import Part, PictureStream, boundary_of
from services.ingest.settings import IngestSettings
from services.ingest.sources.address import INSECURE, parse_address
from services.ingest.sources.base import CapturedFrame, Wanted
from services.ingest.sources.http_client import Answer, CameraRefuses, HttpCamera

STREAM: Final = "MJPEG stream over HTTP"
STILLS: Final = "single JPEGs over HTTP"
LINGER_S: Final = 1.0
"""After one picture the answer may end without saying so, or go on with the next picture: how long to wait for it."""
NEEDED: Final = "needed is an MJPEG stream or a JPEG picture"
_ASKED_TOO_OFTEN: Final = frozenset({429, 503})
_SNIFFED_BYTES: Final = 16
_OTHERS: Final = (
    (re.compile(rb"\s*<"), "a web page"),
    (re.compile(rb"\s*[{\[]"), "data, not a picture"),
    (re.compile(rb"\x89PNG"), "a PNG picture"),
    (re.compile(rb"GIF8"), "a GIF picture"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "a WebP picture"),
    (re.compile(rb"#EXTM3U"), "an HLS playlist"),
    (re.compile(rb"FLV|G.{0,15}\Z|....ftyp|\x1aE\xdf\xa3|RIFF|\x00\x00\x00?\x01", re.DOTALL), "video"),
)


async def read_http(camera: Camera, settings: IngestSettings, wanted: Wanted) -> AsyncGenerator[CapturedFrame, None]:
    """Frames of an HTTP camera; see `Source`."""
    address = parse_address(camera.url, {INSECURE})
    clock = CaptureClock(settings.camera_clock_max_age_s)
    pace = PollPace(1 / camera.fps)
    last_s = float("-inf")
    async with HttpCamera(address.url, settings, insecure=INSECURE in address.options) as client:
        while True:
            try:
                answer = await client.get()
            except CameraRefuses as error:
                # One that is asked too often costs one picture; it is asked less often from then on.
                if error.status not in _ASKED_TOO_OFTEN or time.monotonic() - last_s > settings.stall_after_s:
                    raise
                await asyncio.sleep(pace.refused(error.retry_after_s))
                continue
            reader = _AnswerReader(answer, settings, clock)
            async for frame in reader.frames(wanted):
                last_s = time.monotonic()
                yield frame
            if reader.is_stream:
                return
            client.finish(answer)
            await asyncio.sleep(pace.succeeded(time.monotonic()))


class _AnswerReader:
    """Takes the pictures out of one answer.

    Attributes:
        is_stream: whether it was a stream, and not a single picture.
    """

    def __init__(self, answer: Answer, settings: IngestSettings, clock: CaptureClock) -> None:
        self.is_stream = False
        self._answer = answer
        self._settings = settings
        self._clock = clock
        self._label = answer.head.get("content-type")
        self._stream = PictureStream(boundary_of(self._label), settings.frame_max_bytes)
        self._is_known = False
        self._first = b""

    async def frames(self, wanted: Wanted) -> AsyncGenerator[CapturedFrame, None]:
        """The wanted pictures, until the answer ends.

        Raises:
            SourceError: there are none in it, or none in time.
        """
        budget = ByteBudget(self._settings.camera_max_bytes_per_s)
        last_frame_s = time.monotonic()
        while (data := await self._next(last_frame_s)) is not None:
            now_s = time.monotonic()
            for part in self._take(data, now_s):
                last_frame_s = now_s
                self.is_stream = self._stream.has_boundaries or self._stream.pictures > 1
                # A damaged picture is handed on to be counted, and takes no whole one's turn.
                if not part.is_whole or not self.is_stream or wanted(now_s):
                    yield self._captured(part)
            if self._is_whole_still():
                return
            if now_s - last_frame_s > self._settings.stall_after_s:
                raise CameraStalled(self._no_frame())
            if (too_fast_s := budget.spend(len(data), now_s)) > 0:
                # Not read for a while: the camera's own connection fills up, and the other cameras get their turn.
                await asyncio.sleep(too_fast_s)
        for part in self._take_rest(time.monotonic()):
            self.is_stream = self._stream.has_boundaries or self._stream.pictures > 1
            yield self._captured(part)
        if not self._stream.pictures:
            self._explain_nothing()

    async def _next(self, last_frame_s: float) -> bytes | None:
        """The next bytes; None at the answer's end, which after a single picture may come in silence."""
        is_still = self._stream.pictures == 1 and not self._stream.has_boundaries
        lingers_s = min(LINGER_S, self._settings.stall_after_s)
        try:
            data = await self._answer.read(lingers_s if is_still else self._settings.stall_after_s)
        except TimeoutError as error:
            if is_still:
                return None
            if self._answer.body.is_done and not self.is_stream:
                return None
            raise CameraStalled(f"camera sent nothing for {self._settings.stall_after_s:g} s") from error
        if data is None and self._is_cut_short():
            raise SourceError("camera broke off in the middle of its answer")
        return data

    def _take(self, data: bytes, now_s: float) -> list[Part]:
        if not self._is_known:
            self._first += data
            if len(self._first.lstrip()) < _SNIFFED_BYTES:
                return []
            data = self._sniff()
        return self._stream.feed(data, now_s)

    def _take_rest(self, now_s: float) -> list[Part]:
        parts = [] if self._is_known or not self._first else self._stream.feed(self._sniff(), now_s)
        return parts + self._stream.close(now_s)

    def _sniff(self) -> bytes:
        """Refuse in words what is no picture by its first bytes."""
        self._is_known = True
        data, self._first = self._first, b""
        for pattern, what in _OTHERS:
            if pattern.match(data[: 4 * _SNIFFED_BYTES]):
                label = self._label.partition(";")[0].strip()
                shown = label if label and not label.startswith(("image/jp", "multipart/")) else what
                advice = (
                    "; for video write the camera's rtsp:// address" if what in ("video", "an HLS playlist") else ""
                )
                raise SourceError(f"camera sends {shown}; {NEEDED}{advice}")
        return data

    def _is_whole_still(self) -> bool:
        """Whether a single picture has come, and all that was announced with it."""
        return self._stream.pictures == 1 and not self._stream.has_boundaries and self._answer.body.is_done

    def _is_cut_short(self) -> bool:
        length = self._answer.head.length
        return bool(length) and not self._answer.body.is_done and not self._stream.pictures and not self._first

    def _explain_nothing(self) -> None:
        label = self._label.partition(";")[0].strip()
        if label.startswith(("text/", "application/json", "video/")):
            raise SourceError(f"camera sends {label}; {NEEDED}")
        if self._answer.head.length == 0:
            raise SourceError(f"camera sends an empty answer; {NEEDED}")
        if not label.startswith("multipart/"):
            raise SourceError(f"camera sends {label or 'no content type'} and no picture; {NEEDED}")
        self.is_stream = True

    def _no_frame(self) -> str:
        return f"camera sends data but no whole frame for {self._settings.stall_after_s:g} s"

    def _captured(self, part: Part) -> CapturedFrame:
        claimed_ms = None if part.timestamp_s is None else part.timestamp_s * 1000
        captured_at_ms = self._clock.captured_at_ms(part.began_at, claimed_ms)
        return CapturedFrame(part.payload, captured_at_ms, STREAM if self.is_stream else STILLS)
