"""What ingest reports about a camera, as fields of the status hash."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Literal

from libs.common.bus import HashFields
from libs.common.clock import now_ms
from libs.common.errors import SourceCause
from libs.common.rate import RateMeter
from libs.common.redis_clock import RedisClock

CameraState = Literal["connecting", "live", "stalled", "error", "disabled"]


@dataclass(slots=True)
class CameraStatus:
    """The state of one camera.

    Attributes:
        changed: set at every change of state, for the task that reports it.
        state: now.
        since_ms: when it became so, by this machine's clock.
        error: the last failure in a sentence; empty while all is well.
        cause: of what kind it is.
        frames: sent to the bus.
        dropped: not sent, because the camera is faster than its `fps`, or this process was busy.
        bad_frames: that were no whole JPEG.
        reconnects: connections lost or refused since the start.
        last_frame_at_ms: when the last good frame came, by this machine's clock.
        size: width and height of the last good frame, upright, in pixels.
        size_changes: how often the size changed in mid-stream.
    """

    changed: asyncio.Event
    state: CameraState = "connecting"
    error: str = ""
    cause: SourceCause = "other"
    frames: int = 0
    dropped: int = 0
    bad_frames: int = 0
    reconnects: int = 0
    last_frame_at_ms: int = 0
    size: tuple[int, int] = (0, 0)
    size_changes: int = 0
    since_ms: int = field(default_factory=now_ms)
    rate: RateMeter = field(default_factory=RateMeter)

    def set(self, state: CameraState, error: str = "", cause: SourceCause = "other") -> None:
        """Change the state, and say so if it is another."""
        if (state, error) != (self.state, self.error):
            if state != self.state:
                self.since_ms = now_ms()
            self.state, self.error, self.cause = state, error, cause
            self.changed.set()

    def fields(self, owner: str, lost: int, clock: RedisClock) -> HashFields:
        """The fields of the status hash.

        Args:
            owner: the process that reads the camera.
            lost: frames that the writer dropped.
            clock: by which all times in Redis are.
        """
        return {
            "ingest_state": self.state,
            "ingest_error": self.error,
            "ingest_error_cause": self.cause if self.error else "",
            "ingest_fps": f"{self.rate.per_second():.2f}",
            "ingest_frames": self.frames,
            "ingest_dropped": self.dropped + lost,
            "ingest_bad_frames": self.bad_frames,
            "ingest_reconnects": self.reconnects,
            "ingest_owner": owner,
            "ingest_last_frame_at_ms": clock.from_local_ms(self.last_frame_at_ms) if self.last_frame_at_ms else 0,
            "ingest_width": self.size[0],
            "ingest_height": self.size[1],
            "ingest_size_changes": self.size_changes,
            "ingest_since_ms": clock.from_local_ms(self.since_ms),
            "ingest_updated_at_ms": clock.now_ms(),
        }


def idle_fields(state: CameraState, error: str, owner: str, clock: RedisClock) -> HashFields:
    """The fields of the status hash of a camera that nobody reads."""
    return {
        "ingest_state": state,
        "ingest_error": error,
        "ingest_error_cause": "",
        "ingest_fps": "0",
        "ingest_owner": owner,
        "ingest_updated_at_ms": clock.now_ms(),
    }
