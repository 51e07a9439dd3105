"""`http://` and `https://`: a stream of JPEGs, or single pictures that are requested again and again.

The first bytes of the answer decide which it is; its Content-Type is only a hint.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Final

from libs.common.cameras import Camera
from libs.common.errors import CameraStalled, SourceError
from services.ingest.pacing import ByteBudget, CaptureClock, PollPace
from services.ingest.picture_stream import Part, PictureStream, boundary_of, is_other_picture
from services.ingest.settings import IngestSettings
from services.ingest.sources.address import INSECURE, parse_address
from services.ingest.sources.base import CapturedFrame, Wanted
from services.ingest.sources.http_client import Answer, CameraRefuses, HttpCamera
from services.ingest.sources.other_pictures import SinglePicture, name_of, to_jpeg

STREAM: Final = "MJPEG stream over HTTP"
STILLS: Final = "single JPEGs over HTTP"
LINGER_S: Final = 1.0
"""How long to wait after one picture: the answer may have ended without saying so, or go on with a next picture."""
NEEDED: Final = "needed is an MJPEG stream or a JPEG picture"
_MANY_IN_ONE: Final = b"MPF\0"
"""The mark of a file that holds several pictures, of which the first is the one to show (CIPA DC-007)."""
_MARKS_WITHIN_BYTES: Final = 65_536
_ASKED_TOO_OFTEN: Final = frozenset({429, 503})
_SNIFFED_BYTES: Final = 16
_OTHERS: Final = (
    (re.compile(rb"\s*<"), "a web page"),
    (re.compile(rb"\s*[{\[]"), "data, not a picture"),
    (re.compile(rb"GIF8"), "a GIF picture"),
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
                # A camera that was asked too often costs one picture, and is asked less often from then on.
                if error.status not in _ASKED_TOO_OFTEN or time.monotonic() - last_s > settings.stall_after_s:
                    raise
                await asyncio.sleep(pace.refused(error.retry_after_s))
                continue
            reader = _AnswerReader(answer, settings, clock)
            async with aclosing(reader.frames(wanted)) as frames:
                async for frame in frames:
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
        self._other: SinglePicture | None = None
        self._other_is_whole = False
        self._holds_more = False

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
                if self._is_companion(part):
                    continue
                self.is_stream = self._stream.has_boundaries or self._stream.pictures > 1
                # A damaged picture is passed on to be counted; it does not use up the turn of a whole one.
                if not part.is_whole or not self.is_stream or wanted(now_s):
                    yield await self._captured(part)
            if self._is_whole_still():
                return
            if self._other is not None and (self._other_is_whole or self._answer.body.is_done):
                break
            if now_s - last_frame_s > self._settings.stall_after_s:
                raise CameraStalled(self._no_frame())
            if (too_fast_s := budget.spend(len(data), now_s)) > 0:
                # Pause reading: the connection fills up, which slows the camera down and gives the others their turn.
                await asyncio.sleep(too_fast_s)
        for part in self._take_rest(time.monotonic()):
            if not self._is_companion(part):
                self.is_stream = self._stream.has_boundaries or self._stream.pictures > 1
                yield await self._captured(part)
        if self._other is not None:
            yield await self._captured(Part(bytes(self._other.data), self._answer.at_s))
        elif not self._stream.pictures:
            self._explain_nothing()

    async def _next(self, last_frame_s: float) -> bytes | None:
        """The next bytes; None at the answer's end. After a single picture, silence is an end too."""
        is_still = self._is_still()
        lingers_s = min(LINGER_S, self._settings.stall_after_s)
        try:
            data = await self._answer.read(
                lingers_s if is_still else self._settings.stall_after_s, self._stream.missing_bytes
            )
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
        if self._other is not None:
            self._other_is_whole = self._other.feed(data)
            return []
        return self._stream.feed(data, now_s)

    def _take_rest(self, now_s: float) -> list[Part]:
        if self._other is not None:
            return []
        parts = [] if self._is_known or not self._first else self._stream.feed(self._sniff(), now_s)
        return parts + self._stream.close(now_s)

    def _sniff(self) -> bytes:
        """Refuse, with a reason, what is no picture by its first bytes."""
        self._is_known = True
        data, self._first = self._first, b""
        if is_other_picture(data):
            self._other = SinglePicture(self._settings.frame_max_bytes)
            return data
        for pattern, what in _OTHERS:
            if pattern.match(data[: 4 * _SNIFFED_BYTES]):
                label = self._label.partition(";")[0].strip()
                shown = label if label and not label.startswith(("image/jp", "multipart/")) else what
                advice = (
                    "; for video write the camera's rtsp:// address" if what in ("video", "an HLS playlist") else ""
                )
                raise SourceError(f"camera sends {shown}; {NEEDED}{advice}")
        return data

    def _is_still(self) -> bool:
        """Whether what has come so far is a single picture."""
        return not self._stream.has_boundaries and (self._stream.pictures == 1 or self._holds_more)

    def _is_whole_still(self) -> bool:
        """Whether a single picture has come, and all that was announced with it."""
        return self._is_still() and self._answer.body.is_done

    def _is_companion(self, part: Part) -> bool:
        """Whether a picture is not to be shown: it follows the one that is, in the same file."""
        if self._stream.has_boundaries:
            return False
        if self._holds_more:
            return True
        has_end = self._answer.head.length is not None or self._answer.head.is_chunked
        self._holds_more = has_end and _MANY_IN_ONE in part.payload[:_MARKS_WITHIN_BYTES]
        return False

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

    async def _captured(self, part: Part) -> CapturedFrame:
        claimed_ms = None if part.timestamp_s is None else part.timestamp_s * 1000
        captured_at_ms = self._clock.captured_at_ms(part.began_at, claimed_ms)
        if (name := name_of(part.payload)) != "":
            jpeg = await asyncio.to_thread(to_jpeg, part.payload, self._settings)
            return CapturedFrame(jpeg, captured_at_ms, f"{name} pictures over HTTP")
        return CapturedFrame(part.payload, captured_at_ms, STREAM if self.is_stream else STILLS)
