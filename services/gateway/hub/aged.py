"""The last picture of a camera whose spaces nobody judges any more: the same picture, every space unknown. Pure."""

from __future__ import annotations

from typing import Any

from libs.common.errors import MessageError
from libs.common.messages import pack_viewer_message, unpack_viewer_message


def with_unknown_spaces(packed: bytes) -> bytes:
    """A viewer message whose spaces are all `unknown`, and so not free for viewers that know no `unknown`.

    Args:
        packed: a viewer message in msgpack. One without spaces, or that a worker posted, is returned as it is.
    """
    try:
        message = unpack_viewer_message(packed)
    except MessageError:
        return packed
    metadata: Any = message.get("metadata")
    spaces: Any = metadata.get("space_occupancy") if isinstance(metadata, dict) else None
    if (
        not isinstance(spaces, list)
        or not spaces
        or not all(isinstance(one, dict) and "state" in one for one in spaces)
    ):
        return packed
    aged = metadata | {
        "occupied_spaces": len(spaces),
        "free_spaces": 0,
        "taken_spaces": 0,
        "unknown_spaces": len(spaces),
        "space_occupancy": [space | {"is_occupied": True, "state": "unknown"} for space in spaces],
    }
    return pack_viewer_message(
        message["camera_id"], message["frame"], aged, message["frame_count"], message["timestamp"]
    )
