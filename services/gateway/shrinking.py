"""JPEGs made small, for viewers who want no more: decoded at reduced scale, in a thread."""

from __future__ import annotations

import asyncio
import io
import struct
from typing import Final

from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile

from libs.common.errors import MessageError
from libs.common.live_messages import SMALL_WIDTH
from libs.common.messages import JPEG_START

QUALITY: Final = 75
PIXELS_MAX: Final = 50_000_000
"""A larger picture is not decoded; a progressive JPEG of this size takes 300 MB while it is."""
THREADS: Final = 2
"""Pictures made small at the same time; decoding must leave the viewers their share of the processor."""

_ORIENTATION: Final = 0x0112
_ON_ITS_SIDE: Final = frozenset({5, 6, 7, 8})
"""Exif orientations whose width is the height that is shown."""


class Shrinker:
    """Makes pictures small beside the event loop, a few at a time; who asks waits for a turn."""

    def __init__(self) -> None:
        self._threads = asyncio.Semaphore(THREADS)

    async def shrink(self, jpeg: bytes) -> bytes:
        """As `shrink`, in a thread. Raises `MessageError`."""
        async with self._threads:
            return await asyncio.to_thread(shrink, jpeg)


def shrink(jpeg: bytes) -> bytes:
    """A JPEG at most `SMALL_WIDTH` pixels wide, upright; one that is so already is returned as it is.

    libjpeg decodes no more than it needs: at a half, a quarter or an eighth of the size.

    Raises:
        MessageError: it cannot be decoded, or has more than `PIXELS_MAX` pixels.
    """
    if not jpeg.startswith(JPEG_START):
        raise MessageError("not a JPEG")
    try:
        with JpegImageFile(io.BytesIO(jpeg)) as image:
            if image.width * image.height > PIXELS_MAX:
                raise MessageError(f"{image.width}x{image.height} pixels are more than {PIXELS_MAX:,}")
            is_on_its_side = image.getexif().get(_ORIENTATION) in _ON_ITS_SIDE
            width = image.height if is_on_its_side else image.width
            if width <= SMALL_WIDTH:
                return jpeg
            scale = SMALL_WIDTH / width
            size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
            image.draft("RGB", size)
            small = ImageOps.exif_transpose(image.convert("RGB").resize(size, Image.Resampling.BOX))
            made = io.BytesIO()
            small.save(made, "JPEG", quality=QUALITY)
            return made.getvalue()
    except (OSError, SyntaxError, ValueError, struct.error, Image.DecompressionBombError) as error:
        raise MessageError(f"a picture of {len(jpeg)} bytes cannot be decoded: {error}") from error
