"""Decoded video frame to JPEG: its planes go to libjpeg-turbo as they are, without a detour over BGR pixels."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import simplejpeg

from libs.common.errors import FrameError


def encode_frame(frame: Any, quality: int) -> bytes:
    """One frame as a whole JPEG.

    Args:
        frame: an `av.VideoFrame` of any format; video's limited range of values becomes JPEG's full one.
        quality: 1..100.

    Raises:
        FrameError: it cannot be encoded.
    """
    full_range = frame if frame.format.name == "yuvj420p" else frame.reformat(format="yuvj420p")
    luma, blue, red = (_plane(full_range, number) for number in range(3))
    try:
        jpeg: bytes = simplejpeg.encode_jpeg_yuv_planes(luma, blue, red, quality)
    except ValueError as error:
        raise FrameError(f"cannot encode a frame of {frame.width}x{frame.height}: {error}") from error
    return jpeg


def _plane(frame: Any, number: int) -> npt.NDArray[np.uint8]:
    """A plane's pixels without the padding at the end of its rows."""
    plane = frame.planes[number]
    rows = np.frombuffer(plane, np.uint8, plane.line_size * plane.height).reshape(plane.height, plane.line_size)
    return np.ascontiguousarray(rows[:, : plane.width])
