"""What the detector says of a frame: the reference's fields in full, and ours beside them."""

from __future__ import annotations

import json
from typing import Any

from libs.common.clock import iso_from_ms
from libs.common.messages import Timings, pack_viewer_message, unpack_viewer_message
from libs.common.spaces import ParkingSpace, SpaceState, SpaceStatus
from services.detector.metadata import build_metadata, restamp
from services.detector.occupancy.matching import Match
from tests.support.vehicles import vehicles

STATES: dict[str, SpaceState] = {"A1": "occupied", "A2": "free", "A3": "unknown"}
SPACES = [
    ParkingSpace(space_id=name, space_name=f"Space {name}", polygon=[(0.1, 0.2), (0.3, 0.2), (0.3, 0.6), (0.1, 0.6)])
    for name in STATES
]
TIMINGS = Timings(captured_at=1_700_000_000_123, read_at=1_700_000_000_130, detected_at=1_700_000_000_160,
                  published_at=1_700_000_000_165)  # fmt: skip
METADATA = build_metadata(
    vehicles((100, 200, 220, 280), (400, 220, 480, 300), track_ids=(7, 9)),
    SPACES,
    {name: SpaceStatus(state=state, since_ms=1) for name, state in STATES.items()},
    [Match(vehicle=0, space=0, overlap=0.8)],
    detector="detector-1",
    frame_id="1700000000123-4",
    timings=TIMINGS,
    size=(1280, 720),
)
CAR: dict[str, Any] = {"class": "car", "confidence": 0.9, "bbox": [100.0, 200.0, 120.0, 80.0], "track_id": 7,
                       "center": [160.0, 240.0]}  # fmt: skip


def test_the_message_has_every_field_that_is_told_of_it() -> None:
    packed = pack_viewer_message("CAM1", b"\xff\xd8", METADATA.model_dump(by_alias=True), 12, 1_700_000_000.165)
    told = json.loads(json.dumps(unpack_viewer_message(packed)["metadata"]))
    box = {"x": 0.1, "y": 0.2, "width": 0.2, "height": 0.4}
    spaces = told.pop("space_occupancy")
    assert [{name: round(side, 6) for name, side in space.pop("bbox").items()} for space in spaces] == [box] * 3
    polygon = [[0.1, 0.2], [0.3, 0.2], [0.3, 0.6], [0.1, 0.6]]
    assert spaces == [
        {"space_id": name, "space_name": f"Space {name}", "is_occupied": state != "free", "polygon": polygon,
         "state": state}
        for name, state in STATES.items()
    ]  # fmt: skip
    assert told == {
        "vehicle_count": 2,
        "occupied_spaces": 2,
        "total_spaces": 3,
        "free_spaces": 1,
        "taken_spaces": 1,
        "unknown_spaces": 1,
        "timestamp": iso_from_ms(1_700_000_000_123),
        "track_ids": [7, 9],
        "detections": [CAR, CAR | {"bbox": [400.0, 220.0, 80.0, 80.0], "track_id": 9, "center": [440.0, 260.0]}],
        "matched_detections": [{"detection": CAR, "space_id": "A1"}],
        "tracking_enabled": True,
        "detector": "detector-1",
        "frame_id": "1700000000123-4",
        "timings": TIMINGS.model_dump(),
        "width": 1280,
        "height": 720,
        "still_since": None,
    }


def test_what_is_available_to_the_reference_is_never_a_space_that_may_be_taken() -> None:
    assert METADATA.total_spaces - METADATA.occupied_spaces == METADATA.free_spaces == 1
    by_id = {space.space_id: space for space in METADATA.space_occupancy}
    assert by_id["A3"].is_occupied
    assert by_id["A3"].state == "unknown"


def test_the_same_result_of_a_later_frame_tells_the_later_frame() -> None:
    later = TIMINGS.model_copy(update={"captured_at": 1_700_000_000_223})
    again = restamp(METADATA, "1700000000223-0", later)
    assert (again.frame_id, again.timings, again.timestamp) == (
        "1700000000223-0", later, iso_from_ms(1_700_000_000_223)
    )  # fmt: skip
    assert again.model_dump(exclude={"frame_id", "timings", "timestamp"}) == METADATA.model_dump(
        exclude={"frame_id", "timings", "timestamp"}
    )
