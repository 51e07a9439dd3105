"""Reads one camera for as long as it is wanted: connect, forward, reconnect. Its failures end here."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import Final

from libs.common.cameras import Camera, hide_credentials
from libs.common.clock import now_ms
from libs.common.errors import CameraStalled, FrameError, SourceCause, SourceError
from libs.common.lease import Lease
from libs.common.logging import get_logger
from libs.common.messages import RawFrame
from libs.common.monitoring.metrics import FrameMetrics
from services.ingest.frame_writer import FrameWriter
from services.ingest.jpeg import Jpeg, TooManyPixels, read_jpeg
from services.ingest.pacing import Backoff, FramePacer, PollPace
from services.ingest.settings import IngestSettings
from services.ingest.sources.base import CapturedFrame, PlayedOut
from services.ingest.sources.http_client import CameraRefuses
from services.ingest.sources.registry import source_for
from services.ingest.status import CameraState, CameraStatus

_log = get_logger("camera")

BAD_FRAMES_IN_A_ROW_MAX: Final = 50
LIVE_FOR_S: Final = 2.0
"""A camera stays live this long after its last picture, since some close the connection after each one."""
BUSY_STATUSES: Final = frozenset({429, 503})


class CameraReader:
    """One camera's task."""

    def __init__(
        self,
        camera: Camera,
        lease: Lease,
        writer: FrameWriter,
        settings: IngestSettings,
        status: CameraStatus,
        metrics: FrameMetrics,
    ) -> None:
        self._camera = camera
        self._lease = lease
        self._writer = writer
        self._settings = settings
        self._status = status
        self._metrics = metrics
        self._pacer = FramePacer(camera.fps)
        self._pace = PollPace(max(1 / camera.fps, 0.05))
        self._state = _HeldState(status, max(LIVE_FOR_S, 2 / camera.fps))
        self._problem = ""
        self._seq = self._surplus = self._replaced = 0

    async def run(self) -> None:
        """Read until cancelled, or until a file that plays once has ended."""
        backoff = Backoff(self._settings.backoff_max_s)
        try:
            while True:
                before = self._status.frames
                self._state.lost("connecting", self._status.error, self._status.cause)
                state: CameraState = "error"
                cause: SourceError | None = None
                try:
                    await self._read()
                except PlayedOut as end:
                    _log.info("played to the end", camera=self._camera.id)
                    self._status.set("stalled", str(end))
                    return
                except CameraStalled as error:
                    state, cause = "stalled", error
                except SourceError as error:
                    cause = error
                had_frames = self._status.frames > before
                if had_frames:
                    backoff.reset()
                delay_s = self._delay_s(cause, had_frames, backoff)
                await self._wait_to_reconnect(state, cause, delay_s)
        finally:
            self._state.close()

    def _delay_s(self, cause: SourceError | None, had_frames: bool, backoff: Backoff) -> float:
        """How long to wait before reconnecting. A camera that closes after each picture sets its own rate."""
        if cause is None and had_frames:
            return self._pace.succeeded(time.monotonic())
        if isinstance(cause, CameraRefuses) and cause.status in BUSY_STATUSES and self._state.is_held():
            return self._pace.refused(cause.retry_after_s)
        return backoff.next_delay_s()

    async def _wait_to_reconnect(self, state: CameraState, cause: SourceError | None, delay_s: float) -> None:
        problem = "camera closed the connection" if cause is None else str(cause)
        self._status.reconnects += 1
        if problem != self._problem:
            _log.warning(
                "camera lost; trying again",
                camera=self._camera.id,
                url=hide_credentials(self._camera.url),
                problem=problem,
                delay_s=round(delay_s, 1),
            )
        self._problem = problem
        self._state.lost(state, problem, "other" if cause is None else cause.cause)
        await asyncio.sleep(delay_s)

    async def _read(self) -> None:
        """One connection, from its beginning to its end.

        Raises:
            SourceError: why it ended, unless the camera closed it.
        """
        bad_in_a_row = 0
        async with aclosing(source_for(self._camera.url)(self._camera, self._settings, self._pacer)) as frames:
            async for captured in frames:
                self._count_dropped()
                if isinstance(captured, CameraStalled):
                    self._status.set("stalled", str(captured), captured.cause)
                    continue
                try:
                    picture = read_jpeg(captured.jpeg, self._settings.frame_max_pixels)
                except FrameError as error:
                    self._status.bad_frames += 1
                    self._metrics.drop("read", "garbled")
                    bad_in_a_row += 1
                    if isinstance(error, TooManyPixels):
                        raise SourceError(str(error)) from error
                    if bad_in_a_row >= BAD_FRAMES_IN_A_ROW_MAX:
                        raise SourceError(f"camera sends no usable pictures: {error}") from error
                    continue
                bad_in_a_row = 0
                self._forward(captured, picture)

    def _count_dropped(self) -> None:
        """Count what was dropped since the last frame."""
        surplus, replaced = self._pacer.dropped - self._surplus, self._pacer.lost - self._replaced
        self._metrics.drop("read", "surplus", surplus)
        self._metrics.drop("read", "replaced", replaced)
        self._surplus += surplus
        self._replaced += replaced
        self._status.dropped += surplus + replaced

    def _forward(self, captured: CapturedFrame, picture: Jpeg) -> None:
        self._seq += 1
        frame = RawFrame(self._seq, captured.captured_at_ms, picture.width, picture.height, picture.data)
        self._writer.offer(self._lease, frame)
        self._note_size(picture)
        self._status.frames += 1
        self._metrics.count("read")
        self._status.last_frame_at_ms = now_ms()
        self._status.rate.tick()
        if self._status.state != "live":
            _log.info(
                "camera live", camera=self._camera.id, width=picture.width, height=picture.height, kind=captured.kind
            )
            self._problem = ""
        self._state.live()

    def _note_size(self, picture: Jpeg) -> None:
        """Report a change of size: the spaces' polygons are relative to the picture."""
        size = picture.width, picture.height
        if self._status.size not in ((0, 0), size):
            self._status.size_changes += 1
            _log.warning(
                "camera's picture changed its size", camera=self._camera.id, before=self._status.size, now=size
            )
        self._status.size = size


class _HeldState:
    """The state that people see: live while pictures come, even if the connection is lost in between."""

    def __init__(self, status: CameraStatus, live_for_s: float) -> None:
        self._status = status
        self._live_for_s = live_for_s
        self._until_s = float("-inf")
        self._timer: asyncio.TimerHandle | None = None

    def is_held(self) -> bool:
        """Whether the last picture is recent."""
        return time.monotonic() < self._until_s

    def live(self) -> None:
        """A picture came."""
        self._until_s = time.monotonic() + self._live_for_s
        self.close()
        self._status.set("live")

    def lost(self, state: CameraState, problem: str, cause: SourceCause) -> None:
        """Note that the connection was lost or starts again; it is shown once the last picture is no longer recent."""
        self.close()
        left_s = self._until_s - time.monotonic()
        if self._status.state != "live" or left_s <= 0:
            self._status.set(state, problem, cause)
        else:
            problem = problem or "camera closed the connection"
            self._timer = asyncio.get_running_loop().call_later(left_s, self._status.set, state, problem, cause)

    def close(self) -> None:
        """Cancel a change of state that is still to be shown."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
