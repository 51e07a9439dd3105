"""Pictures out of bodies as cameras send them, cut anywhere, with junk anywhere."""

from __future__ import annotations

import io
from collections.abc import Callable

import av
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from libs.common.errors import FrameError, SourceError
from services.ingest.jpeg import read_jpeg
from services.ingest.picture_stream import HEADERS_MAX_BYTES, PictureStream, boundary_of
from tests.support.pictures import make_jpeg

LIMIT = 100_000
PICTURES = [make_jpeg(64, 48, seed) for seed in range(4)]


def parts(chunks: list[bytes], boundary: bytes | None = b"frame", limit: int = LIMIT) -> list[bytes]:
    """All payloads, good or not."""
    stream = PictureStream(boundary, limit)
    found = [part.payload for number, chunk in enumerate(chunks) for part in stream.feed(chunk, number)]
    return found + [part.payload for part in stream.close(0)]


def good(payloads: list[bytes]) -> list[bytes]:
    """The whole pictures among them, without what follows their end."""
    pictures = []
    for payload in payloads:
        try:
            pictures.append(read_jpeg(payload).data)
        except FrameError:
            continue
    return pictures


def cut_every(data: bytes, step: int) -> list[bytes]:
    return [data[at : at + step] for at in range(0, len(data), step)]


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        ("multipart/x-mixed-replace;boundary=123456789000000000000987654321", b"123456789000000000000987654321"),
        ("multipart/x-mixed-replace; boundary=--myboundary", b"myboundary"),
        ('multipart/x-mixed-replace; boundary="quoted one"', b"quoted one"),
        ("multipart/x-mixed-replace; charset=x; BOUNDARY=b", b"b"),
        ("multipart/x-mixed-replace; boundary =B", b"B"),
        ('multipart/x-mixed-replace; boundary = "B"', b"B"),
        ("multipart/x-mixed-replace; boundary='B'; x=y", b"B"),
        ('multipart/x-mixed-replace; boundary="unclosed', b"unclosed"),
        ("multipart/x-mixed-replace;boundary=b;", b"b"),
        ("multipart/x-mixed-replace", None),
        ("multipart/x-mixed-replace; boundary=--", None),
        ("multipart/x-mixed-replace; boundary=", None),
    ],
)
def test_boundaries_in_every_way_of_writing_them(content_type: str, boundary: bytes | None) -> None:
    assert boundary_of(content_type) == boundary


def with_length(difference: int) -> Callable[[bytes], bytes]:
    return lambda jpeg: b"--frame\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(jpeg) + difference, jpeg)


def with_header(header: bytes) -> Callable[[bytes], bytes]:
    return lambda jpeg: b"--frame\r\n" + header + b"\r\n\r\n" + jpeg + b"\r\n"


WAYS: dict[str, Callable[[bytes], bytes]] = {
    "right-length": with_length(0),
    "length-2-short": with_length(-2),
    "length-1-long": with_length(1),
    "length-20-long": with_length(20),
    "length-4000-long": with_length(4000),
    "length-200-short": with_length(-200),
    "length-0": with_header(b"Content-Length: 0"),
    "length-negative": with_header(b"Content-Length: -1"),
    "length-unsigned": with_header(b"Content-Length: 4294967295"),
    "length-with-comma": with_header(b"Content-Length: 1,234"),
    "length-in-words": with_header(b"Content-Length: unknown"),
    "no-length": with_header(b"Content-Type: image/jpeg"),
    "junk-in-header": with_header(b"Content-Type image/jpeg\r\nTue, 12 Jun 2012\r\n: x"),
    "no-header": lambda jpeg: b"--frame\r\n\r\n" + jpeg + b"\r\n",
    "no-blank-line": lambda jpeg: b"--frame\r\nContent-Type: image/jpeg\r\n" + jpeg + b"\r\n",
    "nothing-but-the-line": lambda jpeg: b"--frame\r\n" + jpeg + b"\r\n",
    "line-feeds": lambda jpeg: b"--frame\nContent-Type: image/jpeg\nContent-Length: %d\n\n%s\n" % (len(jpeg), jpeg),
    "no-break-behind": lambda jpeg: b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + jpeg,
    "break-before": lambda jpeg: (
        b"\r\n--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s" % (len(jpeg), jpeg)
    ),
    "spaces-behind-the-line": lambda jpeg: b"--frame  \r\nContent-Type: image/jpeg\r\n\r\n" + jpeg + b"\r\n",
    "more-dashes": lambda jpeg: b"----frame\r\nContent-Type: image/jpeg\r\n\r\n" + jpeg + b"\r\n",
    "no-dashes": lambda jpeg: b"frame\r\nContent-Type: image/jpeg\r\n\r\n" + jpeg + b"\r\n",
    "another-boundary": lambda jpeg: b"--other\r\nContent-Type: image/jpeg\r\n\r\n" + jpeg + b"\r\n",
    "no-boundary-but-headers": lambda jpeg: (
        b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(jpeg), jpeg)
    ),
    "one-after-another": lambda jpeg: jpeg,
    "one-after-another-with-breaks": lambda jpeg: jpeg + b"\r\n",
    "stale-bytes-96": lambda jpeg: with_header(b"Content-Length: %d" % (len(jpeg) + 96))(jpeg + jpeg[-98:-2]),
    "stale-bytes-with-an-end": lambda jpeg: with_header(b"Content-Length: %d" % (len(jpeg) + 96))(jpeg + jpeg[-96:]),
    "stale-bytes-513-no-length": lambda jpeg: with_header(b"Content-Type: image/jpeg")(jpeg + jpeg[-513:]),
    "zeros-behind": lambda jpeg: with_header(b"Content-Length: %d" % (len(jpeg) + 300))(jpeg + bytes(300)),
    "a-few-bytes-before": lambda jpeg: with_header(b"Content-Type: image/jpeg")(b"\r\n\x00" + jpeg),
    "sound-between": lambda jpeg: with_length(0)(jpeg) + b"--frame\r\nContent-Type: audio/basic\r\n\r\nlala\r\n",
}


@pytest.mark.parametrize("announced", [b"frame", None, b"something else"], ids=["announced", "not-announced", "wrong"])
@pytest.mark.parametrize("way", WAYS)
def test_every_picture_comes_whole_however_it_is_wrapped(way: str, announced: bytes | None) -> None:
    if way == "no-dashes" and announced != b"frame":
        pytest.skip("a line that neither looks like a boundary nor was announced is none")
    stream = b"".join(WAYS[way](jpeg) for jpeg in PICTURES)
    for step in (1, 7, 700, len(stream)):
        assert good(parts(cut_every(stream, step), announced)) == PICTURES, step


@pytest.mark.parametrize("way", WAYS)
def test_a_picture_is_handed_out_before_the_next_one_comes(way: str) -> None:
    """But for the first one where a length that was right before is too long."""
    stream = PictureStream(b"frame", LIMIT)
    wrapped = WAYS[way](PICTURES[0])
    assert good([part.payload for part in stream.feed(wrapped, 0)]) == [PICTURES[0]]


@settings(max_examples=150)
@example([("stale-bytes-with-an-end", b"")], [1828])
@given(
    st.lists(st.tuples(st.sampled_from(sorted(WAYS)), st.binary(max_size=40)), min_size=1, max_size=5),
    st.lists(st.integers(0, 8000), max_size=8),
)
def test_junk_and_cuts_anywhere_harm_no_whole_picture(items: list[tuple[str, bytes]], cuts: list[int]) -> None:
    """Junk between a picture and the next boundary line, and other ways of wrapping in mid-stream."""
    others = ("no-dashes", "more-dashes", "line-feeds", "one-after", "no-boundary", "another-boundary")
    ways = [way for way, _ in items if not way.startswith(others)]
    stream = PICTURES[3].join([b"--frame\r\nContent-Type: image/jpeg\r\n\r\n", b"\r\n"])
    for way, (_, junk) in zip(ways, items, strict=False):
        stream += junk.replace(b"\xff", b"") + b"\r\n" + WAYS[way](PICTURES[0])
    at = sorted({cut for cut in cuts if cut < len(stream)})
    chunks = [stream[start:end] for start, end in zip([0, *at], [*at, len(stream)], strict=True)]
    cut, at_once = parts(chunks), parts([stream])
    assert good(cut) == good(at_once)
    assert len(good(cut)) == 1 + len(ways)
    # A picture ends at its own end, or, where more has come, at the announced length if that ends like a picture.
    assert "stale-bytes-with-an-end" in ways or cut == at_once


@given(st.binary(max_size=500), st.integers(1, 50), st.booleans())
def test_any_bytes_end_in_parts_or_an_error(data: bytes, step: int, begins_well: bool) -> None:
    stream = PictureStream(b"a", 200)
    data = (b"--a\r\n\r\n\xff\xd8\xff" if begins_well else b"") + data
    try:
        for chunk in cut_every(data, step):
            stream.feed(chunk, 0)
        stream.close(0)
    except SourceError:
        return
    assert len(stream._buffer) <= HEADERS_MAX_BYTES + 200 + step


@given(st.integers(0, len(PICTURES[0]) - 3), st.sampled_from(sorted(WAYS)), st.integers(1, 3000))
def test_a_picture_that_breaks_off_is_counted_and_costs_no_other(length: int, way: str, step: int) -> None:
    """Every whole picture comes, and for the broken one there is a part that is none."""
    without_boundaries = way.startswith(("one-after", "no-boundary"))
    if length < (700 if without_boundaries else 4) or way in ("a-few-bytes-before", "no-dashes", "sound-between"):
        return
    wrap = WAYS[way]
    whole, broken = wrap(PICTURES[1]), wrap(PICTURES[0])
    at = broken.index(PICTURES[0])
    half = broken[:at] + PICTURES[0][:length] + broken[at + len(PICTURES[0]) :].replace(PICTURES[0][-96:], b"")
    if way.startswith("stale"):
        half = broken[:at] + PICTURES[0][:length] + b"\r\n"
    found = parts(cut_every(whole + half + whole + whole, step))
    assert good(found) == [PICTURES[1]] * 3
    assert len(found) == 4


def test_a_boundary_inside_a_comment_is_part_of_the_picture() -> None:
    comment = b"\r\n--frame\r\n\r\nno boundary"
    jpeg = PICTURES[0][:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2) + comment + PICTURES[0][2:]
    stream = b"".join(with_length(0)(one) for one in (PICTURES[1], jpeg, PICTURES[2]))
    assert parts(cut_every(stream, 100)) == [PICTURES[1], jpeg, PICTURES[2]]


def test_what_is_no_picture_is_handed_out_to_be_counted() -> None:
    assert parts([with_length(0)(b"hello") * 2 + b"--frame\r\n"]) == [b"hello", b"hello"]


@pytest.mark.parametrize(
    "stream",
    [
        b"--frame\r\nContent-Length: 200000\r\n\r\n",
        b"--frame\r\n\r\n" + bytes(LIMIT + 20),
        PICTURES[0][:-2] + bytes(LIMIT + 20),
        b"--frame\r\nX: " + b"y" * 9000,
    ],
)
def test_what_is_too_long_is_refused_before_it_is_held(stream: bytes) -> None:
    with pytest.raises(SourceError, match="more than"):
        parts(cut_every(stream, 500))


def test_endless_garbage_is_not_held() -> None:
    stream = PictureStream(b"frame", LIMIT)
    for _ in range(1000):
        assert stream.feed(b"garbage" * 100, 0) == []
    assert len(stream._buffer) <= HEADERS_MAX_BYTES


def test_a_part_began_when_the_first_byte_of_its_payload_came() -> None:
    stream = PictureStream(b"frame", LIMIT)
    wrapped = with_length(0)(PICTURES[0])
    payload_at = wrapped.index(PICTURES[0])
    assert stream.feed(wrapped[:payload_at], 1.0) == []  # many cameras send the next boundary right behind a picture
    assert stream.feed(wrapped[payload_at : payload_at + 1], 2.0) == []
    assert [part.began_at for part in stream.feed(wrapped[payload_at + 1 :], 3.0)] == [2.0]


def test_the_cameras_own_time_is_read() -> None:
    stream = PictureStream(b"frame", LIMIT)
    data = with_header(b"X-Timestamp: 1700000000.250000")(PICTURES[0])
    data += with_header(b"x-timestamp : yesterday")(PICTURES[0])
    assert [part.timestamp_s for part in stream.feed(data, 0)] == [1_700_000_000.25, None]


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
    assert parts([body.getvalue()], boundary_of("multipart/x-mixed-replace;boundary=ffmpeg"), 1_000_000) == packets
