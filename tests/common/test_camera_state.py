"""States age: what every reader makes of a camera's status, by Redis's clock."""

from __future__ import annotations

import pytest

from libs.common.camera_state import CameraState, count_statuses, read_space_statuses, read_spaces, read_state
from libs.common.spaces import ParkingSpace, dump_spaces

NOW_MS = 1_795_500_000_000
SPACES = [
    ParkingSpace(space_id=name, space_name=name, polygon=[(0.1, 0.1), (0.2, 0.1), (0.2, 0.2)])
    for name in ("A", "B", "C")
]
OCCUPANCY = {
    b"A": b'{"state": "occupied", "since_ms": 5000, "track_id": 3, "later": 1}',
    b"B": b'{"state": "free", "since_ms": 6000}',
}


def status(
    ingest_ago_ms: int = 0, examined_ago_ms: int = 0, detector_ago_ms: int = 0, **more: str
) -> dict[bytes, bytes]:
    fields = {
        "ingest_state": "live",
        "ingest_updated_at_ms": str(NOW_MS - ingest_ago_ms),
        "detector_examined_at_ms": str(NOW_MS - examined_ago_ms),
        "detector_updated_at_ms": str(NOW_MS - detector_ago_ms),
        "detector_unknown_after_ms": "10000",
        "detector_hold_ms": "600000",
        **more,
    }
    return {name.encode(): value.encode() for name, value in fields.items()}


def counts(state: CameraState) -> tuple[int, int, int]:
    found = count_statuses(read_space_statuses(SPACES, OCCUPANCY, state))
    assert found.total == 3
    return found.occupied, found.free, found.unknown


def test_a_verdict_holds_while_frames_are_examined() -> None:
    assert counts(read_state(status(), NOW_MS, is_registered=True)) == (1, 1, 1)
    assert counts(read_state(status(examined_ago_ms=10_000), NOW_MS, is_registered=True)) == (1, 1, 1)


@pytest.mark.parametrize(
    "fields",
    [
        status(examined_ago_ms=10_001),
        status(examined_ago_ms=3001, detector_unknown_after_ms="3000"),
        {b"ingest_state": b"live", b"ingest_updated_at_ms": str(NOW_MS).encode()},
        {},
    ],
)
def test_spaces_are_unknown_once_no_frame_has_been_examined_for_a_while(fields: dict[bytes, bytes]) -> None:
    assert counts(read_state(fields, NOW_MS, is_registered=True)) == (0, 0, 3)


def test_spaces_of_a_camera_that_is_switched_off_are_unknown_at_once() -> None:
    state = read_state(status(), NOW_MS, is_registered=True, is_enabled=False)
    assert (state.state, state.error) == ("disabled", None)
    assert counts(state) == (0, 0, 3)
    assert counts(read_state(status(ingest_state="disabled"), NOW_MS)) == (0, 0, 3), (
        "also to who may not read the entry"
    )


def test_an_aged_space_is_unknown_since_the_last_frame_that_was_examined() -> None:
    state = read_state(status(examined_ago_ms=20_000), NOW_MS, is_registered=True)
    first, _, third = read_space_statuses(SPACES, OCCUPANCY, state)
    assert first is not None
    assert (first.state, first.since_ms, first.track_id) == ("unknown", NOW_MS - 20_000, None)
    assert third is None


def test_who_is_gone_is_named() -> None:
    paused = read_state(status(detector_ago_ms=36_000, examined_ago_ms=36_000), NOW_MS, is_registered=True)
    assert (paused.state, paused.output_fps) == ("live", None)
    assert paused.error == "no detector works on this camera now; is one running?"
    gone = read_state(status(ingest_ago_ms=10_000, ingest_error="camera silent"), NOW_MS, is_registered=True)
    assert (gone.state, gone.input_fps) == ("no ingest", None)
    assert gone.error == "no ingest reads this camera now; is one running?"
    told = read_state(status(ingest_error="camera silent"), NOW_MS, is_registered=True)
    assert told.error == "camera silent"


def test_a_camera_that_a_worker_brings_has_no_ingest() -> None:
    assert read_state({}, NOW_MS, is_registered=False, broadcast_at_ms=NOW_MS - 9000).state == "broadcast"
    assert read_state({}, NOW_MS, broadcast_at_ms=NOW_MS - 11_000).state == "silent"
    assert read_state({}, NOW_MS).state == "silent"


def test_what_somebody_else_wrote_there_counts_as_nothing() -> None:
    garbled = dict.fromkeys(status(), b"nonsense") | {b"detector_latency_ms": b"nan", b"ingest_fps": b"1"}
    state = read_state(garbled, NOW_MS, is_registered=True)
    assert (state.state, state.last_frame_at_ms) == ("no ingest", None)
    assert counts(state) == (0, 0, 3)
    assert read_spaces(b"nonsense") == []
    assert read_spaces(dump_spaces(SPACES)) == SPACES


@pytest.mark.parametrize(
    ("told", "cause"),
    [
        ({b"ingest_error": b"camera answered 401", b"ingest_error_cause": b"login"}, "login"),
        ({b"ingest_error": b"camera answered 401"}, "other"),
        ({b"ingest_error": b"camera answered 401", b"ingest_error_cause": b"of a later version"}, "other"),
        ({b"ingest_error": b"", b"ingest_error_cause": b""}, None),
    ],
)
def test_the_kind_of_a_problem_is_one_that_is_known(told: dict[bytes, bytes], cause: str | None) -> None:
    fields = {b"ingest_state": b"error", b"ingest_updated_at_ms": b"1000000", **told}
    assert read_state(fields, 1_000_000).error_cause == cause
    assert read_state(fields, 1_000_000, is_enabled=False).error_cause is None


@pytest.mark.parametrize(("told", "view"), [(b"moved", "moved"), (b"upside down", None)])
def test_the_view_is_told_while_a_detector_runs(told: bytes, view: str | None) -> None:
    fields = {b"detector_updated_at_ms": b"1000000", b"detector_view": told}
    assert read_state(fields, 1_000_000).view == view
    assert read_state(fields, 1_060_000).view is None
