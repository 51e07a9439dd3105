"""JPEGs of all kinds."""

from __future__ import annotations

import struct

import cv2
import numpy as np

from tests.support.pictures import make_jpeg

SIZE = (160, 120)
JPEGS = [make_jpeg(*SIZE, seed) for seed in range(3)]
JPEG = JPEGS[0]


def exif(jpeg: bytes, orientation: int) -> bytes:
    content = b"Exif\0\0II" + struct.pack("<HIHHHIHHI", 42, 8, 1, 0x0112, 3, 1, orientation, 0, 0)
    return jpeg[:2] + b"\xff\xe1" + (len(content) + 2).to_bytes(2) + content + jpeg[2:]


def with_thumbnail(jpeg: bytes) -> bytes:
    content = b"Exif\0\0II*\0\x08\0\0\0\0\0" + make_jpeg(16, 16)
    return jpeg[:2] + b"\xff\xe1" + (len(content) + 2).to_bytes(2) + content + jpeg[2:]


def encoded(picture: np.ndarray, *options: int) -> bytes:
    return cv2.imencode(".jpg", picture, list(options))[1].tobytes()


def without_tables(jpeg: bytes) -> bytes:
    """A JPEG without its Huffman tables, as many USB and network cameras send them."""
    out, at = bytearray(jpeg[:2]), 2
    while jpeg[at + 1] != 0xDA:
        length = 2 + int.from_bytes(jpeg[at + 2 : at + 4])
        if jpeg[at + 1] != 0xC4:
            out += jpeg[at : at + length]
        at += length
    return bytes(out) + jpeg[at:]


NOISE = np.random.default_rng(3).integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8)
PROGRESSIVE = encoded(NOISE, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
GREY = encoded(NOISE[:, :, 0])
BARE = without_tables(encoded(NOISE))
TURNED = exif(JPEG, 6)
HUGE = JPEG.replace(b"\x00\x78\x00\xa0", b"\x3e\x80\x3e\x80", 1)
