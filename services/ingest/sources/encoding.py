"""Decoded video frame to JPEG: its planes go to libjpeg-turbo as they are, without a detour over BGR pixels.

The JPEG shows what a player shows: upright, by the frame's display matrix, and with square pixels.
"""

from __future__ import annotations

import struct
from fractions import Fraction
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import simplejpeg

from libs.common.errors import FrameError

_MATRIX: Final = struct.Struct("<9i")
"""Of libavutil's display matrix, in 16.16 fixed point; the first, second, fourth and fifth turn and mirror."""
Plane = npt.NDArray[np.uint8]


def encode_frame(frame: Any, quality: int, pixel_aspect: Fraction | None = None) -> bytes:
    """One frame as a whole JPEG.

    Args:
        frame: an `av.VideoFrame` of any format; video's limited range of values becomes JPEG's full one.
        quality: 1..100.
        pixel_aspect: width of a pixel by its height; square if None.

    Raises:
        FrameError: it cannot be encoded.
    """
    width = frame.width if not pixel_aspect else max(1, round(frame.width * pixel_aspect))
    if frame.format.name != "yuvj420p" or width != frame.width:
        full_range = frame.reformat(format="yuvj420p", width=width)
    else:
        full_range = frame
    matrix = display_matrix(frame)
    luma, blue, red = (_upright(_plane(full_range, number), matrix) for number in range(3))
    try:
        jpeg: bytes = simplejpeg.encode_jpeg_yuv_planes(luma, blue, red, quality)
    except ValueError as error:
        raise FrameError(f"cannot encode a frame of {frame.width}x{frame.height}: {error}") from error
    return jpeg


def display_matrix(frame: Any) -> tuple[int, int, int, int] | None:
    """How to turn and mirror a frame: a, b, c, d of its display matrix; None if it is upright already."""
    for item in frame.side_data:
        data = item if hasattr(item, "type") else frame.side_data[item]  # since PyAV 19 iteration gives the kinds
        if data.type.name == "DISPLAYMATRIX":
            a, b, _, c, d, *_ = _MATRIX.unpack(bytes(data)[: _MATRIX.size])
            return None if (a > 0 and d > 0 and not b and not c) else (a, b, c, d)
    return None


def _upright(plane: Plane, matrix: tuple[int, int, int, int] | None) -> Plane:
    """A pixel at (x, y) is shown at (a·x + c·y, b·x + d·y); only quarter turns and mirrors are done."""
    if matrix is None:
        return plane
    a, b, c, d = matrix
    if abs(b) + abs(c) > abs(a) + abs(d):
        plane, across, down = plane.T, c, b
    else:
        across, down = a, d
    return np.ascontiguousarray(plane[:: -1 if down < 0 else 1, :: -1 if across < 0 else 1])


def _plane(frame: Any, number: int) -> Plane:
    """A plane's pixels without the padding at the end of its rows."""
    plane = frame.planes[number]
    rows = np.frombuffer(plane, np.uint8, plane.line_size * plane.height).reshape(plane.height, plane.line_size)
    return np.ascontiguousarray(rows[:, : plane.width])
