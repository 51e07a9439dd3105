"""Fit a picture of any size into a model's input, and bring boxes back."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from services.detector.engines.base import Picture

GREY = 114
"""What YOLO models are trained to see round a picture."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a picture lies in the model's input.

    Attributes:
        scale: input pixels per picture pixel.
        left: grey columns before the picture.
        top: grey rows above it.
        picture_size: (width, height) of the picture.
    """

    scale: float
    left: int
    top: int
    picture_size: tuple[int, int]

    def to_picture(self, xyxy: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Boxes (n, 4) from input pixels to picture pixels, cut at the picture's border."""
        width, height = self.picture_size
        boxes = (xyxy - np.array([self.left, self.top] * 2, np.float32)) / np.float32(self.scale)
        inside: npt.NDArray[np.float32] = np.clip(boxes, 0, np.array([width, height] * 2, np.float32))
        return inside


def fit(picture: Picture, size: tuple[int, int]) -> tuple[Picture, Letterbox]:
    """Scale a picture to fit `size` (width, height), keeping its shape, with grey bars round it.

    Returns:
        The model's input (height, width, 3) and how the picture lies in it.
    """
    width, height = size
    picture_height, picture_width = picture.shape[:2]
    scale = min(width / picture_width, height / picture_height)
    inner = max(1, round(picture_width * scale)), max(1, round(picture_height * scale))
    left, top = (width - inner[0]) // 2, (height - inner[1]) // 2
    box = Letterbox(scale, left, top, (picture_width, picture_height))
    if inner == (picture_width, picture_height):
        scaled = picture
    else:
        scaled = cv2.resize(picture, inner, interpolation=cv2.INTER_LINEAR)
    if inner == size:
        return scaled, box
    whole = np.full((height, width, 3), GREY, np.uint8)
    whole[top : top + inner[1], left : left + inner[0]] = scaled
    return whole, box
