"""Read one camera for as long as it is wanted: connect, forward, reconnect. Its failures end here."""

from __future__ import annotations

import asyncio
from contextlib import aclosing

from libs.common.cameras import Camera, hide_credentials
from libs.common.clock import now_ms
from libs.common.errors import CameraStalled, FrameError, SourceError
from libs.common.leases import Lease
from libs.common.logging import get_logger
from libs.common.messages import RawFrame
from libs.common.monitoring.metrics import FrameMetrics
from services.ingest.frame_writer import FrameWriter
from services.ingest.jpeg import jpeg_size
from services.ingest.pacing import Backoff, FramePacer
from services.ingest.settings import IngestSettings
from services.ingest.sources.base import CapturedFrame, PlayedOut
from services.ingest.sources.registry import source_for
from services.ingest.status import CameraState, CameraStatus

_log = get_logger("camera")

BAD_FRAMES_IN_A_ROW_MAX = 50


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
        self._seq = self._surplus = self._replaced = 0

    async def run(self) -> None:
        """Read until cancelled, or until a file that plays once has ended."""
        backoff = Backoff(self._settings.backoff_max_s)
        while True:
            before = self._status.frames
            self._status.set("connecting", self._status.error)
            state: CameraState
            try:
                await self._read()
                state, problem = "error", "camera closed the connection"
            except PlayedOut as end:
                _log.info("played to the end", camera=self._camera.id)
                self._status.set("stalled", str(end))
                return
            except CameraStalled as error:
                state, problem = "stalled", str(error)
            except SourceError as error:
                state, problem = "error", str(error)
            if self._status.frames > before:
                backoff.reset()
            await self._wait_to_reconnect(state, problem, backoff.next_delay_s())

    async def _wait_to_reconnect(self, state: CameraState, problem: str, delay_s: float) -> None:
        self._status.reconnects += 1
        if problem != self._status.error:
            _log.warning(
                "camera lost; trying again",
                camera=self._camera.id,
                url=hide_credentials(self._camera.url),
                problem=problem,
                delay_s=round(delay_s, 1),
            )
        self._status.set(state, problem)
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
                try:
                    width, height = jpeg_size(captured.jpeg)
                except FrameError as error:
                    self._status.bad_frames += 1
                    self._metrics.drop("read", "garbled")
                    bad_in_a_row += 1
                    if bad_in_a_row >= BAD_FRAMES_IN_A_ROW_MAX:
                        raise SourceError(f"camera sends no usable pictures: {error}") from error
                    continue
                bad_in_a_row = 0
                self._forward(captured, width, height)

    def _count_dropped(self) -> None:
        """Note what was dropped since the last frame."""
        surplus, replaced = self._pacer.dropped - self._surplus, self._pacer.lost - self._replaced
        self._metrics.drop("read", "surplus", surplus)
        self._metrics.drop("read", "replaced", replaced)
        self._surplus += surplus
        self._replaced += replaced
        self._status.dropped += surplus + replaced

    def _forward(self, captured: CapturedFrame, width: int, height: int) -> None:
        self._seq += 1
        frame = RawFrame(self._seq, captured.captured_at_ms, width, height, captured.jpeg)
        self._writer.offer(self._lease, frame)
        self._status.frames += 1
        self._metrics.count("read")
        self._status.last_frame_at_ms = now_ms()
        self._status.rate.tick()
        if self._status.state != "live":
            _log.info("camera live", camera=self._camera.id, width=width, height=height, kind=captured.kind)
            self._status.set("live")
