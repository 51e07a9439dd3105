"""One video through PyAV, in the calling thread: JPEG packets as they are, other codecs decoded and encoded once."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final

import av
import av.logging

from libs.common.clock import now_ms
from libs.common.errors import CameraStalled, SourceError
from services.ingest.pacing import capture_time_ms
from services.ingest.settings import IngestSettings
from services.ingest.sources.address import ACCEPT_ANY
from services.ingest.sources.base import CapturedFrame, PlayedOut, Wanted
from services.ingest.sources.encoding import encode_frame
from services.ingest.sources.hardware import find_decoder

av.logging.set_level(av.logging.PANIC)  # what goes wrong is reported by us, in words; libav's own chatter is not

BAD_PACKETS_IN_A_ROW_MAX: Final = 100
SLOWEST_FILE_S: Final = 60.0
"""No picture of a file is waited for longer, whatever its time stamps say."""
_ENDED_BY_THE_NEXT: Final = frozenset({"h264", "hevc"})
"""libav hands a picture of these codecs out when the next one begins, since only that shows where it ends."""
_CODECS: Final = {"h264": "H.264", "hevc": "H.265", "mjpeg": "MJPEG", "av1": "AV1", "mpeg4": "MPEG-4"}

_SILENT: Final = "camera does not answer in time: check address and network"
_SENTENCES: Final[dict[Any, str]] = {
    av.error.HTTPUnauthorizedError: "camera answered 401: check user name and password",
    av.error.HTTPForbiddenError: "camera answered 403: the camera refuses this user",
    av.error.HTTPNotFoundError: "camera answered 404: check the path in the URL",
    av.error.HTTPServerError: "camera answered with an error of its own; it may be busy",
    av.error.ConnectionRefusedError: "camera cannot be reached: connection refused: check address and port",
}


@dataclass(frozen=True, slots=True)
class VideoInput:
    """What to open and how to play it.

    Attributes:
        address: for libav.
        what: the kind of source, in words.
        options: for libav.
        container_format: for libav, where the address does not tell.
        is_file: paced by us; begins again at its end.
        once: a file ends at its end.
        fps: play a file at this many frames a second instead of its own pace.
    """

    address: str
    what: str
    options: dict[str, str] = field(default_factory=dict)
    container_format: str | None = None
    is_file: bool = False
    once: bool = False
    fps: float | None = None


class VideoReader:
    """Reads one video input."""

    def __init__(self, source: VideoInput, settings: IngestSettings, wanted: Wanted) -> None:
        self._source = source
        self._settings = settings
        self._wanted = wanted
        self._arrivals: dict[int | None, int] = {}
        self._next_began_ms: int | None = None

    def frames(self, stop: threading.Event) -> Iterator[CapturedFrame | CameraStalled | None]:
        """Wanted frames, and None for the others, until the video ends (a file only if it plays once) or `stop` is set.

        Raises:
            SourceError: it cannot be read, or (PlayedOut) has been played once.
        """
        while not stop.is_set():
            started = time.monotonic()
            try:
                yield from self._once(stop)
            except (av.error.ExitError, av.error.TimeoutError) as error:
                raise self._stall() from error
            except av.error.FFmpegError as error:
                waited_s = time.monotonic() - started
                if not self._arrivals and not self._source.is_file and waited_s >= self._settings.connect_timeout_s:
                    # libav calls an RTSP camera that accepts and says nothing "invalid data".
                    raise CameraStalled(_SILENT) from error
                if error.errno == errno.EIO and self._source.address.startswith("rtsps:") and not self._arrivals:
                    raise SourceError(f"no TLS with the camera: is its certificate trusted? {ACCEPT_ANY}") from error
                raise SourceError(describe(error, self._source.is_file)) from error
            if self._source.once:
                raise PlayedOut("the file was played to its end, once, as its URL asks")
            if not self._source.is_file:
                return

    def _stall(self) -> CameraStalled:
        return CameraStalled(
            f"camera sent nothing for {self._settings.stall_after_s:g} s" if self._arrivals else _SILENT
        )

    def _once(self, stop: threading.Event) -> Iterator[CapturedFrame | CameraStalled | None]:
        settings, source = self._settings, self._source
        with av.open(
            source.address,
            format=source.container_format,
            options=source.options,
            timeout=(settings.connect_timeout_s, settings.stall_after_s),
            hwaccel=find_decoder(settings.hwaccel),
        ) as container:
            if not container.streams.video:
                raise SourceError("there is no video in it")
            stream = container.streams.video[0]
            # One thread a camera: frame threads add their number in frames of delay, and a stream that is given up
            # with them at work can lock up inside PyAV (seen with PyAV 18: it frees them while holding the GIL).
            stream.codec_context.thread_count = 1
            codec = stream.codec_context.name
            kind = f"{_CODECS.get(codec, codec)} {source.what}"
            packets = self._packets(container, stream, stop)
            pictures = (packet for packet in packets if packet.size) if codec == "mjpeg" else self._decoded(packets)
            pace = _Pace(stream, source.fps)
            shown = 0
            with closing(packets), closing(pictures):
                for picture in self._until_stalled(pictures):
                    if isinstance(picture, CameraStalled):
                        yield picture
                        continue
                    shown += 1
                    if source.is_file:
                        stop.wait(pace.delay_s(picture))
                    if stop.is_set():
                        return
                    if not self._wanted(time.monotonic()):
                        yield None
                        continue
                    captured_at_ms = now_ms() if source.is_file else self._arrivals.get(picture.pts, now_ms())
                    yield CapturedFrame(_as_jpeg(picture, settings.jpeg_quality), captured_at_ms, kind)
            if not shown:
                raise SourceError("there is no picture in it")
            if source.is_file:
                stop.wait(pace.delay_s(None))

    def _until_stalled(self, pictures: Iterator[Any]) -> Iterator[Any]:
        """The pictures; before a stall is raised, it is told: libav takes as long again to take leave of the camera."""
        try:
            yield from pictures
        except (av.error.ExitError, av.error.TimeoutError):
            yield self._stall()
            raise

    def _packets(self, container: Any, stream: Any, stop: threading.Event) -> Generator[Any, None, None]:
        """The stream's packets. All streams are read, so that `stop` is seen when only another one goes on."""
        for packet in container.demux():
            if stop.is_set():
                return
            if packet.stream.index == stream.index:
                self._note_arrival(packet, stream.codec_context.name)
                yield packet

    def _decoded(self, packets: Iterator[Any]) -> Generator[Any, None, None]:
        """Decoded frames; what a lost packet spoils is left out."""
        bad_in_a_row = 0
        for packet in packets:
            try:
                frames = packet.decode()
                bad_in_a_row = 0
            except av.error.InvalidDataError:
                bad_in_a_row += 1
                if bad_in_a_row >= BAD_PACKETS_IN_A_ROW_MAX:
                    raise
                continue
            yield from frames

    def _note_arrival(self, packet: Any, codec: str) -> None:
        """When the picture of this packet was captured; a decoder may hold it back, so it is kept by its time stamp."""
        arrived_ms = now_ms()
        if codec in _ENDED_BY_THE_NEXT:
            self._next_began_ms, arrived_ms = arrived_ms, self._next_began_ms or arrived_ms
        while len(self._arrivals) >= 64:
            del self._arrivals[next(iter(self._arrivals))]
        claimed_ms = _camera_clock_ms(packet)
        self._arrivals[packet.pts] = capture_time_ms(arrived_ms, claimed_ms, self._settings.camera_clock_max_age_s)


class _Pace:
    """When a file's pictures are due."""

    def __init__(self, stream: Any, fps: float | None) -> None:
        self._fps = fps
        self._rate = float(stream.average_rate or 25)
        self._first_s = float((stream.start_time or 0) * stream.time_base)
        self._started_s = time.monotonic()
        self._shown = 0
        self._due_s = 0.0

    def delay_s(self, picture: Any) -> float:
        """Seconds until the next picture is due, or (None) the end of the last one; from 0 to a minute."""
        if self._fps is not None:
            self._due_s = self._shown / self._fps
        elif picture is not None and picture.pts is not None:
            self._due_s = float(picture.pts * picture.time_base) - self._first_s
        elif self._shown:
            self._due_s += 1 / self._rate
        self._shown += 1
        return min(SLOWEST_FILE_S, max(0.0, self._started_s + self._due_s - time.monotonic()))


def _as_jpeg(picture: Any, quality: int) -> bytes:
    return bytes(picture) if isinstance(picture, av.Packet) else encode_frame(picture, quality)


def _camera_clock_ms(packet: Any) -> float | None:
    """When the camera says it took the picture: RTP with sender reports tells wall-clock time; milliseconds."""
    if not packet.has_sidedata("prft"):
        return None
    # libavutil's AVProducerReferenceTime begins with the wall clock in microseconds.
    data = bytes(packet.get_sidedata("prft"))
    return int.from_bytes(data[:8], "little", signed=True) / 1000


def describe(error: Any, is_file: bool) -> str:
    """An error of libav as a sentence for an operator."""
    if isinstance(error, av.error.FileNotFoundError):
        return "no such file or device"
    if isinstance(error, av.error.InvalidDataError):
        return "this is no video that can be read"
    if is_file:
        return f"cannot read the video: {error.strerror or type(error).__name__}"
    for kind, sentence in _SENTENCES.items():
        if isinstance(error, kind):
            return sentence
    if error.errno == errno.EPROTONOSUPPORT:
        return "camera does not offer the transport that the URL asks for"
    return f"cannot read the camera: {error.strerror or type(error).__name__}"
