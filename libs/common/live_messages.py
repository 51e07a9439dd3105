"""The messages of `/ws/viewer/live`: what a viewer asks for, in JSON, and what it gets, in msgpack.

These models are the one source of their shapes: the AsyncAPI document and the dashboard's TypeScript come from them.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from libs.common.cameras import CameraId
from libs.common.spaces import Point, SpaceState

LIVE_VERSION: Final = 1
SMALL_WIDTH: Final = 480
"""Width in pixels of a `small` picture."""

PictureKind = Literal["plain", "annotated", "small", "none"]
"""The camera's own picture, the one with everything drawn in, one 480 pixels wide, or no picture at all."""

STATE_CODES: Final[dict[SpaceState, int]] = {"free": 0, "occupied": 1, "unknown": 2}
"""Two bits a space in `FrameMessage.states`."""

VEHICLE_CLASSES: Final = ("car", "motorcycle", "bus", "truck", "other")
"""What the first number of a vehicle means, by its index."""

Count = Annotated[int, Field(ge=0)]


class _FromViewer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Watch(_FromViewer):
    """Send me a camera; sent again for the same camera, it changes what is sent."""

    op: Literal["watch"]
    camera_id: CameraId
    picture: PictureKind = "plain"
    fps: Annotated[float | None, Field(gt=0, le=60, description="frames a second at most; null: as they come")] = None


class Unwatch(_FromViewer):
    """Send me nothing more of a camera."""

    op: Literal["unwatch"]
    camera_id: CameraId


class Acknowledge(_FromViewer):
    """I have shown the last picture; send the next one."""

    op: Literal["ack"]


ViewerRequest = Annotated[Watch | Unwatch | Acknowledge, Field(discriminator="op")]
VIEWER_REQUEST: Final[TypeAdapter[ViewerRequest]] = TypeAdapter(ViewerRequest)


class HelloMessage(BaseModel):
    """The first message of a connection."""

    type: Literal["hello"] = "hello"
    version: int = LIVE_VERSION
    now_ms: Annotated[int, Field(description="Redis's clock now, milliseconds since the epoch")]
    watch_max: Annotated[int, Field(description="cameras that one connection may watch")]


class LiveSpace(BaseModel):
    """One parking space of a camera."""

    id: str
    name: str
    polygon: Annotated[list[Point], Field(description="corners, 0..1 of the picture's width and height")]


class SpacesMessage(BaseModel):
    """A camera's spaces: before its first frame, and when they change."""

    type: Literal["spaces"] = "spaces"
    camera_id: str
    version: Annotated[str, Field(description="the same as `spaces` of the frames that use this list")]
    spaces: list[LiveSpace]


Vehicle = tuple[int, float, int, int, int, int, int | None]
"""Class (index into `VEHICLE_CLASSES`), confidence, x, y, width, height in pixels of the frame, track id."""


class FrameMessage(BaseModel):
    """One frame of a camera."""

    type: Literal["frame"] = "frame"
    camera_id: str
    n: Annotated[int, Field(description="frame_count of the camera")]
    frame_id: Annotated[
        str, Field(description="the raw frame's id in the camera's frame stream; empty: an old worker's picture")
    ]
    picture: Annotated[PictureKind, Field(description="what `jpeg` shows")]
    jpeg: Annotated[bytes | None, Field(description="the picture; null where none was asked for")]
    size: Annotated[tuple[int, int], Field(description="width and height that `vehicles` refer to; 0, 0: as `jpeg`")]
    spaces: Annotated[str, Field(description="version of the list that `states` refers to")]
    states: Annotated[
        bytes, Field(description="two bits a space, the first in the lowest bits: 0 free, 1 occupied, 2 unknown")
    ]
    vehicles: list[Vehicle]
    counts: Annotated[tuple[Count, Count, Count], Field(description="spaces: free, taken, unknown")]
    timings: Annotated[
        list[int], Field(description="captured, read, detected, published: milliseconds since the epoch")
    ]


class StillMessage(BaseModel):
    """Nothing has changed since frame `n`: its picture still shows what is there. Sent at most once a second."""

    type: Literal["still"] = "still"
    camera_id: str
    n: int


class StatusMessage(BaseModel):
    """How a camera is: when it is watched, when that changes, and every ten seconds."""

    type: Literal["status"] = "status"
    camera_id: str
    now_ms: Annotated[int, Field(description="Redis's clock now, milliseconds since the epoch")]
    status: Annotated[dict[str, Any], Field(description="`CameraView` of the HTTP API")]


class ErrorMessage(BaseModel):
    """A request that was refused; the connection goes on."""

    type: Literal["error"] = "error"
    op: str | None
    camera_id: str | None
    detail: str


LIVE_MESSAGES: Final[tuple[type[BaseModel], ...]] = (
    HelloMessage, SpacesMessage, FrameMessage, StillMessage, StatusMessage, ErrorMessage,
)  # fmt: skip
VIEWER_REQUESTS: Final[tuple[type[BaseModel], ...]] = (Watch, Unwatch, Acknowledge)
