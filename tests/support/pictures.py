"""Small real JPEGs."""

from __future__ import annotations

import numpy as np
import simplejpeg


def make_jpeg(width: int = 64, height: int = 48, seed: int = 0) -> bytes:
    """A JPEG of smooth noise; other seeds give other pictures."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8)
    picture = np.ascontiguousarray(np.kron(small, np.ones((8, 8, 1), np.uint8)))
    jpeg: bytes = simplejpeg.encode_jpeg(picture, quality=80, colorspace="BGR")
    return jpeg
