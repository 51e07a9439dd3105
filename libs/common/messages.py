"""The messages on the bus: raw frames (ingest → detector) and viewer messages (detector or bridge → viewers).

These models are the one source of every shape: OpenAPI, and through it the dashboard's TypeScript, come from them.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal, Self

import msgpack
from pydantic import BaseModel, ConfigDict, Field

from libs.common.errors import MessageError
from libs.common.spaces import Point, SpaceState

MESSAGE_VERSION: Final = 1
LATEST_EXPIRES_S: Final = 300
COUNT_EXPIRES_S: Final = 86_400
FRAMES_MAXLEN: Final = 4
JPEG_START: Final = b"\xff\xd8"
JPEG_SIDE_MAX: Final = 65_535
"""Pixels; a JPEG's header has no room for more."""
RAW_JPEG_MAX_BYTES: Final = 32 * 1024 * 1024
_INT64_MAX: Final = 2**63 - 1

_TIMESTAMP_KEY: Final[bytes] = msgpack.packb("timestamp") + b"\xcb"  # and the mark of a float64
_FLOAT64: Final = struct.Struct(">d")


class PixelDetection(BaseModel):
    """One vehicle found in one frame; lengths in pixels of that frame."""

    model_config = ConfigDict(populate_by_name=True)

    class_name: Annotated[str, Field(alias="class")]
    confidence: float
    bbox: Annotated[tuple[float, float, float, float], Field(description="x, y, width, height in pixels")]
    track_id: int | None = None
    center: tuple[float, float]


class NormalisedBox(BaseModel):
    """A bounding box in coordinates from 0 to 1 of the picture's width and height."""

    x: float
    y: float
    width: float
    height: float


class SpaceOccupancy(BaseModel):
    """One space as it was judged in one frame."""

    space_id: str
    space_name: str
    is_occupied: Annotated[
        bool, Field(description="true unless the space is known to be free; `state` tells unknown from occupied")
    ]
    bbox: NormalisedBox
    polygon: list[Point] | None = None
    state: SpaceState | None = None


class MatchedDetection(BaseModel):
    """A vehicle and the space it stands in."""

    detection: PixelDetection
    space_id: str


class Timings(BaseModel):
    """When each hop had the frame, in milliseconds since the epoch."""

    captured_at: int
    read_at: int
    detected_at: int
    published_at: int


class FrameMetadata(BaseModel):
    """What the detector says about one frame: the reference's fields in full, and ours beside them.

    The reference's viewers show `total_spaces - occupied_spaces` as available and know no `unknown`. So that they never
    show a free space that is none, `occupied_spaces` counts every space that is not known to be free.
    """

    vehicle_count: int
    occupied_spaces: Annotated[int, Field(description="spaces not known to be free")]
    total_spaces: int
    free_spaces: Annotated[int, Field(description="spaces known to be free")] = 0
    taken_spaces: Annotated[int, Field(description="spaces known to be occupied")] = 0
    unknown_spaces: Annotated[int, Field(description="spaces of which nothing is known")] = 0
    timestamp: Annotated[str, Field(description="when the frame was captured, ISO 8601 with offset")]
    track_ids: list[int]
    detections: list[PixelDetection]
    space_occupancy: list[SpaceOccupancy]
    matched_detections: list[MatchedDetection]
    tracking_enabled: bool
    detector: Annotated[str, Field(description="the process that made this message")]
    frame_id: Annotated[str, Field(description="the raw frame's id in the camera's frame stream")]
    timings: Timings
    width: Annotated[int, Field(description="of the frame, in pixels; 0: not told")] = 0
    height: Annotated[int, Field(description="of the frame, in pixels; 0: not told")] = 0
    still_since: Annotated[
        int | None,
        Field(description="`frame_count` of the earlier frame that shows the same; null if something has changed"),
    ] = None


class ViewerMessage(BaseModel):
    """A frame message as a viewer receives it in JSON.

    `metadata` has the fields of `FrameMetadata` when our detector made it; what an old worker posts to the bridge
    passes through as it came.
    """

    v: int = MESSAGE_VERSION
    type: Literal["frame"] = "frame"
    camera_id: str
    frame: Annotated[str, Field(description="data:image/jpeg;base64,…")]
    metadata: dict[str, Any]
    frame_count: int
    timestamp: Annotated[float, Field(description="when the message was published, seconds since the epoch")]


def pack_viewer_message(
    camera_id: str, jpeg: bytes, metadata: Mapping[str, Any], frame_count: int, timestamp_s: float
) -> bytes:
    """The viewer message in msgpack, as it goes to `live` and `latest` and to viewers that ask for binary.

    Args:
        camera_id: the camera's id.
        jpeg: the picture; its bytes are copied in as they are.
        metadata: plain values only; `FrameMetadata.model_dump(by_alias=True)` or what the bridge was given.
        frame_count: 1 for the camera's first message.
        timestamp_s: time of publication, seconds since the epoch.
    """
    packed: bytes = msgpack.packb(
        {
            "v": MESSAGE_VERSION,
            "type": "frame",
            "camera_id": camera_id,
            "frame": jpeg,
            "metadata": metadata,
            "frame_count": frame_count,
            "timestamp": timestamp_s,
        }
    )
    return packed


def pack_around_count(
    camera_id: str, jpeg: bytes, metadata: Mapping[str, Any], timestamp_s: float
) -> tuple[bytes, bytes]:
    """What stands before and after the count of a viewer message, for Redis to put in the number that it has counted.

    Args:
        camera_id: as for `pack_viewer_message`.
        jpeg: as there.
        metadata: as there.
        timestamp_s: as there.
    """
    packed = pack_viewer_message(camera_id, jpeg, metadata, 0, timestamp_s)
    end = len(packed) - len(_TIMESTAMP_KEY) - _FLOAT64.size
    return packed[: end - 1], packed[end:]


def unpack_viewer_message(data: bytes) -> dict[str, Any]:
    """The viewer message as a plain dict, `frame` being JPEG bytes.

    Raises:
        MessageError: the bytes are not a viewer message of a version known here.
    """
    try:
        message = msgpack.unpackb(data)
    except (ValueError, msgpack.UnpackException) as error:
        raise MessageError(f"not msgpack: {error}") from error
    if not isinstance(message, dict) or message.get("type") != "frame" or not isinstance(message.get("frame"), bytes):
        raise MessageError("not a viewer message")
    if message.get("v") != MESSAGE_VERSION:
        raise MessageError(f"viewer message of version {message.get('v')!r}; this process knows {MESSAGE_VERSION}")
    return message


def publication_time_s(data: bytes) -> float | None:
    """When a viewer message was published, seconds since the epoch, without unpacking it.

    Looks where `pack_viewer_message` puts it: at the end.

    Returns:
        None if there is no such number; the message may be good all the same.
    """
    if not data.endswith(_TIMESTAMP_KEY, 0, -_FLOAT64.size):
        return None
    seconds: float = _FLOAT64.unpack_from(data, len(data) - _FLOAT64.size)[0]
    return seconds if math.isfinite(seconds) else None


@dataclass(frozen=True, slots=True)
class RawFrame:
    """One picture as a camera sent it: an entry of `lotcast:{CAM}:frames`.

    Attributes:
        seq: counts the camera's frames since its reader connected, from 1.
        captured_at_ms: when the frame's first byte arrived, milliseconds since the epoch.
        width: pixels, from the JPEG's header.
        height: pixels, from the JPEG's header.
        jpeg: the picture, as it came.
        frame_id: the stream entry's id; empty until it has been read from the stream.
    """

    seq: int
    captured_at_ms: int
    width: int
    height: int
    jpeg: bytes
    frame_id: str = ""

    def to_fields(self) -> dict[str, int | bytes]:
        """The stream entry's fields."""
        return {
            "seq": self.seq,
            "captured_at": self.captured_at_ms,
            "width": self.width,
            "height": self.height,
            "jpeg": self.jpeg,
        }

    @classmethod
    def from_fields(cls, frame_id: bytes, fields: Mapping[bytes, bytes]) -> Self:
        """Read a stream entry.

        Raises:
            MessageError: a field is missing or has no sensible value; the text names it.
        """
        jpeg = fields.get(b"jpeg", b"")
        if not jpeg.startswith(JPEG_START) or len(jpeg) > RAW_JPEG_MAX_BYTES:
            raise MessageError(
                f"frame {frame_id.decode()} lacks or garbles field jpeg: {len(jpeg)} bytes that are no JPEG"
            )
        return cls(
            seq=_read_number(frame_id, fields, b"seq", 0, _INT64_MAX),
            captured_at_ms=_read_number(frame_id, fields, b"captured_at", 0, _INT64_MAX),
            width=_read_number(frame_id, fields, b"width", 1, JPEG_SIDE_MAX),
            height=_read_number(frame_id, fields, b"height", 1, JPEG_SIDE_MAX),
            jpeg=jpeg,
            frame_id=frame_id.decode(),
        )


def _read_number(frame_id: bytes, fields: Mapping[bytes, bytes], name: bytes, least: int, most: int) -> int:
    """A whole number of a stream entry. Raises `MessageError`."""
    where = f"frame {frame_id.decode()} lacks or garbles field {name.decode()}"
    text = fields.get(name)
    if text is None:
        raise MessageError(f"{where}: it is missing")
    if not text.isdigit() or len(text) > len(str(most)):
        raise MessageError(f"{where}: not a whole number")
    number = int(text)
    if not least <= number <= most:
        raise MessageError(f"{where}: {number} is not in {least} to {most}")
    return number
