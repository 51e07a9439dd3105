"""What Redis holds of a camera, put together; pure."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from libs.common.bus import as_text
from libs.common.spaces import SpaceStatus, load_spaces

FRESH_MS: Final = 10_000
"""A status that was not written for this long says nothing any more."""


@dataclass(frozen=True, slots=True)
class CameraAnswers:
    """Redis's answers about one camera, as they come; None where there was nothing.

    Attributes:
        broadcast_at_s: when its last viewer message was published, seconds since the epoch.
        status: the hash of ingest's and the detector's state.
        ingest_lease: the ingest that holds the camera.
        detector_lease: the detector that holds it.
        viewers: viewers by gateway.
        spaces: JSON.
        occupancy: JSON by space id.
        groups: `XINFO GROUPS` of the frames.
    """

    broadcast_at_s: float | None
    status: Mapping[bytes, bytes] | None
    ingest_lease: bytes | None
    detector_lease: bytes | None
    viewers: Mapping[bytes, bytes] | None
    spaces: bytes | None
    occupancy: Mapping[bytes, bytes] | None
    groups: list[Mapping[str, Any]] | None


@dataclass(frozen=True, slots=True)
class SpaceCounts:
    """How many of a camera's spaces are in which state."""

    total: int
    occupied: int
    free: int
    unknown: int


@dataclass(frozen=True, slots=True)
class CameraReading:
    """One camera; None is what nobody tells.

    Attributes:
        camera_id: which.
        state: ingest's (`live`, `connecting`, `stalled`, `error`, `disabled`); `no ingest` if none tells of it any
            more; of a camera that a worker broadcasts `broadcast`, or `silent` once nothing comes.
        error: what ingest or the detector says is wrong.
        input_fps: frames a second that ingest puts on the bus.
        output_fps: frames a second that the detector works on.
        latency_ms: from capture to published, of the detector's last frame.
        lag: frames on the bus that the detector has not taken yet.
        ingest: the process that reads it.
        detector: the process that works on it.
        viewers: over all live gateways.
        spaces: how many are taken.
    """

    camera_id: str
    state: str
    error: str | None
    input_fps: float | None
    output_fps: float | None
    latency_ms: int | None
    lag: int | None
    ingest: str | None
    detector: str | None
    viewers: int
    spaces: SpaceCounts


def read_camera(camera_id: str, answers: CameraAnswers, gateways: Set[str], now_ms: int) -> CameraReading:
    """Put the answers together.

    Args:
        camera_id: whose.
        answers: of Redis.
        gateways: names of those that are alive; what others told of viewers does not count.
        now_ms: Redis's time.
    """
    status = {as_text(field): as_text(value) for field, value in (answers.status or {}).items()}
    ingest_tells, detector_tells = (
        now_ms - _number(status.get(f"{role}_updated_at_ms")) < FRESH_MS for role in ("ingest", "detector")
    )
    output_fps = _number(status.get("detector_fps")) if detector_tells else None
    errors = [status.get(f"{role}_error") for role, tells in
              (("ingest", ingest_tells), ("detector", detector_tells)) if tells]  # fmt: skip
    return CameraReading(
        camera_id=camera_id,
        state=_state(status, ingest_tells, answers.broadcast_at_s, now_ms),
        error=next(filter(None, errors), None),
        input_fps=_number(status.get("ingest_fps")) if ingest_tells else None,
        output_fps=output_fps,
        latency_ms=int(_number(status.get("detector_latency_ms"))) if output_fps else None,
        lag=next((group["lag"] for group in answers.groups or [] if "lag" in group), None),
        ingest=None if answers.ingest_lease is None else as_text(answers.ingest_lease),
        detector=None if answers.detector_lease is None else as_text(answers.detector_lease),
        viewers=sum(
            int(_number(as_text(n))) for gateway, n in (answers.viewers or {}).items() if as_text(gateway) in gateways
        ),
        spaces=_count(answers.spaces, answers.occupancy or {}),
    )


def _state(status: Mapping[str, str], ingest_tells: bool, broadcast_at_s: float | None, now_ms: int) -> str:
    if ingest_tells:
        return status.get("ingest_state", "")
    if "ingest_state" in status:
        return "no ingest"
    is_broadcast = broadcast_at_s is not None and now_ms - broadcast_at_s * 1000 < FRESH_MS
    return "broadcast" if is_broadcast else "silent"


def _count(spaces: bytes | None, occupancy: Mapping[bytes, bytes]) -> SpaceCounts:
    try:
        known = load_spaces(spaces)
    except ValidationError:
        known = []
    states = [_space_state(occupancy.get(space.space_id.encode())) for space in known]
    return SpaceCounts(len(states), states.count("occupied"), states.count("free"), states.count("unknown"))


def _space_state(text: bytes | None) -> str:
    try:
        return "unknown" if text is None else SpaceStatus.model_validate_json(text).state
    except ValidationError:
        return "unknown"


def _number(text: str | None) -> float:
    try:
        return float(text or 0)
    except ValueError:
        return 0.0
