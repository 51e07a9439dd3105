"""The compact form of a frame for live viewers."""

from __future__ import annotations

from typing import Any

import msgpack
import pytest

from libs.common.errors import MessageError
from libs.common.live_messages import FrameMessage, SpacesMessage
from libs.common.messages import pack_viewer_message
from services.gateway.hub.encoded_message import BINARY
from services.gateway.live.compact import compact, pack_states

JPEG = b"\xff\xd8picture\xff\xd9"


def payload(wire: bytes) -> dict[str, Any]:
    """The one binary WebSocket message in `wire`."""
    assert wire[0] == 0x80 | BINARY
    start = {126: 4, 127: 10}.get(wire[1], 2)
    message: dict[str, Any] = msgpack.unpackb(wire[start:])
    return message


def space(number: int, state: str) -> dict[str, Any]:
    return {
        "space_id": f"A{number}",
        "space_name": f"Space A{number}",
        "is_occupied": state != "free",
        "bbox": {"x": 0.1, "y": 0.2, "width": 0.05, "height": 0.1},
        "polygon": [[0.1, 0.2], [0.15, 0.2], [0.15, 0.3], [0.1, 0.3]],
        "state": state,
    }


def vehicle(number: int) -> dict[str, Any]:
    return {
        "class": "truck",
        "confidence": 0.875,
        "bbox": [1000.4 + number, 500.6, 120.0, 80.0],
        "track_id": 4000 + number,
        "center": [1, 2],
    }


def message(metadata: dict[str, Any], number: int = 7) -> bytes:
    return pack_viewer_message("CAM1", JPEG, metadata, number, 1_700_000_000.5)


def test_everything_is_there() -> None:
    metadata = {
        "width": 1280,
        "height": 720,
        "space_occupancy": [space(1, "free"), space(2, "occupied"), space(3, "unknown")],
        "detections": [vehicle(1)],
        "timings": {"captured_at": 1, "read_at": 2, "detected_at": 3, "published_at": 4},
        "frame_id": "1700000000000-12",
    }
    frame = compact("CAM1", message(metadata), "plain", None)
    told = payload(frame.wire)
    FrameMessage.model_validate(told)
    assert told == {
        "type": "frame",
        "camera_id": "CAM1",
        "n": 7,
        "frame_id": "1700000000000-12",
        "picture": "plain",
        "jpeg": JPEG,
        "size": [1280, 720],
        "spaces": frame.spaces.version,
        "states": bytes([0b100100]),
        "vehicles": [[3, 0.88, 1001, 501, 120, 80, 4001]],
        "counts": [1, 1, 1],
        "timings": [1, 2, 3, 4],
    }
    spaces = payload(frame.spaces.wire)
    SpacesMessage.model_validate(spaces)
    assert [one["name"] for one in spaces["spaces"]] == ["Space A1", "Space A2", "Space A3"]
    assert spaces["version"] == frame.spaces.version


def test_a_hundred_spaces_and_twenty_vehicles_take_a_kilobyte_beside_the_picture() -> None:
    metadata = {
        "width": 3840,
        "height": 2160,
        "space_occupancy": [space(number, "occupied") for number in range(100)],
        "detections": [vehicle(number) for number in range(20)],
        "timings": dict.fromkeys(("captured_at", "read_at", "detected_at", "published_at"), 1700000000000),
        "frame_id": "1700000000000-12345",
    }
    frame = compact("CAM1", message(metadata, 1_000_000), "plain", None)
    assert len(frame.wire) - len(JPEG) <= 1024


def test_the_list_of_spaces_is_made_anew_only_when_it_changes() -> None:
    first = compact("CAM1", message({"space_occupancy": [space(1, "free")]}), "plain", None)
    same = compact("CAM1", message({"space_occupancy": [space(1, "occupied")]}), "plain", first.spaces)
    assert same.spaces is first.spaces
    renamed = {**space(1, "free"), "space_name": "Visitors"}
    other = compact("CAM1", message({"space_occupancy": [renamed]}), "plain", first.spaces)
    assert other.spaces.version != first.spaces.version


def test_a_gateway_that_was_started_later_gives_the_list_the_same_version() -> None:
    one = compact("CAM1", message({"space_occupancy": [space(1, "free")]}), "plain", None)
    other = compact("CAM1", message({"space_occupancy": [space(1, "unknown")]}), "plain", None)
    assert one.spaces.version == other.spaces.version


def test_a_still_frame_says_since_when_in_a_hundred_bytes() -> None:
    name = "N" * 64
    packed = pack_viewer_message(name, JPEG, {"still_since": 4_000_000_000}, 4_000_000_009, 1.0)
    frame = compact(name, packed, "plain", None)
    assert frame.still_since == 4_000_000_000
    assert payload(frame.still_wire) == {"type": "still", "camera_id": name, "n": 4_000_000_000}
    assert len(frame.still_wire) <= 102


def test_without_a_picture() -> None:
    frame = compact("CAM1", message({}), "none", None)
    assert not frame.has_picture
    assert payload(frame.wire)["jpeg"] is None


@pytest.mark.parametrize(
    "metadata",
    [
        {"space_occupancy": "many", "detections": 5, "timings": [], "frame_id": 5},
        {"space_occupancy": [None, {"space_id": 5}], "detections": [None, {}, {"bbox": [1, 2]}, {"bbox": "abcd"}]},
        {"detections": [{"class": "car", "bbox": [1e400, 0, 1, 1]}], "width": "wide"},
        {"space_occupancy": [{"space_id": "A", "polygon": [[1], [2, "x"]], "bbox": {}}]},
    ],
)
def test_what_an_old_worker_posts_is_read_as_far_as_it_goes(metadata: dict[str, Any]) -> None:
    frame = compact("CAM1", message(metadata), "annotated", None)
    FrameMessage.model_validate(payload(frame.wire))
    SpacesMessage.model_validate(payload(frame.spaces.wire))


def test_a_box_of_the_reference_becomes_a_polygon() -> None:
    old = {"space_id": "A", "is_occupied": True, "bbox": {"x": 0.1, "y": 0.2, "width": 0.2, "height": 0.1}}
    spaces = payload(compact("CAM1", message({"space_occupancy": [old]}), "annotated", None).spaces.wire)["spaces"]
    assert spaces[0]["polygon"] == [[0.1, 0.2], [pytest.approx(0.3), 0.2], [pytest.approx(0.3), pytest.approx(0.3)],
                                    [0.1, pytest.approx(0.3)]]  # fmt: skip


def test_what_is_no_viewer_message_is_an_error() -> None:
    with pytest.raises(MessageError):
        compact("CAM1", b"\x00", "plain", None)


def test_states_are_packed_four_to_a_byte() -> None:
    assert pack_states([]) == b""
    assert pack_states([0, 1, 2, 1, 2]) == bytes([0b01100100, 0b10])
