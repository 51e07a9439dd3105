"""Read one camera for as long as it is wanted: connect, forward, reconnect. Its failures end here."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal

from libs.common.cameras import Camera, hide_credentials
from libs.common.clock import now_ms
from libs.common.errors import CameraStalled, FrameError, SourceError
from libs.common.logging import get_logger
from libs.common.messages import RawFrame
from libs.common.rate import RateMeter
from services.ingest.frame_writer import FrameWriter
from services.ingest.jpeg import jpeg_size
from services.ingest.pacing import Backoff, FramePacer
from services.ingest.settings import IngestSettings
from services.ingest.sources.registry import source_for

_log = get_logger("camera")

CameraState = Literal["connecting", "live", "stalled", "error", "disabled"]
BAD_FRAMES_IN_A_ROW_MAX = 50


@dataclass(slots=True)
class CameraStatus:
    """What ingest tells of a camera.

    Attributes:
        state: now.
        error: the last failure in a sentence; empty while all is well.
        frames: sent to the bus.
        bad_frames: that were no whole JPEG.
        reconnects: connections lost or refused since the start.
        last_frame_at_ms: when the last good frame was captured.
        changed: set at every change of state, for whoever reports it.
    """

    state: CameraState = "connecting"
    error: str = ""
    frames: int = 0
    bad_frames: int = 0
    reconnects: int = 0
    last_frame_at_ms: int = 0
    rate: RateMeter = field(default_factory=RateMeter)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def set(self, state: CameraState, error: str = "") -> None:
        """Change the state, and say so if it is another."""
        if (state, error) != (self.state, self.error):
            self.state, self.error = state, error
            self.changed.set()


class CameraReader:
    """One camera's task."""

    def __init__(self, camera: Camera, writer: FrameWriter, settings: IngestSettings) -> None:
        self.camera = camera
        self.status = CameraStatus()
        self.pacer = FramePacer(camera.fps)
        self._writer = writer
        self._settings = settings
        self._seq = 0

    async def run(self) -> None:
        """Read until cancelled."""
        backoff = Backoff(self._settings.backoff_max_s)
        while True:
            self.status.set("connecting", self.status.error)
            before = self.status.frames
            state: CameraState
            try:
                await self._read()
                state, problem = "error", "camera closed the connection"
            except CameraStalled as error:
                state, problem = "stalled", str(error)
            except SourceError as error:
                state, problem = "error", str(error)
            if self.status.frames > before:
                backoff.reset()
            delay_s = backoff.next_delay_s()
            self.status.reconnects += 1
            if problem != self.status.error:
                _log.warning(
                    "camera lost; trying again", camera=self.camera.id, url=hide_credentials(self.camera.url),
                    problem=problem, delay_s=round(delay_s, 1),
                )  # fmt: skip
            self.status.set(state, problem)
            await asyncio.sleep(delay_s)

    async def _read(self) -> None:
        """One connection, from its beginning to its end.

        Raises:
            SourceError: why it ended, unless the camera closed it.
        """
        bad_in_a_row = 0
        frames = source_for(self.camera.url)(self.camera, self._settings, self.pacer)
        try:
            async for captured in frames:
                try:
                    width, height = jpeg_size(captured.jpeg)
                except FrameError as error:
                    self.status.bad_frames += 1
                    bad_in_a_row += 1
                    if bad_in_a_row >= BAD_FRAMES_IN_A_ROW_MAX:
                        raise SourceError(f"camera sends no usable pictures: {error}") from error
                    continue
                bad_in_a_row = 0
                self._seq += 1
                self._writer.offer(
                    self.camera.id, RawFrame(self._seq, captured.captured_at_ms, width, height, captured.jpeg)
                )
                self.status.frames += 1
                self.status.last_frame_at_ms = now_ms()
                self.status.rate.tick()
                if self.status.state != "live":
                    _log.info("camera live", camera=self.camera.id, width=width, height=height)
                    self.status.set("live")
        finally:
            await frames.aclose()  # type: ignore[attr-defined]
