"""Cameras as the API shows them, read from Redis in one go."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final, cast

from pydantic import ValidationError
from redis.asyncio import Redis

from libs.common import keys
from libs.common.bus import as_bytes, as_text
from libs.common.cameras import Camera, hide_credentials
from libs.common.spaces import ParkingSpace, SpaceStatus, load_spaces
from services.gateway.api.models import CameraState, CameraStatus, CameraView, OccupancyCounts, SpaceView
from services.gateway.presence import Presence

STALE_AFTER_S: Final = 10.0
"""A status that was not written for this long says nothing any more."""


async def load_camera(redis: Redis, camera_id: str) -> Camera | None:
    """A registered camera; None if there is none, or its entry is unreadable."""
    text = await redis.hget(keys.CAMERAS, camera_id)
    try:
        return None if text is None else Camera.model_validate_json(text)
    except ValidationError:
        return None


async def load_views(redis: Redis, presence: Presence, camera_ids: list[str] | None = None) -> list[CameraView]:
    """Cameras with their state, in order of their ids.

    Args:
        redis: the bus.
        presence: counts the viewers.
        camera_ids: which; by default all that are registered or broadcast.
    """
    live = await presence.live_gateways()
    registered = {as_text(key): as_bytes(text) for key, text in (await redis.hgetall(keys.CAMERAS)).items()}
    broadcast = {camera_id.decode() for camera_id in cast(list[bytes], await redis.zrange(keys.BROADCASTERS, 0, -1))}
    known = sorted(registered.keys() | broadcast)
    wanted = known if camera_ids is None else [camera_id for camera_id in camera_ids if camera_id in known]
    pipe = redis.pipeline(transaction=False)
    for camera_id in wanted:
        pipe.hgetall(keys.status(camera_id))
        pipe.get(keys.spaces(camera_id))
        pipe.hgetall(keys.occupancy(camera_id))
        pipe.hgetall(keys.viewers(camera_id))
        pipe.zscore(keys.BROADCASTERS, camera_id)
        pipe.exists(keys.latest(camera_id))
    answers: list[Any] = await pipe.execute() if wanted else []
    views = []
    for number, camera_id in enumerate(wanted):
        status, spaces, occupancy, viewers, updated_at, has_picture = answers[6 * number : 6 * number + 6]
        views.append(
            _view(
                camera_id,
                registered.get(camera_id),
                {as_text(name): as_text(value) for name, value in status.items()},
                count_spaces(space_views(safe_spaces(spaces), occupancy)),
                presence.count(camera_id, viewers, live),
                # One that is only watched is among the broadcasters, too, since somebody began to.
                updated_at if has_picture else None,
            )
        )
    return views


def safe_spaces(text: bytes | None) -> list[ParkingSpace]:
    """The spaces in Redis; none if somebody wrote there what is not a list of spaces."""
    try:
        return load_spaces(text)
    except ValidationError:
        return []


def space_views(spaces: list[ParkingSpace], occupancy: Mapping[bytes, bytes]) -> list[SpaceView]:
    """Each space with what is known of it; a space that nobody judged yet is unknown."""
    views = []
    for space in spaces:
        status = _space_status(occupancy.get(space.space_id.encode()))
        views.append(
            SpaceView(
                space_id=space.space_id,
                space_name=space.space_name,
                state=status.state if status else "unknown",
                since=status.since_ms / 1000 if status else None,
                track_id=status.track_id if status else None,
            )
        )
    return views


def count_spaces(views: list[SpaceView]) -> OccupancyCounts:
    """How many spaces are in which state."""
    states = [view.state for view in views]
    return OccupancyCounts(
        total=len(states),
        occupied=states.count("occupied"),
        free=states.count("free"),
        unknown=states.count("unknown"),
    )


def _space_status(text: bytes | None) -> SpaceStatus | None:
    try:
        return None if text is None else SpaceStatus.model_validate_json(text)
    except ValidationError:
        return None


def _view(
    camera_id: str,
    text: bytes | None,
    status: Mapping[str, str],
    occupancy: OccupancyCounts,
    viewers: int,
    updated_at: float | None,
) -> CameraView:
    camera, problem = None, None
    if text is not None:
        try:
            camera = Camera.model_validate_json(text)
        except ValidationError as error:
            problem = f"bad entry in {keys.CAMERAS}: {error.errors()[0]['msg']}"
    return CameraView(
        id=camera_id,
        name=camera.name if camera else camera_id,
        url=hide_credentials(camera.url) if camera else None,
        fps=camera.fps if camera else None,
        enabled=camera.enabled if camera else True,
        motion_threshold=camera.motion_threshold if camera else None,
        registered=text is not None,
        viewers=viewers,
        occupancy=occupancy,
        status=_status(status, text is not None, updated_at, problem),
    )


def _status(status: Mapping[str, str], registered: bool, updated_at: float | None, problem: str | None) -> CameraStatus:
    now_s = time.time()
    fresh = now_s - _number(status.get("ingest_updated_at_ms")) / 1000 < STALE_AFTER_S
    detector_fresh = now_s - _number(status.get("detector_updated_at_ms")) / 1000 < STALE_AFTER_S
    state: CameraState = "unknown"
    if not registered:
        state = "live" if updated_at is not None and now_s - updated_at < STALE_AFTER_S else "stalled"
    elif fresh and status.get("ingest_state") in ("live", "connecting", "stalled", "error", "disabled"):
        state = status["ingest_state"]  # type: ignore[assignment]
    error = problem or (status.get("ingest_error") if fresh else None) or status.get("detector_error") or None
    last_frame_ms = _number(status.get("ingest_last_frame_at_ms"))
    return CameraStatus(
        state="error" if problem else state,
        error=error,
        input_fps=_number(status.get("ingest_fps")) if fresh else None,
        output_fps=_number(status.get("detector_fps")) if detector_fresh else None,
        reconnects=int(_number(status.get("ingest_reconnects"))),
        last_frame_at=last_frame_ms / 1000 if last_frame_ms else updated_at if not registered else None,
    )


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
