"""What one live viewer watches and what it gets next. Pure: times are given, bytes are returned."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from libs.common.live_messages import PictureKind
from services.gateway.live.compact import LiveFrame

STILL_EVERY_S: Final = 1.0
"""`still` is sent no more often for a camera."""
SILENT_AFTER_S: Final = 3.0
"""A viewer that has not shown its picture for this long gets nothing: its page is frozen, or its line is full."""


@dataclass(slots=True)
class Watched:
    """One camera of one viewer.

    Attributes:
        kind: the picture that the viewer wants.
        interval_s: least time between two frames.
        pending: the newest frame that was not sent yet.
        next_at_s: when the next frame may be sent.
        spaces_version: of the list that the viewer has; empty before the first.
        shown: number of the last frame that was sent with the picture that the viewer wants; None before the first.
        shown_at_s: when that was.
        still_at_s: when the viewer last heard that nothing has changed.
    """

    kind: PictureKind
    interval_s: float = 0.0
    pending: LiveFrame | None = None
    next_at_s: float = float("-inf")
    spaces_version: str = ""
    shown: int | None = None
    shown_at_s: float = float("-inf")
    still_at_s: float = float("-inf")


class LiveSession:
    """One connection: at most one picture is on its way, and every camera waits with its newest frame only.

    Attributes:
        cameras: what is watched, by camera id, the one that waited longest first.
        unanswered_since_s: since when a picture waits for its acknowledgement; None if none does.
        has_limits: whether a camera is watched at a rate, so that a frame may become due by the passing of time.
        sent: frames.
        skipped: frames that a newer one replaced before they were sent.
        still: frames that were not sent because the viewer sees the same already.
    """

    def __init__(self, picture_every_s: float) -> None:
        """Begin with nothing watched.

        Args:
            picture_every_s: a lot where nothing changes gets a fresh picture this often.
        """
        self.cameras: OrderedDict[str, Watched] = OrderedDict()
        self.unanswered_since_s: float | None = None
        self.sent = self.skipped = self.still = 0
        self._picture_every_s = picture_every_s
        self.has_limits = self._has_pictureless = False
        self._waiting: set[str] = set()
        self._notices: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def watch(self, camera_id: str, kind: PictureKind, fps: float | None) -> None:
        """Watch a camera, or watch it differently from now on."""
        before = self.cameras.get(camera_id)
        self._waiting.discard(camera_id)
        watched = self.cameras[camera_id] = Watched(kind, 1 / fps if fps else 0.0)
        if before is not None:
            watched.spaces_version = before.spaces_version
        self._note_kinds()

    def unwatch(self, camera_id: str) -> Watched | None:
        """Watch a camera no more; returns what was watched."""
        for notice in [key for key in self._notices if key[1] == camera_id]:
            del self._notices[notice]
        watched = self.cameras.pop(camera_id, None)
        self._waiting.discard(camera_id)
        self._note_kinds()
        return watched

    def notice(self, kind: str, camera_id: str, wire: bytes) -> None:
        """Send a message without a picture soon; a newer one of the same kind and camera takes its place."""
        self._notices[kind, camera_id] = wire

    def offer(self, camera_id: str, frame: LiveFrame, now_s: float) -> None:
        """A frame has come; it replaces one of the same camera that was not sent yet."""
        watched = self.cameras.get(camera_id)
        if watched is None:
            return
        if frame.still_since is not None and self._is_still(watched, frame, now_s):
            watched.pending = None  # what waited shows no more than the viewer has
            self._waiting.discard(camera_id)
            self.still += 1
            if now_s - watched.still_at_s >= STILL_EVERY_S:
                watched.still_at_s = now_s
                self.notice("still", camera_id, frame.still_wire)
            return
        if self._notices:
            self._notices.pop(("still", camera_id), None)
        if watched.pending is not None:
            self.skipped += 1
        watched.pending = frame
        self._waiting.add(camera_id)

    def acknowledge(self) -> None:
        """The viewer has shown the picture that was on its way."""
        self.unanswered_since_s = None

    @property
    def in_flight(self) -> bool:
        """Whether a picture was sent and not acknowledged."""
        return self.unanswered_since_s is not None

    def take(self, now_s: float) -> bytes | None:
        """The next bytes: notices, or the newest frame of the camera that waited longest; None if nothing is due."""
        unanswered_s = self.unanswered_since_s
        if unanswered_s is not None and now_s - unanswered_s >= SILENT_AFTER_S:
            return None
        if self._notices:
            wires = list(self._notices.values())
            self._notices.clear()
            return b"".join(wires)
        in_flight = unanswered_s is not None
        if not self._waiting or (in_flight and not self._has_pictureless):
            return None
        for camera_id, watched in self.cameras.items():
            frame = watched.pending
            if frame is None or now_s < watched.next_at_s or (frame.has_picture and in_flight):
                continue
            watched.pending = None
            self._waiting.discard(camera_id)
            self.sent += 1
            # From when it was due, so that timers which are late do not lower the rate.
            due_s = watched.next_at_s if now_s - watched.next_at_s < watched.interval_s else now_s
            watched.next_at_s = due_s + watched.interval_s
            watched.shown, watched.shown_at_s = frame.number if frame.shows == watched.kind else None, now_s
            watched.still_at_s = now_s
            if frame.has_picture:
                self.unanswered_since_s = now_s
            self.cameras.move_to_end(camera_id)
            if watched.spaces_version == frame.spaces.version:
                return frame.wire
            watched.spaces_version = frame.spaces.version
            return frame.spaces.wire + frame.wire
        return None

    def next_due_s(self, now_s: float) -> float | None:
        """When `take` will have a frame by the passing of time alone; None if it waits for a frame or the viewer."""
        if not self.has_limits or self._is_silent(now_s):
            return None
        waiting = [
            watched.next_at_s
            for watched in self.cameras.values()
            if watched.pending is not None and not (watched.pending.has_picture and self.in_flight)
        ]
        return min(waiting, default=None)

    def _note_kinds(self) -> None:
        """What saves looking through all cameras for each frame and each acknowledgement."""
        self.has_limits = any(watched.interval_s for watched in self.cameras.values())
        self._has_pictureless = any(watched.kind == "none" for watched in self.cameras.values())

    def _is_silent(self, now_s: float) -> bool:
        return self.unanswered_since_s is not None and now_s - self.unanswered_since_s >= SILENT_AFTER_S

    def _is_still(self, watched: Watched, frame: LiveFrame, now_s: float) -> bool:
        """Whether the viewer has a picture that shows all that this frame shows, and a fresh one is not yet due."""
        return (
            frame.still_since is not None
            and watched.shown is not None
            and frame.still_since <= watched.shown <= frame.number
            and watched.spaces_version == frame.spaces.version
            and now_s - watched.shown_at_s < self._picture_every_s
        )
