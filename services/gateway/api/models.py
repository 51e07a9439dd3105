"""The API's answers and bodies. What is also on the bus comes from `libs.common`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints

from libs.common import keys
from libs.common.camera_state import ViewCondition
from libs.common.cameras import (
    CAMERA_ID_PATTERN,
    FPS,
    CameraId,
    CameraName,
    CameraUrl,
    FramesPerSecond,
    MotionThreshold,
)
from libs.common.errors import SourceCause
from libs.common.redis_memory import MemoryLevel
from libs.common.spaces import SpaceState
from services.gateway.security.tokens import Role

CameraState = Literal["live", "connecting", "stalled", "error", "disabled", "unknown"]
_CAMERA_URL = r"^((https?|rtsps?)://|file:///|v4l2:///dev/)[!-~]+$"
ApiCameraUrl = Annotated[CameraUrl, Field(json_schema_extra={"pattern": _CAMERA_URL})]
StrictFramesPerSecond = Annotated[FramesPerSecond, Field(strict=True)]
_JPEG_BASE64 = r"^/9j/([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
Seconds = Annotated[float, Field(description="seconds since the epoch")]


class OccupancyCounts(BaseModel):
    """How many spaces are in which state."""

    total: int
    occupied: int
    free: int
    unknown: int


class CameraStatus(BaseModel):
    """How a camera does."""

    state: CameraState
    error: str | None
    error_cause: Annotated[SourceCause | None, Field(description="of what kind the camera's problem is")] = None
    notice: Annotated[
        str | None,
        Field(
            description="what to know of a camera that works: a model that does not fit it, a lot that cannot be made "
            "out, a camera that has moved, a frozen picture"
        ),
    ] = None
    view: Annotated[
        ViewCondition | None, Field(description="what the detector's last look found the lot to be; null: nobody says")
    ] = None
    input_fps: float | None
    output_fps: float | None
    reconnects: int
    last_frame_at: Annotated[float | None, Field(description="seconds since the epoch, by Redis's clock")]
    examined_at: Annotated[
        float | None, Field(description="when the detector last examined a frame; seconds since the epoch")
    ] = None
    age_s: Annotated[
        float | None, Field(description="seconds since the last examined or, without a detector, last good frame")
    ] = None


class CameraView(BaseModel):
    """A camera as the API shows it.

    Admins see its URL with `***` for each password; viewers without user, password and query.
    """

    id: str
    name: str
    url: str | None
    fps: float | None
    enabled: bool
    motion_threshold: MotionThreshold = None
    registered: Annotated[bool, Field(description="false: known only from what a worker broadcasts")]
    version: Annotated[
        str | None, Field(description="of what is registered: the value of `If-Match` without quotes")
    ] = None
    viewers: int
    occupancy: OccupancyCounts
    status: CameraStatus


class CameraListing(BaseModel):
    """All cameras."""

    cameras: list[CameraView]


class NewCamera(BaseModel):
    """A camera to be registered."""

    model_config = ConfigDict(extra="forbid")

    id: CameraId
    name: CameraName
    url: ApiCameraUrl
    fps: StrictFramesPerSecond = FPS
    enabled: StrictBool = True
    motion_threshold: MotionThreshold = None


class CameraChange(BaseModel):
    """What to change of a camera; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    name: CameraName | None = None
    url: ApiCameraUrl | None = None
    fps: StrictFramesPerSecond | None = None
    enabled: StrictBool | None = None
    motion_threshold: MotionThreshold = None


class SpaceView(BaseModel):
    """One space's state."""

    space_id: str
    space_name: str
    state: SpaceState
    since: Seconds | None
    track_id: int | None


class Occupancy(OccupancyCounts):
    """Every space's state, and the counts."""

    camera_id: str
    spaces: list[SpaceView]


class EventView(BaseModel):
    """One change of one space."""

    id: str
    space_id: str
    space_name: str
    state: SpaceState
    previous: SpaceState
    at: Seconds
    track_id: int | None
    reason: Annotated[str | None, Field(description="why it changed; null in events of versions before 0.2")] = None
    evidence: Annotated[float | None, Field(description="how sure the change is, 0..1")] = None


class EventListing(BaseModel):
    """Changes, newest first; `next` is the `before` of the page that follows."""

    events: list[EventView]
    next: str | None


class HistoryPoint(BaseModel):
    """The counts of one moment."""

    timestamp: Seconds
    vehicle_count: int
    occupied_spaces: Annotated[int, Field(description="spaces known to be taken")]
    free_spaces: int = 0
    unknown_spaces: int = 0
    total_spaces: int


class History(BaseModel):
    """The counts over time, oldest first."""

    points: list[HistoryPoint]


class BroadcastRequest(BaseModel):
    """A picture that a worker posts."""

    camera_id: Annotated[
        str,
        StringConstraints(pattern=r"^[A-Za-z0-9_.-]{0,64}$"),
        Field(json_schema_extra={"pattern": CAMERA_ID_PATTERN}),  # an empty one has an error of its own
    ]
    frame_base64: Annotated[
        str, Field(description="a JPEG in base64, without line breaks", json_schema_extra={"pattern": _JPEG_BASE64})
    ]
    metadata: dict[str, Any]


class BroadcastAnswer(BaseModel):
    """What became of it."""

    success: bool
    viewers: Annotated[int, Field(description="of this camera, over all gateways")]
    camera_id: str
    frame_size: Annotated[int, Field(description="bytes of the JPEG")]
    timestamp: Annotated[Any, Field(description="the metadata's own")] = None


class Broadcaster(BaseModel):
    """One camera that is broadcast or watched."""

    camera_id: str
    viewers: int
    frame_count: int
    last_update: Seconds


class BroadcastStatus(BaseModel):
    """All of them."""

    broadcasters: list[Broadcaster]
    total_viewers: int
    active_cameras: int


class Session(BaseModel):
    """What the caller may do."""

    role: Annotated[Role | None, Field(description="null: has not logged in")]
    login_required: bool


class DropView(BaseModel):
    """Frames that ended at one place for one cause."""

    where: Annotated[str, Field(description="the role (of a camera's drops) or the stage (of a process's)")]
    cause: Annotated[str, Field(description="as in docs/metrics.md")]
    frames: Annotated[int, Field(description="since the process that counts began, or took the camera")]


class ProcessView(BaseModel):
    """A process that is alive; what it did not tell is null."""

    role: keys.Role
    id: str
    host: str | None
    version: str | None
    heartbeat_age_s: Annotated[float, Field(description="by Redis's clock")]
    clock_skew_ms: Annotated[int | None, Field(description="its host's clock minus Redis's")]
    up_s: Annotated[float | None, Field(description="since its start")]
    cpu_cores: Annotated[float | None, Field(description="kept busy over its last two seconds")]
    memory_bytes: Annotated[int | None, Field(description="in RAM")]
    cameras: Annotated[int | None, Field(description="that it holds; of ingest and detector")]
    viewers: Annotated[int | None, Field(description="connected to it; of a gateway")]
    dropped: list[DropView]


class CameraOwners(BaseModel):
    """Who holds a camera now, and what was left out of it."""

    id: str
    ingest: Annotated[str | None, Field(description="id of the process that reads it")]
    detector: Annotated[str | None, Field(description="id of the process that works on it")]
    latency_ms: Annotated[int | None, Field(description="from capture to published, of the last frame")]
    lag: Annotated[int | None, Field(description="frames that wait for the detector")]
    dropped: list[DropView]


class RedisView(BaseModel):
    """The message bus."""

    version: str
    used_bytes: int
    limit_bytes: Annotated[int, Field(description="its maxmemory; 0: it has none")]
    level: MemoryLevel
    save_failed: Annotated[bool, Field(description="whether it could not save its data to disk")]
    clients: int
    commands_per_s: int


class SystemView(BaseModel):
    """What runs, who does what, and where frames are lost, at one moment."""

    at: Annotated[float, Field(description="seconds since the epoch, by Redis's clock")]
    processes: Annotated[list[ProcessView], Field(description="by role, in order of their ids")]
    missing: Annotated[list[keys.Role], Field(description="roles of which no process runs")]
    cameras: Annotated[list[CameraOwners], Field(description="in order of their ids")]
    redis: RedisView


class Health(BaseModel):
    """The gateway's own state."""

    status: Annotated[Literal["ok", "degraded"], Field(description="degraded: pictures go on, something else does not")]
    detail: Annotated[str, Field(description="for people: what is wrong and what to do; empty if all is well")] = ""
