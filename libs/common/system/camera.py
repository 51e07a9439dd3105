"""What Redis holds of a camera, put together; pure."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from libs.common.bus import as_text
from libs.common.camera_state import SpaceCounts, State, count_statuses, read_space_statuses, read_spaces, read_state
from libs.common.system.drops import Drop, drops_of_camera


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
        notice: what the detector wants the user to know of a camera that works.
        dropped: frames that ingest and detector left out, by cause.
    """

    camera_id: str
    state: State
    error: str | None
    input_fps: float | None
    output_fps: float | None
    latency_ms: int | None
    lag: int | None
    ingest: str | None
    detector: str | None
    viewers: int
    spaces: SpaceCounts
    notice: str | None = None
    dropped: list[Drop] = field(default_factory=list)


def read_camera(camera_id: str, answers: CameraAnswers, gateways: Set[str], now_ms: int) -> CameraReading:
    """Put the answers together.

    Args:
        camera_id: whose.
        answers: of Redis.
        gateways: names of those that are alive; what others told of viewers does not count.
        now_ms: Redis's time.
    """
    broadcast_at_ms = None if answers.broadcast_at_s is None else answers.broadcast_at_s * 1000
    state = read_state(answers.status or {}, now_ms, broadcast_at_ms=broadcast_at_ms)
    statuses = read_space_statuses(read_spaces(answers.spaces), answers.occupancy or {}, state)
    return CameraReading(
        camera_id=camera_id,
        state=state.state,
        error=state.error,
        input_fps=state.input_fps,
        output_fps=state.output_fps,
        latency_ms=state.latency_ms,
        lag=next((group["lag"] for group in answers.groups or [] if "lag" in group), None),
        ingest=None if answers.ingest_lease is None else as_text(answers.ingest_lease),
        detector=None if answers.detector_lease is None else as_text(answers.detector_lease),
        viewers=sum(
            int(text)
            for gateway, text in (answers.viewers or {}).items()
            if as_text(gateway) in gateways and text.isdigit()
        ),
        spaces=count_statuses(statuses),
        notice=state.notice,
        dropped=drops_of_camera({as_text(name): as_text(value) for name, value in (answers.status or {}).items()}),
    )
