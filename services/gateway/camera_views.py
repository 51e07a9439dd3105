"""Cameras as the API shows them, read from Redis in two round trips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from pydantic import ValidationError
from redis.asyncio import Redis

from libs.common import keys
from libs.common.bus import as_bytes, as_text
from libs.common.camera_state import (
    CameraState,
    SpaceCounts,
    State,
    count_statuses,
    read_space_statuses,
    read_spaces,
    read_state,
)
from libs.common.camera_urls import hide_credentials, public_url
from libs.common.cameras import Camera, parse_camera
from libs.common.redis_clock import RedisClock
from libs.common.spaces import ParkingSpace, SpaceStatus
from libs.common.validation import describe_invalid
from services.gateway.api.models import CameraState as ShownState
from services.gateway.api.models import CameraStatus, CameraView, OccupancyCounts, SpaceView
from services.gateway.broadcasts import Broadcasts
from services.gateway.presence import Presence
from services.gateway.registration import version_of
from services.gateway.security.tokens import Role

_SHOWN: Final[Mapping[State, ShownState]] = {
    "no ingest": "unknown",
    "broadcast": "live",
    "silent": "stalled",
    "live": "live",
    "connecting": "connecting",
    "stalled": "stalled",
    "error": "error",
    "disabled": "disabled",
}


class CameraViews:
    """Reads cameras from Redis; raises `redis.RedisError` when that is away."""

    def __init__(self, redis: Redis, presence: Presence, broadcasts: Broadcasts, clock: RedisClock) -> None:
        self._redis = redis
        self._presence = presence
        self._broadcasts = broadcasts
        self._clock = clock

    async def entry(self, camera_id: str) -> Camera | None:
        """A camera as it is registered; None if there is none, or its entry is unreadable."""
        text = await self._redis.hget(keys.CAMERAS, camera_id)
        return None if text is None else parse_camera(as_bytes(text))

    async def load(self, caller: Role | None, camera_ids: Sequence[str] | None = None) -> list[CameraView]:
        """Cameras with their state, in order of their ids.

        Args:
            caller: who asks: only an admin sees users and queries of URLs.
            camera_ids: by default all. A camera that nobody registered is shown only while a worker broadcasts it, and
                never because somebody watches it.
        """
        asked = self._redis.pipeline(transaction=False)
        if camera_ids is None:
            asked.hgetall(keys.CAMERAS)
        else:
            asked.hmget(keys.CAMERAS, list(camera_ids))
        self._presence.ask_live_gateways(asked)
        found, live = await asked.execute() if camera_ids != [] else ([], [])
        if camera_ids is None:
            registered = {as_text(key): as_bytes(text) for key, text in found.items()}
            wanted = sorted(registered.keys() | await self._broadcasts.camera_ids())
        else:
            registered = {key: as_bytes(text) for key, text in zip(camera_ids, found, strict=True) if text is not None}
            wanted = list(camera_ids)
        pipe = self._redis.pipeline(transaction=False)
        for camera_id in wanted:
            pipe.hgetall(keys.status(camera_id))
            pipe.get(keys.spaces(camera_id))
            pipe.hgetall(keys.occupancy(camera_id))
            pipe.hgetall(keys.viewers(camera_id))
            pipe.zscore(keys.BROADCASTERS, camera_id)
            pipe.exists(keys.latest(camera_id))
        answers: list[Any] = await pipe.execute() if wanted else []
        gateways, now_ms, views = {as_text(gateway) for gateway in live}, self._clock.now_ms(), []
        for number, camera_id in enumerate(wanted):
            status, spaces, occupancy, viewers, broadcast_at_s, has_picture = answers[6 * number : 6 * number + 6]
            entry = _Entry(registered.get(camera_id))
            if entry.text is None and not has_picture:
                continue  # only watched
            state = read_state(
                status,
                now_ms,
                is_registered=entry.text is not None,
                is_enabled=entry.is_enabled,
                broadcast_at_ms=broadcast_at_s * 1000 if broadcast_at_s is not None and has_picture else None,
            )
            counts = count_statuses(read_space_statuses(read_spaces(spaces), occupancy, state))
            count = self._presence.count(camera_id, viewers, gateways)
            views.append(entry.view(camera_id, caller, state, counts, count, now_ms))
        return views

    async def spaces(self, camera_id: str) -> list[SpaceView]:
        """Each space of a camera with what is known of it now; a space that nobody judged yet is unknown."""
        pipe = self._redis.pipeline(transaction=False)
        pipe.hget(keys.CAMERAS, camera_id)
        pipe.hgetall(keys.status(camera_id))
        pipe.get(keys.spaces(camera_id))
        pipe.hgetall(keys.occupancy(camera_id))
        text, status, spaces_text, occupancy = cast(tuple[Any, Any, Any, Any], await pipe.execute())
        is_enabled = _Entry(text).is_enabled
        state = read_state(status, self._clock.now_ms(), is_registered=text is not None, is_enabled=is_enabled)
        spaces = read_spaces(spaces_text)
        statuses = read_space_statuses(spaces, occupancy, state)
        return [_space_view(space, status) for space, status in zip(spaces, statuses, strict=True)]


def show_counts(counts: SpaceCounts) -> OccupancyCounts:
    """The counts as the API shows them."""
    return OccupancyCounts(total=counts.total, occupied=counts.occupied, free=counts.free, unknown=counts.unknown)


def count_views(views: Sequence[SpaceView]) -> OccupancyCounts:
    """How many spaces are in which state."""
    states = [view.state for view in views]
    return OccupancyCounts(
        total=len(states),
        occupied=states.count("occupied"),
        free=states.count("free"),
        unknown=states.count("unknown"),
    )


def _space_view(space: ParkingSpace, status: SpaceStatus | None) -> SpaceView:
    return SpaceView(
        space_id=space.space_id,
        space_name=space.space_name,
        state=status.state if status else "unknown",
        since=status.since_ms / 1000 if status else None,
        track_id=status.track_id if status else None,
    )


class _Entry:
    """A camera's entry in Redis; both are None for a camera that nobody registered."""

    def __init__(self, text: bytes | None) -> None:
        self.text = text
        self.camera: Camera | None = None
        self.problem: str | None = None
        if text is not None:
            try:
                self.camera = Camera.model_validate_json(text)
            except ValidationError as error:
                self.problem = f"bad entry in {keys.CAMERAS}: {describe_invalid(error)}"

    @property
    def is_enabled(self) -> bool:
        return self.camera is None or self.camera.enabled

    def view(
        self,
        camera_id: str,
        caller: Role | None,
        state: CameraState,
        counts: SpaceCounts,
        viewers: int,
        now_ms: int,
    ) -> CameraView:
        camera = self.camera
        shown_url = hide_credentials if caller == "admin" else public_url
        is_url_shown = camera is not None and caller != "kiosk"  # a screen in a hall does not say where the cameras are
        return CameraView(
            id=camera_id,
            name=camera.name if camera else camera_id,
            url=shown_url(camera.url) if camera is not None and is_url_shown else None,
            fps=camera.fps if camera else None,
            enabled=camera.enabled if camera else True,
            motion_threshold=camera.motion_threshold if camera else None,
            registered=self.text is not None,
            version=None if self.text is None else version_of(self.text),
            viewers=viewers,
            occupancy=show_counts(counts),
            status=_show_status(state, self.problem, now_ms),
        )


def _show_status(state: CameraState, problem: str | None, now_ms: int) -> CameraStatus:
    last_ms = state.examined_at_ms or state.last_frame_at_ms
    return CameraStatus(
        state="error" if problem else _SHOWN[state.state],
        error=problem or state.error,
        error_cause=None if problem else state.error_cause,
        notice=state.notice,
        view=state.view,
        input_fps=state.input_fps,
        output_fps=state.output_fps,
        reconnects=state.reconnects,
        last_frame_at=_seconds(state.last_frame_at_ms),
        examined_at=_seconds(state.examined_at_ms),
        age_s=None if last_ms is None else max(0, now_ms - last_ms) / 1000,
    )


def _seconds(at_ms: int | None) -> float | None:
    return None if at_ms is None else at_ms / 1000
