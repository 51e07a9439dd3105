"""A viewer message in the compact form of `/ws/viewer/live`: spaces apart, the rest in small numbers. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import msgpack

from libs.common.errors import MessageError
from libs.common.live_messages import STATE_CODES, VEHICLE_CLASSES, PictureKind
from libs.common.messages import unpack_viewer_message
from services.gateway.hub.encoded_message import BINARY, websocket_frame

VEHICLES_MAX: Final = 300
SPACES_MAX: Final = 1000
FRAME_ID_MAX: Final = 41
"""Characters in the id of a stream's entry at most: two numbers of 64 bits and a dash."""
_TIMINGS: Final = ("captured_at", "read_at", "detected_at", "published_at")


def pack(message: Mapping[str, Any]) -> bytes:
    """A message to a live viewer as it goes on the wire: msgpack in one binary WebSocket message."""
    packed: bytes = msgpack.packb(message)
    return websocket_frame(BINARY, packed)


@dataclass(frozen=True, slots=True)
class SpaceTable:
    """The spaces of a camera, encoded once for all viewers.

    Attributes:
        version: a digest of the list, the same on every gateway.
        source: the list that it was made of, to see whether the next frame has the same.
        wire: the `spaces` message.
    """

    version: str
    source: list[tuple[Any, ...]]
    wire: bytes


@dataclass(eq=False)
class LiveFrame:
    """One frame as live viewers of one kind of picture get it; framed once, when first asked for.

    Attributes:
        number: `frame_count` of the camera.
        still_since: number of the earlier frame that shows the same; None if something changed.
        spaces: the list that its states refer to.
        has_picture: whether a viewer has to acknowledge it.
        shows: what its picture shows; for a viewer who has just come it may be another than was asked for.
    """

    number: int
    still_since: int | None
    spaces: SpaceTable
    has_picture: bool
    shows: PictureKind
    _fields: dict[str, Any] = field(repr=False)

    @property
    def jpeg(self) -> bytes | None:
        """The picture; None where none is sent."""
        jpeg: bytes | None = self._fields["jpeg"]
        return jpeg

    @property
    def published_at_ms(self) -> int:
        """When the detector published it, milliseconds since the epoch by Redis's clock."""
        at_ms: int = self._fields["timings"][-1]
        return at_ms

    @cached_property
    def wire(self) -> bytes:
        """The `frame` message."""
        return pack(self._fields)

    @cached_property
    def still_wire(self) -> bytes:
        """The `still` message in its place."""
        return pack({"type": "still", "camera_id": self._fields["camera_id"], "n": self.still_since})


def compact(camera_id: str, packed: bytes, kind: PictureKind, known: SpaceTable | None) -> LiveFrame:
    """Make the compact form of a viewer message.

    Metadata that an old worker posted is read as far as it has the reference's fields; what is not so is left out.

    Args:
        camera_id: whose message it is.
        packed: the viewer message, msgpack.
        kind: the channel that it came on: what its picture shows.
        known: the space table of the frame before; used again if the spaces are the same.

    Raises:
        MessageError: it is not a viewer message.
    """
    message = unpack_viewer_message(packed)
    metadata = message.get("metadata")
    if not isinstance(metadata, dict):
        metadata = {}
    number = message.get("frame_count")
    if not isinstance(number, int):
        raise MessageError("a viewer message without a count")
    occupancy = [space for space in _listed(metadata.get("space_occupancy")) if isinstance(space, dict)][:SPACES_MAX]
    table = space_table(camera_id, occupancy, known)
    codes = [_state_code(space) for space in occupancy]
    jpeg = None if kind == "none" else message["frame"]
    fields = {
        "type": "frame",
        "camera_id": camera_id,
        "n": number,
        "frame_id": _frame_id(metadata.get("frame_id")),
        "picture": kind,
        "jpeg": jpeg,
        "size": (_int(metadata.get("width")), _int(metadata.get("height"))),
        "spaces": table.version,
        "states": pack_states(codes),
        "vehicles": _vehicles(metadata.get("detections")),
        "counts": (codes.count(0), codes.count(1), codes.count(2)),
        "timings": _timings(metadata.get("timings"), message.get("timestamp")),
    }
    told = metadata.get("still_since")
    still_since = told if isinstance(told, int) else None
    return LiveFrame(number, still_since, table, jpeg is not None, kind, fields)


def space_table(camera_id: str, occupancy: Sequence[Mapping[str, Any]], known: SpaceTable | None) -> SpaceTable:
    """The static part of a frame's spaces; `known` itself if nothing in it has changed."""
    source = [
        (space.get("space_id"), space.get("space_name"), space.get("polygon"), space.get("bbox")) for space in occupancy
    ]
    if known is not None and known.source == source:
        return known
    spaces = [
        {"id": str(space_id), "name": str(space_id if name is None else name), "polygon": _polygon(polygon, bbox)}
        for space_id, name, polygon, bbox in source
    ]
    version = hashlib.blake2b(msgpack.packb(spaces), digest_size=6).hexdigest()
    wire = pack({"type": "spaces", "camera_id": camera_id, "version": version, "spaces": spaces})
    return SpaceTable(version, source, wire)


def pack_states(codes: Sequence[int]) -> bytes:
    """Codes 0..3 in two bits each, four to a byte, the first in the lowest bits."""
    packed = bytearray((len(codes) + 3) // 4)
    for index, code in enumerate(codes):
        packed[index >> 2] |= code << (index & 3) * 2
    return bytes(packed)


def _state_code(space: Mapping[str, Any]) -> int:
    state = space.get("state")
    if state in STATE_CODES:
        return STATE_CODES[state]
    return STATE_CODES["occupied" if space.get("is_occupied") else "free"]


def _vehicles(detections: object) -> list[tuple[Any, ...]]:
    vehicles: list[tuple[Any, ...]] = []
    for detection in _listed(detections)[:VEHICLES_MAX]:
        try:
            name, track_id = detection.get("class"), detection.get("track_id")
            kind = VEHICLE_CLASSES.index(name) if name in VEHICLE_CLASSES else len(VEHICLE_CLASSES) - 1
            x, y, width, height = (round(float(side)) for side in detection["bbox"])
            confidence = round(float(detection.get("confidence", 1.0)), 2)
        except (AttributeError, KeyError, TypeError, ValueError, OverflowError):
            continue
        vehicles.append((kind, confidence, x, y, width, height, track_id if isinstance(track_id, int) else None))
    return vehicles


def _polygon(polygon: object, bbox: object) -> list[tuple[float, float]]:
    """The polygon; the corners of the box where an old worker tells no more; empty where it tells neither."""
    try:
        if isinstance(polygon, list) and polygon:
            return [(float(x), float(y)) for x, y in polygon]
        x, y, width, height = (float(bbox[side]) for side in ("x", "y", "width", "height"))  # type: ignore[index]
    except (KeyError, TypeError, ValueError):
        return []
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def _timings(timings: object, timestamp_s: object) -> list[int]:
    if isinstance(timings, dict):
        return [_int(timings.get(name)) for name in _TIMINGS]
    at_ms = round(timestamp_s * 1000) if isinstance(timestamp_s, int | float) else 0
    return [at_ms] * len(_TIMINGS)


def _frame_id(value: object) -> str:
    return value[:FRAME_ID_MAX] if isinstance(value, str) else ""


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _int(value: object) -> int:
    return value if isinstance(value, int) else 0
