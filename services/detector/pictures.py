"""JPEG to picture and back; no more of a picture is decoded than is needed."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from libs.common.errors import FrameError
from services.detector.engines.base import Picture

Thumbnail = npt.NDArray[np.uint8]
"""A small grey picture, (height, width)."""

# libjpeg decodes at an eighth, a quarter or half of the size at a fraction of the cost.
_REDUCED_COLOUR: Final = ((4, cv2.IMREAD_REDUCED_COLOR_4), (2, cv2.IMREAD_REDUCED_COLOR_2))


class FramePicture:
    """A JPEG that is decoded as far as somebody asks, once. Not to be shared by threads at the same time.

    Attributes:
        size: (width, height) in pixels of the whole picture.
    """

    def __init__(self, jpeg: bytes, size: tuple[int, int]) -> None:
        self.size = size
        self._jpeg = jpeg
        self._for_model: Picture | None = None
        self._shrink: int | None = None

    @cached_property
    def full(self) -> Picture:
        """The whole picture, (height, width, 3) BGR.

        Raises:
            FrameError: it cannot be decoded, or is not of the size that its header told.
        """
        picture = decode(self._jpeg)
        if (picture.shape[1], picture.shape[0]) != self.size:
            raise FrameError(f"frame of {picture.shape[1]}x{picture.shape[0]} says it is {self.size[0]}x{self.size[1]}")
        return picture

    @property
    def decoded(self) -> Picture | None:
        """What has been decoded in colour so far: what the model got, or else the whole picture; None if nothing."""
        return self._for_model if self._for_model is not None else self.__dict__.get("full")

    @cached_property
    def thumbnail(self) -> Thumbnail:
        """The picture in grey at an eighth of its size: the mean of each 8 by 8 block, from what is decoded already.

        Raises:
            FrameError: it cannot be decoded.
        """
        decoded = self.__dict__.get("full")
        if self._for_model is not None and self._shrink is not None:
            decoded = self._for_model
        if decoded is None:
            return _decode(self._jpeg, cv2.IMREAD_REDUCED_GRAYSCALE_8)
        size = -(-self.size[0] // 8), -(-self.size[1] // 8)
        small = cv2.resize(decoded, size, interpolation=cv2.INTER_AREA)
        return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)

    def for_model(self, input_size: tuple[int, int], full_is_needed: bool) -> Picture:
        """The picture, no larger than a model wants it.

        Args:
            input_size: (width, height) into which the model fits pictures.
            full_is_needed: the whole picture is decoded for something else anyway.

        Returns:
            The picture at the size that fits, or decoded at a half or a quarter and somewhat larger.

        Raises:
            FrameError: it cannot be decoded.
        """
        if self._for_model is None:
            scale = min(input_size[0] / self.size[0], input_size[1] / self.size[1])
            self._for_model = self._scaled(scale) if full_is_needed or "full" in self.__dict__ else self._reduced(scale)
        return self._for_model

    def small(self, width: int) -> Picture | None:
        """A picture so many pixels wide, with nothing drawn into it; None if the whole one is no wider.

        Uses what is decoded already, so it must be asked for before anything is drawn into `full`.

        Raises:
            FrameError: it cannot be decoded.
        """
        if self.size[0] <= width:
            return None
        scale = width / self.size[0]
        for_model = self._for_model
        if for_model is not None and for_model.shape[1] >= width:
            source = for_model
        else:
            source = self.full if "full" in self.__dict__ else self._reduced(scale)
        size = width, max(1, round(self.size[1] * scale))
        return np.asarray(cv2.resize(source, size, interpolation=cv2.INTER_AREA), np.uint8)

    def _scaled(self, scale: float) -> Picture:
        if scale >= 1:
            return self.full
        size = max(1, round(self.size[0] * scale)), max(1, round(self.size[1] * scale))
        self._note_shrink(size, (2,))
        return np.asarray(cv2.resize(self.full, size, interpolation=cv2.INTER_LINEAR), np.uint8)

    def _reduced(self, scale: float) -> Picture:
        for factor, flag in _REDUCED_COLOUR:
            if 1 / factor >= scale * 0.999:
                reduced = _decode(self._jpeg, flag)
                self._note_shrink((reduced.shape[1], reduced.shape[0]), (2, 4))
                return reduced
        return self.full

    def _note_shrink(self, size: tuple[int, int], factors: Sequence[int]) -> None:
        """Note where the model's picture has the means of 2 by 2 or 4 by 4 pixels: a thumbnail can be made of it."""
        fitting = (factor for factor in factors if (size[0] * factor, size[1] * factor) == self.size)
        self._shrink = next(fitting, None)


def check_size(jpeg: bytes, size: tuple[int, int], max_pixels: int) -> None:
    """Refuse a JPEG whose decoding would take too much memory, before it is decoded.

    Args:
        jpeg: the picture.
        size: (width, height) in pixels that its message told.
        max_pixels: the most that is decoded.

    Raises:
        FrameError: it has more pixels, or another size than its message told.
    """
    if size[0] * size[1] > max_pixels:
        raise FrameError(
            f"the picture has {size[0]}x{size[1]} pixels, more than the {max_pixels:,} of DETECTOR_FRAME_MAX_PIXELS: "
            "let the camera send smaller ones"
        )
    told = _size_in_header(jpeg)
    if told is not None and sorted(told) != sorted(size):  # one that is shown turned has its sides exchanged
        raise FrameError(f"frame of {told[0]}x{told[1]} says it is {size[0]}x{size[1]}")


def _size_in_header(jpeg: bytes) -> tuple[int, int] | None:
    """(width, height) from the first frame header (ITU-T T.81, B.2.2); None if there is none, so nothing to decode."""
    at = 2
    while at + 9 <= len(jpeg) and jpeg[at] == 0xFF:
        marker = jpeg[at + 1]
        if marker == 0xFF:  # a fill byte
            at += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
        elif 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(jpeg[at + 7 : at + 9], "big"), int.from_bytes(jpeg[at + 5 : at + 7], "big")
        else:
            at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    return None


def decode(jpeg: bytes) -> Picture:
    """Decode a JPEG to BGR, (height, width, 3).

    Raises:
        FrameError: it cannot be decoded.
    """
    return _decode(jpeg, cv2.IMREAD_COLOR)


def _decode(jpeg: bytes, flag: int) -> npt.NDArray[np.uint8]:
    try:
        picture: npt.NDArray[np.uint8] | None = cv2.imdecode(np.frombuffer(jpeg, np.uint8), flag)
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
