"""The size of video, before anything of it is decoded, and its true shape."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, Final

from libs.common.errors import SourceError
from services.ingest.settings import IngestSettings

STRETCH_MAX: Final = 8
"""A ratio beyond this is a mistake of the camera, and the picture is left as it is."""


def check_pixels(stream: Any, settings: IngestSettings) -> None:
    """Refuse video that is too large to decode.

    Args:
        stream: an `av` video stream.
        settings: with the limit.

    Raises:
        SourceError: it has more pixels than allowed.
    """
    check_size(stream.codec_context.width, stream.codec_context.height, settings, "video")


def check_size(width: int, height: int, settings: IngestSettings, what: str = "picture") -> None:
    """Refuse what is too large to decode.

    Args:
        width: in pixels.
        height: in pixels.
        settings: with the limit.
        what: is so large.

    Raises:
        SourceError: it has more pixels than allowed.
    """
    if width * height > settings.frame_max_pixels:
        raise SourceError(
            f"the {what} has {width}x{height} pixels, more than the {settings.frame_max_pixels:,} of "
            "INGEST_FRAME_MAX_PIXELS: set the camera to a smaller size, or raise the limit"
        )


class PixelAspect:
    """The width of a stream's pixels by their height; anamorphic video has pixels that are not square.

    The container's word holds until the codec's own changes in mid-stream.
    """

    def __init__(self, stream: Any) -> None:
        self._stream = stream
        self._first = stream.codec_context.sample_aspect_ratio

    def now(self) -> Fraction | None:
        """The ratio for the frame that was decoded last; None for square pixels."""
        coded = self._stream.codec_context.sample_aspect_ratio
        ratio = coded if coded and self._first and coded != self._first else self._stream.sample_aspect_ratio or coded
        return Fraction(ratio) if ratio and ratio != 1 and 1 / STRETCH_MAX <= ratio <= STRETCH_MAX else None
