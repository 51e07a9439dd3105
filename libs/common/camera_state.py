"""What Redis holds of a camera, read the same way by everyone: the API, the hub, `lotcast status`. Pure.

States age. Readers compute the age from what ingest and detector last wrote, by Redis's clock; they do not wait to be
told that a process is gone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, cast, get_args

from pydantic import ValidationError

from libs.common.bus import as_bytes, as_text
from libs.common.errors import SourceCause
from libs.common.spaces import ParkingSpace, SpaceStatus, load_spaces

FRESH_MS: Final = 10_000
"""A process writes its part of the status every second; older than this it says nothing any more."""
UNKNOWN_AFTER_MS: Final = 10_000
"""For how long a frame's verdict holds where the detector does not say: its default `DETECTOR_UNKNOWN_AFTER_S`."""

IngestState = Literal["connecting", "live", "stalled", "error", "disabled"]
State = Literal[IngestState, "no ingest", "broadcast", "silent"]
"""Ingest's own states; `no ingest` where none reports; `broadcast` or `silent` for a camera that a worker brings."""

ViewCondition = Literal["clear", "lost", "dark", "moved", "frozen"]
"""What a look at the lot finds: it can be judged or not made out, it is dark, the camera has moved, nothing moves."""

_INGEST_STATES: Final = frozenset[str](get_args(IngestState))


@dataclass(frozen=True, slots=True)
class CameraState:
    """A camera at one moment; None is what nobody reports.

    Attributes:
        state: how the camera does.
        error: the problem in a sentence.
        error_cause: of what kind ingest's problem is; None where it has none.
        input_fps: frames a second that ingest puts on the bus.
        output_fps: frames a second that the detector works on.
        latency_ms: from capture to published, of the detector's last frame.
        reconnects: of ingest to the camera, since ingest took it.
        last_frame_at_ms: when the last good frame came from the camera.
        examined_at_ms: when the detector last examined a frame.
        are_spaces_known: whether the detector's verdict on the spaces still holds.
        notice: what the detector wants the user to know of a camera that works: its model does not fit the pictures,
            the lot cannot be made out, the camera has moved, its picture is frozen.
        view: what the detector's last look found the lot to be; None where no detector says.
    """

    state: State
    error: str | None
    input_fps: float | None
    output_fps: float | None
    latency_ms: int | None
    reconnects: int
    last_frame_at_ms: int | None
    examined_at_ms: int | None
    are_spaces_known: bool
    notice: str | None = None
    error_cause: SourceCause | None = None
    view: ViewCondition | None = None


@dataclass(frozen=True, slots=True)
class SpaceCounts:
    """How many of a camera's spaces are in which state."""

    total: int
    occupied: int
    free: int
    unknown: int


def read_state(
    status: Mapping[bytes, bytes],
    now_ms: int,
    *,
    is_registered: bool | None = None,
    is_enabled: bool = True,
    broadcast_at_ms: float | None = None,
) -> CameraState:
    """Put together what the processes wrote.

    Args:
        status: the hash `lotcast:{CAM}:status`.
        now_ms: Redis's time.
        is_registered: None for a reader that may not read the registered cameras; then the status tells.
        is_enabled: what the camera's entry says.
        broadcast_at_ms: when its last viewer message was published; None if never.
    """
    told = {as_text(name): as_text(value) for name, value in status.items()}
    by_ingest, by_detector = (
        now_ms - (read_number(told.get(f"{role}_updated_at_ms")) or 0) < FRESH_MS for role in ("ingest", "detector")
    )
    state = _state(told, by_ingest, now_ms, is_registered, is_enabled, broadcast_at_ms)
    examined_at_ms = read_whole(told.get("detector_examined_at_ms"))
    if examined_at_ms is None and "detector_hold_ms" not in told:  # a detector of a version before 0.2
        examined_at_ms = read_whole(told.get("detector_updated_at_ms"))
    unknown_after_ms = read_number(told.get("detector_unknown_after_ms")) or UNKNOWN_AFTER_MS
    are_known = state != "disabled" and examined_at_ms is not None and now_ms - examined_at_ms <= unknown_after_ms
    output_fps = read_number(told.get("detector_fps")) if by_detector else None
    last_frame_at_ms = read_whole(told.get("ingest_last_frame_at_ms")) or None
    if state in ("broadcast", "silent") and broadcast_at_ms is not None:
        last_frame_at_ms = int(broadcast_at_ms)
    return CameraState(
        state=state,
        error=_error(told, state, by_ingest, by_detector),
        input_fps=read_number(told.get("ingest_fps")) if by_ingest else None,
        output_fps=output_fps,
        latency_ms=read_whole(told.get("detector_latency_ms")) if output_fps else None,
        reconnects=read_whole(told.get("ingest_reconnects")) or 0,
        last_frame_at_ms=last_frame_at_ms,
        examined_at_ms=examined_at_ms,
        are_spaces_known=are_known,
        notice=_notice(told) if by_detector and state != "disabled" else None,
        error_cause=_error_cause(told, state, by_ingest),
        view=_view(told) if by_detector and state != "disabled" else None,
    )


def _notice(told: Mapping[str, str]) -> str | None:
    """What the detector says of its model and of the view, in one line."""
    parts = told.get("detector_notice"), told.get("detector_view_notice")
    return "; ".join(part for part in parts if part) or None


def _view(told: Mapping[str, str]) -> ViewCondition | None:
    return next((known for known in get_args(ViewCondition) if told.get("detector_view") == known), None)


def _error_cause(told: Mapping[str, str], state: State, by_ingest: bool) -> SourceCause | None:
    if state == "disabled" or not by_ingest or not told.get("ingest_error"):
        return None
    return next((known for known in get_args(SourceCause) if told.get("ingest_error_cause") == known), "other")


def read_spaces(text: bytes | str | None) -> list[ParkingSpace]:
    """The spaces in Redis; none if somebody wrote there what is not a list of spaces."""
    try:
        return load_spaces(None if text is None else as_bytes(text))
    except ValidationError:
        return []


def read_space_statuses(
    spaces: Sequence[ParkingSpace], occupancy: Mapping[bytes, bytes], camera: CameraState
) -> list[SpaceStatus | None]:
    """What is known of each space now, in the spaces' order.

    Args:
        spaces: of the camera.
        occupancy: the hash `lotcast:{CAM}:occupancy`.
        camera: says whether a verdict still holds.

    Returns:
        None for a space that was never judged; one whose verdict has aged is `unknown` since the last examined frame.
    """
    statuses = [_space_status(occupancy.get(space.space_id.encode())) for space in spaces]
    if camera.are_spaces_known:
        return statuses
    aged = []
    for status in statuses:
        if status is None or status.state == "unknown":
            aged.append(status)
        else:
            since_ms = max(status.since_ms, camera.examined_at_ms or 0)
            aged.append(SpaceStatus(state="unknown", since_ms=since_ms))
    return aged


def count_statuses(statuses: Sequence[SpaceStatus | None]) -> SpaceCounts:
    """How many spaces are in which state; one that was never judged is unknown."""
    states = ["unknown" if status is None else status.state for status in statuses]
    return SpaceCounts(len(states), states.count("occupied"), states.count("free"), states.count("unknown"))


def _state(
    told: Mapping[str, str],
    by_ingest: bool,
    now_ms: int,
    is_registered: bool | None,
    is_enabled: bool,
    broadcast_at_ms: float | None,
) -> State:
    if is_registered is None:
        is_registered = "ingest_state" in told
    if not is_registered:
        is_broadcast = broadcast_at_ms is not None and now_ms - broadcast_at_ms < FRESH_MS
        return "broadcast" if is_broadcast else "silent"
    if not is_enabled:
        return "disabled"
    state = told.get("ingest_state")
    # Where the entry is enabled again, ingest says so within a second or two; until then it has said nothing.
    return cast(IngestState, state) if by_ingest and state in _INGEST_STATES else "no ingest"


def _error(told: Mapping[str, str], state: State, by_ingest: bool, by_detector: bool) -> str | None:
    if state == "disabled":
        return None
    if by_ingest and told.get("ingest_error"):
        return told["ingest_error"]
    if by_detector and told.get("detector_error"):
        return told["detector_error"]
    if state == "no ingest" and "ingest_updated_at_ms" in told:
        return "no ingest reads this camera now; is one running?"
    if state == "live" and "detector_updated_at_ms" in told and not by_detector:
        return "no detector works on this camera now; is one running?"
    return None


def _space_status(text: bytes | None) -> SpaceStatus | None:
    try:
        return None if text is None else SpaceStatus.model_validate_json(text)
    except ValidationError:
        return None


def read_number(text: str | None) -> float | None:
    """What a process wrote, if it is a finite number; None where it wrote nothing, or somebody else did."""
    try:
        number = None if text is None else float(text)
    except ValueError:
        return None
    return number if number is not None and math.isfinite(number) else None


def read_whole(text: str | None) -> int | None:
    """As `read_number`, without its fraction; None beyond 10^15, which no counter or time reaches."""
    number = read_number(text)
    return None if number is None or abs(number) > 1e15 else int(number)
