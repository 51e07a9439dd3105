"""Heads and framed bodies of answers: cut anywhere, with junk anywhere."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from libs.common.errors import SourceError
from services.ingest.picture_stream import PictureStream, boundary_of
from services.ingest.sources.http_head import HEAD_MAX_BYTES, BodyReader, Head, parse_head
from tests.support.pictures import make_jpeg

LIMIT = 100_000
PICTURES = [make_jpeg(32, 24, seed) for seed in range(3)]
STREAM = b"Content-Type: multipart/x-mixed-replace; boundary=frame"
ODD_LINES = [b"Server: \xff\x00", b"no colon here", b": no name", b"X-Long : " + b"y" * 300, b"Set-Cookie: a=b; Path=/",
             b"X-Folded: one\r\n two", b"Date=Tue, 12 Jun"]  # fmt: skip
PARTS = b"".join(
    b"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(one), one) for one in PICTURES
)


def cut(data: bytes, places: Sequence[int]) -> list[bytes]:
    """The data in pieces, cut at some places."""
    ends = sorted({place % (len(data) + 1) for place in places} | {len(data)})
    return [data[start:end] for start, end in zip([0, *ends], ends, strict=False) if start < end]


def chunked(data: bytes, places: Sequence[int], line: bytes, end: bytes) -> bytes:
    return b"".join(line % len(piece) + b"\r\n" + piece + b"\r\n" for piece in cut(data, places)) + end


def pictures_of(pieces: Sequence[bytes]) -> list[bytes]:
    """What a reader makes of an answer that comes in pieces: whole pictures, in order."""
    buffer, reader, stream = b"", None, None
    found: list[bytes] = []
    for piece in pieces:
        data = piece
        if reader is None:
            buffer += piece
            parsed = parse_head(buffer)
            if parsed is None:
                continue
            head, body_at = parsed
            reader, stream = BodyReader(head, LIMIT), PictureStream(boundary_of(head.get("content-type")), LIMIT)
            data = buffer[body_at:]
        assert stream is not None
        found += [part.payload for part in stream.feed(reader.feed(data), 0) if part.is_whole]
    return found


ENDS = [b"0\r\n\r\n", b"0\r\nX-Sum: 1\r\n\r\n", b"000;x=y\r\n\r\n", b""]
LINES = [b"%x", b"%X", b"000%x", b"%x;name=value", b'%x ; a="b;c"', b"  %x"]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(ODD_LINES), max_size=4),
    st.sampled_from([b"\r\n", b"\n"]),
    st.lists(st.integers(0, 5000), max_size=12),
    st.lists(st.integers(0, 6000), max_size=30),
    st.sampled_from(LINES),
    st.sampled_from(ENDS),
    st.booleans(),
)
def test_an_answer_is_read_however_it_is_chunked_and_cut(
    odd: list[bytes], newline: bytes, chunks: list[int], cuts: list[int], line: bytes, end: bytes, is_chunked: bool
) -> None:
    lines = [b"HTTP/1.1 200 OK", *odd, STREAM]
    body = PARTS
    if is_chunked:
        lines.append(b"Transfer-Encoding: chunked")
        body = chunked(PARTS, chunks, line, end)
    answer = newline.join(lines) + 2 * newline + body
    assert pictures_of(cut(answer, cuts)) == PICTURES
    assert pictures_of([answer]) == PICTURES


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 4000), st.binary(max_size=40), st.lists(st.integers(0, 6000), max_size=30), st.booleans())
def test_junk_anywhere_ends_in_pictures_or_a_sentence(at: int, junk: bytes, cuts: list[int], replaces: bool) -> None:
    """Whatever stands in an answer, no picture is made up, and nothing but `SourceError` is raised."""
    answer = (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + STREAM + b"\r\n\r\n" + chunked(PARTS, [900], b"%x", b"")
    )
    answer = answer[:at] + junk + answer[at + (len(junk) if replaces else 0) :]
    try:
        found = pictures_of(cut(answer, cuts))
    except SourceError:
        return
    assert len(found) <= len(PICTURES) + 1


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.booleans(), st.lists(st.integers(0, 400), max_size=10))
def test_any_bytes_are_a_head_or_wait_or_are_refused(data: bytes, begins_well: bool, cuts: list[int]) -> None:
    data = (b"HTTP/1.1 200 OK\r\n" if begins_well else b"") + data
    buffer = b""
    for piece in cut(data, cuts):
        buffer += piece
        try:
            parsed = parse_head(buffer)
        except SourceError:
            return
        if parsed is not None:
            assert 0 <= parsed[1] <= len(buffer)
            return


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=10), st.sampled_from(["", "gzip", "deflate"]))
def test_any_bytes_are_a_body_or_garbled(data: bytes, cuts: list[int], encoding: str) -> None:
    """Nothing but `SourceError` is raised."""
    head = Head(200, headers=(("transfer-encoding", "chunked"), ("content-encoding", encoding)))
    reader = BodyReader(head, LIMIT)
    for piece in cut(data, cuts):
        try:
            plain = reader.feed(piece)
        except SourceError:
            return
        assert len(plain) <= LIMIT


def test_a_chunks_length_that_never_ends_is_not_held() -> None:
    reader = BodyReader(Head(200, headers=(("transfer-encoding", "chunked"),)), LIMIT)
    pieces = [b"0" * 100] * 100
    with pytest.raises(SourceError, match="garbles their lengths"):
        list(map(reader.feed, pieces))


def test_a_head_without_an_end_is_not_held() -> None:
    with pytest.raises(SourceError, match="a head of more than"):
        parse_head(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * (HEAD_MAX_BYTES // 6))


@pytest.mark.parametrize(
    ("end", "is_reused"),
    [(b"0\r\n\r\n", True), (b"0\r\n", True), (b"0\r\nX-Sum: 1\r\n\r\n", False), (b"0\r\n\r\nHTTP", False)],
)
def test_a_connection_is_kept_only_where_the_answers_end_is_certain(end: bytes, is_reused: bool) -> None:
    reader = BodyReader(Head(200, headers=(("transfer-encoding", "chunked"),)), LIMIT)
    reader.feed(chunked(b"hello", [], b"%x", end))
    assert reader.is_done
    assert reader.is_exact == is_reused


def test_trailers_that_are_announced_are_not_taken_for_the_next_answer() -> None:
    reader = BodyReader(Head(200, headers=(("transfer-encoding", "chunked"), ("trailer", "X-Sum"))), LIMIT)
    reader.feed(chunked(b"hello", [], b"%x", b"0\r\n"))
    assert reader.is_done
    assert not reader.is_exact
