from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.errors import FrameError
from services.ingest.jpeg import jpeg_size
from tests.support.pictures import make_jpeg


def test_the_size_is_read_from_the_header() -> None:
    assert jpeg_size(make_jpeg(640, 480)) == (640, 480)


def test_padding_after_the_end_is_let_pass() -> None:
    assert jpeg_size(make_jpeg(64, 48) + bytes(300)) == (64, 48)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "not a JPEG"),
        (b"GIF89a", "not a JPEG"),
        (make_jpeg()[:-200], "half a JPEG"),
        (b"\xff\xd8\xff\xd9", "no size"),
        (b"\xff\xd8garbage\xff\xd9", "no marker"),
        (b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xd9", "no size"),
    ],
)
def test_what_is_no_whole_jpeg_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(FrameError, match=problem):
        jpeg_size(data)


@given(st.binary(max_size=200))
def test_any_bytes_end_in_a_size_or_an_error(data: bytes) -> None:
    for candidate in (data, b"\xff\xd8" + data + b"\xff\xd9"):
        try:
            width, height = jpeg_size(candidate)
        except FrameError:
            continue
        assert width > 0
        assert height > 0
