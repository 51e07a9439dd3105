from __future__ import annotations

import msgpack
import pytest

from libs.common.errors import MessageError
from libs.common.messages import (
    RawFrame,
    pack_around_count,
    pack_viewer_message,
    publication_time_s,
    unpack_viewer_message,
)


def test_a_viewer_message_survives_the_bus() -> None:
    packed = pack_viewer_message("CAM1", b"\xff\xd8jpeg", {"vehicle_count": 2, "own": [1, None]}, 7, 1.5)
    assert unpack_viewer_message(packed) == {
        "v": 1,
        "type": "frame",
        "camera_id": "CAM1",
        "frame": b"\xff\xd8jpeg",
        "metadata": {"vehicle_count": 2, "own": [1, None]},
        "frame_count": 7,
        "timestamp": 1.5,
    }


@pytest.mark.parametrize("count", [1, 127, 128, 65_536, 2**33])
def test_a_count_fits_between_the_two_parts(count: int) -> None:
    message = ("CAM1", b"\xff\xd8frame_count\x00", {"frame_count": 0, "timestamp": 2.0})
    before, after = pack_around_count(*message, 1.5)
    assert before + msgpack.packb(count) + after == pack_viewer_message(*message, count, 1.5)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x93\x01",
        msgpack.packb([1]),
        msgpack.packb({"type": "frame", "frame": "text", "v": 1}),
        b"\x00x",
    ],
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(MessageError):
        unpack_viewer_message(data)


def test_a_later_version_is_refused() -> None:
    with pytest.raises(MessageError, match="version 2"):
        unpack_viewer_message(msgpack.packb({"v": 2, "type": "frame", "frame": b""}))


def test_a_raw_frame_survives_the_stream() -> None:
    frame = RawFrame(seq=3, captured_at_ms=1234, width=640, height=480, jpeg=b"\xff\xd8")
    fields = {
        name.encode(): value if isinstance(value, bytes) else str(value).encode()
        for name, value in frame.to_fields().items()
    }
    assert RawFrame.from_fields(b"5-0", fields) == RawFrame(3, 1234, 640, 480, b"\xff\xd8", "5-0")


GOOD = {b"seq": b"3", b"captured_at": b"1234", b"width": b"640", b"height": b"480", b"jpeg": b"\xff\xd8"}


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {**GOOD, b"seq": b"x"},
        *({name: value for name, value in GOOD.items() if name != missing} for missing in GOOD),
        *(GOOD | {side: value} for side in (b"width", b"height") for value in (b"0", b"-1", b"1e3", b"65536", b"")),
        GOOD | {b"captured_at": b"-5"},
        GOOD | {b"captured_at": b"9" * 30},
        GOOD | {b"width": b"9" * 5000},
        GOOD | {b"width": "²".encode()},
        GOOD | {b"jpeg": b""},
        GOOD | {b"jpeg": b"\x89PNG"},
        GOOD | {b"jpeg": b"\xff\xd8" + bytes(33 * 1024 * 1024)},
    ],
)
def test_a_broken_stream_entry_is_refused(broken: dict[bytes, bytes]) -> None:
    with pytest.raises(MessageError, match="frame 5-0 lacks or garbles field"):
        RawFrame.from_fields(b"5-0", broken)


def test_the_time_of_publication_is_found_without_unpacking() -> None:
    packed = pack_viewer_message("CAM1", b"\xff\xd8jpeg", {"timestamp": 1.0}, 3, 1234567.875)
    assert publication_time_s(packed) == 1234567.875
    for other in (b"", b"timestamp", msgpack.packb({"timestamp": 12}), msgpack.packb({"timestamp": float("inf")})):
        assert publication_time_s(other) is None
