"""Video is handed on upright and in its true shape, whatever its pixels and its display matrix."""

from __future__ import annotations

import io
import struct
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from services.ingest.jpeg import jpeg_size
from tests.support.rtsp import read_frames

MATRIX = struct.Struct(">9i")
ONE = 1 << 16
UPRIGHT = (ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30)
CLOCKWISE = (0, ONE, 0, -ONE, 0, 0, 0, 0, 1 << 30)
UPSIDE_DOWN = (-ONE, 0, 0, 0, -ONE, 0, 0, 0, 1 << 30)
COUNTER_CLOCKWISE = (0, -ONE, 0, ONE, 0, 0, 0, 0, 1 << 30)


def clip(size: tuple[int, int], aspect: Fraction = Fraction(1), matrix: tuple[int, ...] = UPRIGHT) -> bytes:
    """A second of MP4 whose upper half is white as it is stored."""
    data = io.BytesIO()
    with av.open(data, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=20)
        (stream.width, stream.height), stream.pix_fmt = size, "yuv420p"
        stream.codec_context.sample_aspect_ratio = aspect
        picture = np.zeros((size[1], size[0], 3), np.uint8)
        picture[: size[1] // 2] = 255
        for _ in range(20):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    stored = data.getvalue()
    track = stored.index(b"tkhd")  # ISO 14496-12, 8.3.2
    at = stored.index(MATRIX.pack(*UPRIGHT), track)
    return stored[:at] + MATRIX.pack(*matrix) + stored[at + MATRIX.size :]


@pytest.mark.parametrize(
    ("matrix", "size", "white_half"),
    [
        (UPRIGHT, (320, 240), "upper"),
        (CLOCKWISE, (240, 320), "right"),
        (UPSIDE_DOWN, (320, 240), "lower"),
        (COUNTER_CLOCKWISE, (240, 320), "left"),
    ],
)
async def test_a_phones_video_is_upright(
    tmp_path: Path, matrix: tuple[int, ...], size: tuple[int, int], white_half: str
) -> None:
    path = tmp_path / "phone.mp4"
    path.write_bytes(clip((320, 240), matrix=matrix))
    (frame,) = await read_frames(path.as_uri(), 1)
    assert jpeg_size(frame.jpeg) == size
    picture = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    halves = {
        "upper": picture[: size[1] // 2],
        "lower": picture[size[1] // 2 :],
        "left": picture[:, : size[0] // 2],
        "right": picture[:, size[0] // 2 :],
    }
    assert max(halves, key=lambda half: float(halves[half].mean())) == white_half


async def test_anamorphic_video_gets_its_true_shape(tmp_path: Path) -> None:
    path = tmp_path / "pal.mp4"
    path.write_bytes(clip((704, 576), Fraction(16, 11)))
    (frame,) = await read_frames(path.as_uri(), 1)
    assert jpeg_size(frame.jpeg) == (1024, 576)
