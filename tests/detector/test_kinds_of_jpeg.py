"""Every kind of JPEG that ingest hands on is decoded upright and of the size that ingest told, at each reduction."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from libs.common.errors import FrameError
from services.detector.pictures import FramePicture, check_size
from services.ingest.jpeg import read_jpeg
from tests.ingest.zoo.jpegs import encoded, exif, without_tables

SIZE = 320, 192
COLOURS = np.array([[[255, 255, 255], [0, 0, 255]], [[0, 255, 0], [0, 0, 0]]], np.uint8)
"""White, red, green and black, from the upper left to the lower right (BGR): no turned or mirrored picture is alike."""
UPRIGHT = np.ascontiguousarray(np.kron(COLOURS, np.ones((SIZE[1] // 2, SIZE[0] // 2, 1), np.uint8)))

STORED = {
    1: UPRIGHT,
    2: UPRIGHT[:, ::-1],
    3: UPRIGHT[::-1, ::-1],
    4: UPRIGHT[::-1],
    5: UPRIGHT.transpose(1, 0, 2),
    6: np.rot90(UPRIGHT),
    7: UPRIGHT.transpose(1, 0, 2)[::-1, ::-1],
    8: np.rot90(UPRIGHT, -1),
}
"""The picture as a camera stores it, by Exif's orientation."""


def cmyk() -> bytes:
    """As Photoshop and some scanners write it."""
    data = io.BytesIO()
    Image.fromarray(cv2.cvtColor(UPRIGHT, cv2.COLOR_BGR2RGB)).convert("CMYK").save(data, "JPEG", quality=95)
    return data.getvalue()


JPEGS = {
    **{f"exif-{turn}": exif(encoded(np.ascontiguousarray(stored)), turn) for turn, stored in STORED.items()},
    "progressive": encoded(UPRIGHT, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "progressive-turned": exif(encoded(np.ascontiguousarray(STORED[6]), cv2.IMWRITE_JPEG_PROGRESSIVE, 1), 6),
    "restart-markers": encoded(UPRIGHT, cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    "no-huffman-tables": without_tables(encoded(UPRIGHT)),
    "grey": encoded(cv2.cvtColor(UPRIGHT, cv2.COLOR_BGR2GRAY)),
    "grey-turned": exif(encoded(np.ascontiguousarray(cv2.cvtColor(UPRIGHT, cv2.COLOR_BGR2GRAY)[::-1, ::-1])), 3),
    "cmyk": cmyk(),
}


def corners(picture: np.ndarray) -> np.ndarray:
    """The colours in the middle of the four quarters, row by row."""
    height, width = picture.shape[:2]
    return picture[height // 4 :: height // 2, width // 4 :: width // 2].astype(int)[:2, :2]


def assert_alike(picture: np.ndarray, expected: np.ndarray) -> None:
    assert np.abs(corners(picture) - expected.astype(int)).max() < 24


@pytest.mark.parametrize("kind", JPEGS)
def test_it_is_upright_and_of_the_stated_size_however_far_it_is_decoded(kind: str) -> None:
    read = read_jpeg(JPEGS[kind])
    size = read.width, read.height
    assert size == SIZE
    check_size(JPEGS[kind], size, SIZE[0] * SIZE[1])
    grey = cv2.cvtColor(COLOURS, cv2.COLOR_BGR2GRAY)
    colours = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR) if kind.startswith("grey") else COLOURS

    whole = FramePicture(JPEGS[kind], size)
    assert whole.full.shape == (SIZE[1], SIZE[0], 3)
    assert_alike(whole.full, colours)
    for factor in (2, 4):
        reduced = FramePicture(JPEGS[kind], size).for_model((SIZE[0] // factor, SIZE[1] // factor), False)
        assert reduced.shape == (SIZE[1] // factor, SIZE[0] // factor, 3)
        assert_alike(reduced, colours)
    for picture in (whole, FramePicture(JPEGS[kind], size)):
        assert picture.thumbnail.shape == (SIZE[1] // 8, SIZE[0] // 8)
        assert_alike(picture.thumbnail, grey)


def test_a_turned_picture_that_is_told_as_it_is_stored_is_refused() -> None:
    with pytest.raises(FrameError, match="says it is 192x320"):
        _ = FramePicture(JPEGS["exif-6"], SIZE[::-1]).full
