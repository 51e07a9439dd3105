from __future__ import annotations

import io

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.errors import SourceError
from services.ingest.multipart import HEADERS_MAX_BYTES, MultipartParser, boundary_of

LIMIT = 10_000


def body(payloads: list[bytes], *, length: bool, preamble: bytes = b"", newline: bytes = b"\r\n") -> bytes:
    """A stream as cameras send it, up to the boundary after the last part."""
    made = preamble
    for payload in payloads:
        made += b"--frame" + newline + b"Content-Type: image/jpeg" + newline
        if length:
            made += b"Content-Length: " + str(len(payload)).encode() + newline
        made += newline + payload + newline
    return made + b"--frame" + newline


def parse(chunks: list[bytes]) -> list[bytes]:
    parser = MultipartParser(b"frame", LIMIT)
    return [part.payload for number, chunk in enumerate(chunks) for part in parser.feed(chunk, number)]


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/x-mixed-replace;boundary=123456789000000000000987654321", b"123456789000000000000987654321"),
        ("multipart/x-mixed-replace; boundary=--myboundary", b"myboundary"),
        ('multipart/x-mixed-replace; boundary="quoted one"', b"quoted one"),
        ("multipart/x-mixed-replace; charset=x; BOUNDARY=b", b"b"),
    ],
)
def test_boundaries_with_and_without_dashes(content_type: str, boundary: bytes) -> None:
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize("content_type", ["multipart/x-mixed-replace", "multipart/x-mixed-replace; boundary=--"])
def test_without_a_boundary_there_is_nothing_to_split(content_type: str) -> None:
    with pytest.raises(SourceError, match="names no boundary"):
        boundary_of(content_type)


PAYLOADS = st.lists(st.binary(min_size=1, max_size=300).filter(lambda one: b"--frame" not in one), max_size=5)


@given(PAYLOADS, st.booleans(), st.sampled_from([b"", b"garbage\r\n", b"\r\n\r\n"]), st.data())
def test_parts_come_out_however_the_stream_is_cut(
    payloads: list[bytes], length: bool, preamble: bytes, data: st.DataObject
) -> None:
    if not length:  # what ends in a line break cannot be told from the break before the boundary
        payloads = [payload.rstrip(b"\r\n") + b"." for payload in payloads]
    stream = body(payloads, length=length, preamble=preamble)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    chunks = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert parse(chunks) == payloads
    assert parse([stream[at : at + 1] for at in range(len(stream))]) == payloads, "byte by byte"


@given(st.binary(max_size=500), st.integers(1, 50))
def test_any_bytes_end_in_parts_or_an_error(data: bytes, step: int) -> None:
    parser = MultipartParser(b"a", 200)
    try:
        for at in range(0, len(data), step):
            parser.feed(data[at : at + step], 0)
    except SourceError:
        return
    assert len(parser._buffer) <= HEADERS_MAX_BYTES + 200 + step


def test_a_payload_with_the_boundary_in_it_is_whole_where_its_length_is_told() -> None:
    assert parse([body([b"x--frame\r\n\r\ny", b"z"], length=True)]) == [b"x--frame\r\n\r\ny", b"z"]


def test_bare_line_feeds_are_understood() -> None:
    assert parse([body([b"x", b"y"], length=True, newline=b"\n")]) == [b"x", b"y"]


@pytest.mark.parametrize(
    "stream",
    [
        b"--frame\r\nContent-Length: 20000\r\n\r\n",
        b"--frame\r\n\r\n" + bytes(LIMIT + 20),
        b"--frame\r\nX: " + b"y" * 9000,
    ],
)
def test_what_is_too_long_is_refused_before_it_is_held(stream: bytes) -> None:
    with pytest.raises(SourceError, match="more than"):
        parse([stream[at : at + 500] for at in range(0, len(stream), 500)])


def test_endless_garbage_is_not_held() -> None:
    parser = MultipartParser(b"frame", LIMIT)
    for _ in range(1000):
        assert parser.feed(b"garbage" * 100, 0) == []
    assert len(parser._buffer) < 100


def test_a_part_began_when_the_first_byte_of_its_payload_came() -> None:
    parser = MultipartParser(b"frame", LIMIT)
    stream = body([b"abc"], length=True)
    payload_at = stream.index(b"abc")
    assert parser.feed(stream[:payload_at], 1.0) == []  # many cameras send the next boundary right behind a picture
    assert parser.feed(stream[payload_at : payload_at + 1], 2.0) == []
    assert [part.began_at for part in parser.feed(stream[payload_at + 1 :], 3.0)] == [2.0]


def test_the_cameras_own_time_is_read() -> None:
    parser = MultipartParser(b"frame", LIMIT)
    stream = b"--frame\r\nX-Timestamp: 1700000000.250000\r\nContent-Length: 1\r\n\r\nx\r\n"
    stream += b"--frame\r\nX-Timestamp: yesterday\r\nContent-Length: 1\r\n\r\ny\r\n"
    assert [part.timestamp_s for part in parser.feed(stream, 0)] == [1_700_000_000.25, None]


@pytest.mark.parametrize("written", [b"frame", b"--frame", b"----frame"])
@pytest.mark.parametrize("length", [True, False])
def test_boundaries_are_found_with_any_number_of_dashes(written: bytes, length: bool) -> None:
    stream = body([b"one", b"two-", b"three"], length=length).replace(b"--frame", written)
    assert parse([stream]) == [b"one", b"two-", b"three"]
    assert parse([stream[at : at + 1] for at in range(len(stream))]) == [b"one", b"two-", b"three"]


def test_what_libav_makes_is_split() -> None:
    """A multipart stream that nobody here wrote."""
    body, packets = io.BytesIO(), []
    with av.open(body, "w", format="mpjpeg") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuvj420p"
        for number in range(5):
            picture = av.VideoFrame.from_ndarray(np.full((240, 320, 3), number * 40, np.uint8), "rgb24")
            for packet in stream.encode(picture):
                packets.append(bytes(packet))
                container.mux(packet)
    parser = MultipartParser(boundary_of("multipart/x-mixed-replace;boundary=ffmpeg"), 1_000_000)
    assert [part.payload for part in parser.feed(body.getvalue(), 0)] == packets


GARBAGE = st.binary(max_size=60).filter(lambda one: b"frame" not in one and not one.endswith(b"-"))


@given(
    st.lists(st.tuples(st.binary(min_size=1, max_size=200), GARBAGE), min_size=1, max_size=5),
    st.sampled_from([b"frame", b"--frame", b"----frame"]),
    st.sampled_from([b"\r\n", b"\n"]),
    st.integers(1, 400),
)
def test_garbage_between_parts_is_passed_over(
    parts: list[tuple[bytes, bytes]], written: bytes, newline: bytes, step: int
) -> None:
    stream = b""
    for payload, garbage in parts:
        length = b"Content-Length: %d" % len(payload)
        stream += newline.join([written, b"Content-Type: image/jpeg", length, b"", payload, garbage, b""])
    assert parse([stream[at : at + step] for at in range(0, len(stream), step)]) == [payload for payload, _ in parts]


@given(st.data(), st.booleans())
def test_what_is_lost_of_one_part_costs_few_others(data: st.DataObject, length: bool) -> None:
    """As where a camera breaks off in the middle of a picture and goes on with the next one."""
    payloads = [bytes([65 + number]) * 100 for number in range(10)]
    stream = body(payloads, length=length)
    start = data.draw(st.integers(0, len(stream) // 2))
    end = data.draw(st.integers(start, min(start + 150, len(stream))))
    assert parse([stream[:start] + stream[end:]])[-3:] == payloads[-3:]
