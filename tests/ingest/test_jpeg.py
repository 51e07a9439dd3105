from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.errors import FrameError
from services.ingest.jpeg import JpegWalker, TooManyPixels, jpeg_size, read_jpeg
from tests.support.pictures import make_jpeg

JPEG = make_jpeg(320, 240)


def with_segment(jpeg: bytes, marker: int, content: bytes) -> bytes:
    return jpeg[:2] + bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2) + content + jpeg[2:]


def with_orientation(jpeg: bytes, orientation: int, *, order: str = "<") -> bytes:
    mark = b"II" if order == "<" else b"MM"
    tiff = mark + struct.pack(f"{order}HIHHHIHHI", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    return with_segment(jpeg, 0xE1, b"Exif\0\0" + tiff)


def progressive(quality: int = 80) -> bytes:
    picture = np.random.default_rng(1).integers(0, 255, (240, 320, 3), np.uint8)
    made = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return made.tobytes()


def with_restarts() -> bytes:
    picture = np.random.default_rng(1).integers(0, 255, (240, 320, 3), np.uint8)
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_RST_INTERVAL, 4])[1].tobytes()


WHOLE = {
    "plain": JPEG,
    "progressive": progressive(),
    "restarts": with_restarts(),
    "with-thumbnail": with_segment(JPEG, 0xE1, b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0" + make_jpeg(32, 24)),
    "grey": cv2.imencode(".jpg", np.full((240, 320), 7, np.uint8))[1].tobytes(),
    "fill-bytes": JPEG[:-2] + b"\xff\xff\xff\xd9",
}


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("junk", [b"", bytes(513), JPEG[-96:], JPEG[100:700], b"\r\n", b"\xff", b"\xff\xd9", JPEG])
def test_what_follows_the_true_end_is_cut_off(name: str, junk: bytes) -> None:
    whole = WHOLE[name]
    found = read_jpeg(whole + junk)
    assert (found.data, found.width, found.height) == (whole, 320, 240)


@pytest.mark.parametrize("name", WHOLE)
def test_the_end_is_found_however_the_bytes_come(name: str) -> None:
    whole = WHOLE[name] + JPEG[:50]
    walker = JpegWalker()
    ends = [walker.find_end(whole[:length]) for length in range(2, len(WHOLE[name]) + 1)]
    assert ends == [None] * (len(ends) - 1) + [len(WHOLE[name])]


@pytest.mark.parametrize("name", sorted(WHOLE.keys() - {"fill-bytes"}))
@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("behind", [b"", bytes(100), b"\r\n--b\r\n"])
def test_a_picture_that_is_cut_off_is_refused(name: str, share: float, behind: bytes) -> None:
    """Also where a thumbnail in its header has an end of its own."""
    cut = WHOLE[name][: int(len(WHOLE[name]) * share)] + behind
    with pytest.raises(FrameError, match=r"half a JPEG|broken JPEG"):
        read_jpeg(cut)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("order", ["<", ">"])
def test_the_size_is_that_of_the_upright_picture(orientation: int, order: str) -> None:
    """As OpenCV, and with it the detector, turns it."""
    turned = with_orientation(JPEG, orientation, order=order)
    picture = cv2.imdecode(np.frombuffer(turned, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert jpeg_size(turned) == (picture.shape[1], picture.shape[0])
    assert read_jpeg(turned).data == turned


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_an_orientation_that_is_none_is_upright(orientation: int) -> None:
    assert jpeg_size(with_orientation(JPEG, orientation)) == (320, 240)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "not a JPEG"),
        (b"GIF89a", "not a JPEG"),
        (JPEG[:-200], "half a JPEG"),
        (b"\xff\xd8\xff\xd9", "no size"),
        (b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xd9", "half a JPEG|no size"),
        (b"\xff\xd8\xff\xe0\x00\x01" + JPEG, "segment without a length"),
        (JPEG.replace(b"\xff\xc0", b"\xff\xc3", 1), "lossless, arithmetic or 12-bit"),
        (JPEG.replace(b"\xff\xc0", b"\xff\xc9", 1), "lossless, arithmetic or 12-bit"),
        (JPEG[:-300] + JPEG, "half a JPEG: another begins"),
    ],
)
def test_what_is_no_whole_jpeg_is_refused(data: bytes, problem: str) -> None:
    with pytest.raises(FrameError, match=problem):
        read_jpeg(data)


def test_a_picture_with_too_many_pixels_is_refused_by_its_header() -> None:
    assert read_jpeg(JPEG, 320 * 240).width == 320
    with pytest.raises(TooManyPixels, match="320x240 pixels, more than the 76,799 of INGEST_FRAME_MAX_PIXELS"):
        read_jpeg(JPEG, 320 * 240 - 1)
    huge = JPEG.replace(b"\x00\xf0\x01\x40", b"\x3e\x80\x3e\x80", 1)
    with pytest.raises(TooManyPixels, match="16000x16000"):
        read_jpeg(huge, 50_000_000)


@given(st.binary(max_size=200), st.integers(0, 100))
def test_any_bytes_end_in_a_size_or_an_error(data: bytes, at: int) -> None:
    for candidate in (data, b"\xff\xd8" + data + b"\xff\xd9", JPEG[:at] + data + JPEG[at:]):
        try:
            found = read_jpeg(candidate)
        except FrameError:
            continue
        assert found.width > 0
        assert found.height > 0
        assert candidate.startswith(found.data)
