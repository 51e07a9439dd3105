"""JPEG to picture and back."""

from __future__ import annotations

import cv2
import numpy as np

from libs.common.errors import FrameError
from services.detector.engines.base import Picture


def decode(jpeg: bytes) -> Picture:
    """Decode a JPEG to BGR, (height, width, 3).

    Raises:
        FrameError: it cannot be decoded.
    """
    try:
        picture: Picture | None = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise FrameError(f"cannot decode a frame of {len(jpeg)} bytes: {error}") from error
    if picture is None:
        raise FrameError(f"cannot decode a frame of {len(jpeg)} bytes")
    return picture


def encode(picture: Picture, quality: int) -> bytes:
    """Encode BGR as JPEG.

    Args:
        picture: (height, width, 3).
        quality: 1..100.

    Raises:
        FrameError: OpenCV's encoder refuses the picture.
    """
    done, buffer = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise FrameError(f"cannot encode a picture of shape {picture.shape}")
    return buffer.tobytes()
