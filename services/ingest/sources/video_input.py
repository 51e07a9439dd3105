"""One video through PyAV, in the calling thread: JPEG packets as they are, other codecs decoded and encoded once."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any, Final

import av
import av.logging

from libs.common.clock import now_ms
from libs.common.errors import CameraStalled, FrameError, SourceCause, SourceError
from services.ingest.jpeg import read_jpeg
from services.ingest.pacing import capture_time_ms
from services.ingest.settings import IngestSettings
from services.ingest.sources.base import CapturedFrame, PlayedOut, Wanted
from services.ingest.sources.encoding import display_matrix, encode_frame
from services.ingest.sources.file_pace import FilePace
from services.ingest.sources.hardware import find_decoder
from services.ingest.sources.video_size import PixelAspect, check_pixels

av.logging.set_level(av.logging.PANIC)  # what goes wrong is reported by us, in words; libav's own chatter is not

BAD_PACKETS_IN_A_ROW_MAX: Final = 100
KEY_FRAME_WITHIN_S: Final = 60.0
"""How long the first picture may take that can be decoded; some cameras send key frames that far apart."""
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
_CAUSES: Final[dict[Any, SourceCause]] = {
    av.error.HTTPUnauthorizedError: "login",
    av.error.HTTPForbiddenError: "login",
    av.error.HTTPNotFoundError: "not_found",
    av.error.HTTPServerError: "busy",
    av.error.ConnectionRefusedError: "refused",
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
        explain: asks the camera why it cannot be read, where libav does not say; None where nobody can be asked.
    """

    address: str
    what: str
    options: dict[str, str] = field(default_factory=dict)
    container_format: str | None = None
    is_file: bool = False
    once: bool = False
    fps: float | None = None
    explain: Callable[[], str | None] | None = None


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
                told = None if self._arrivals or self._source.explain is None else self._source.explain()
                raise SourceError(told or describe(error, self._source.is_file), _cause(error)) from error
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
            check_pixels(stream, settings)
            # One thread a camera: frame threads add their number in frames of delay, and a stream that is given up
            # with them at work can lock up inside PyAV (seen with PyAV 18: it frees them while holding the GIL).
            stream.codec_context.thread_count = 1
            stream.codec_context.options = {"max_pixels": str(settings.frame_max_pixels)}
            codec = stream.codec_context.name
            kind = f"{_CODECS.get(codec, codec)} {source.what}"
            aspect = PixelAspect(stream)
            packets = self._packets(container, stream, stop)
            passes_through = codec == "mjpeg" and not (source.is_file and self._is_turned())
            pictures = (packet for packet in packets if packet.size) if passes_through else self._decoded(packets)
            pace = FilePace(stream, source.fps)
            shown = 0
            with closing(packets), closing(pictures):
                for picture in self._until_stalled(pictures):
                    if picture is None or isinstance(picture, CameraStalled):
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
                    if passes_through:
                        jpeg = bytes(picture)
                    else:
                        jpeg = encode_frame(picture, settings.jpeg_quality, aspect.now())
                    yield CapturedFrame(jpeg, captured_at_ms, kind)
            if not shown:
                raise SourceError("there is no picture in it")
            if source.is_file:
                stop.wait(pace.delay_s(None))

    def _is_turned(self) -> bool:
        """Whether the container, and not the JPEGs themselves, says that the pictures of a file are to be turned."""
        with av.open(self._source.address) as container:
            for packet in container.demux(video=0):
                if packet.size:
                    try:
                        is_turned = read_jpeg(bytes(packet)).is_turned
                    except FrameError:
                        return False
                    return not is_turned and any(display_matrix(frame) is not None for frame in packet.decode())
        return False

    def _until_stalled(self, pictures: Iterator[Any]) -> Iterator[Any]:
        """Yield the pictures, and a stall before it is raised: libav needs as long again to disconnect."""
        try:
            yield from pictures
        except (av.error.ExitError, av.error.TimeoutError):
            yield self._stall()
            raise

    def _packets(self, container: Any, stream: Any, stop: threading.Event) -> Generator[Any, None, None]:
        """The stream's packets. All streams are read, so that `stop` is seen when only another one goes on.

        When a read times out, libav first hands out what its parser still holds, as if it had just come, and waits the
        whole time again. That packet ends the stream here.
        """
        packets = container.demux()
        while True:
            asked_s = time.monotonic()
            packet = next(packets, None)
            if packet is None or stop.is_set():
                return
            if not self._source.is_file and time.monotonic() - asked_s >= 0.98 * self._settings.stall_after_s:
                raise av.error.ExitError(errno.ETIMEDOUT, "no data in time")
            if packet.stream.index == stream.index:
                self._note_arrival(packet, stream.codec_context.name)
                yield packet

    def _decoded(self, packets: Iterator[Any]) -> Generator[Any, None, None]:
        """Decoded frames, without those that a lost packet damaged. None for packets that came before any key frame."""
        bad_in_a_row = 0
        has_begun = False
        began_s = time.monotonic()
        for packet in packets:
            try:
                frames = packet.decode()
                bad_in_a_row = 0
            except av.error.InvalidDataError:
                bad_in_a_row += 1
                if bad_in_a_row >= BAD_PACKETS_IN_A_ROW_MAX and (has_begun or self._source.is_file):
                    raise
                frames = []
            has_begun = has_begun or bool(frames)
            yield from frames
            if not has_begun and not self._source.is_file:
                if time.monotonic() - began_s > KEY_FRAME_WITHIN_S:
                    raise CameraStalled(
                        f"camera sends no key frame for {KEY_FRAME_WITHIN_S:g} s: shorten its key frame interval"
                    )
                yield None

    def _note_arrival(self, packet: Any, codec: str) -> None:
        """When the picture of this packet was captured; a decoder may hold it back, so it is kept by its time stamp."""
        arrived_ms = now_ms()
        if codec in _ENDED_BY_THE_NEXT:
            self._next_began_ms, arrived_ms = arrived_ms, self._next_began_ms or arrived_ms
        while len(self._arrivals) >= 64:
            del self._arrivals[next(iter(self._arrivals))]
        claimed_ms = _camera_clock_ms(packet)
        self._arrivals[packet.pts] = capture_time_ms(arrived_ms, claimed_ms, self._settings.camera_clock_max_age_s)


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


def _cause(error: Any) -> SourceCause:
    return next((cause for kind, cause in _CAUSES.items() if isinstance(error, kind)), "other")
