"""Fit a picture of any size into a model's input, and bring boxes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
import numpy.typing as npt

from services.detector.engines.base import Picture

GREY: Final = 114
"""What YOLO models are trained to see round a picture."""

Fit = Literal["centre", "corner", "stretch"]
"""Where a picture lies: in the middle (most), in the top left corner (YOLOX), or over all the input (RT-DETR)."""


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a picture lies in the model's input.

    Attributes:
        scale: input pixels per picture pixel, across and down.
        left: grey columns before the picture.
        top: grey rows above it.
        picture_size: (width, height) of the picture.
    """

    scale: tuple[float, float]
    left: int
    top: int
    picture_size: tuple[int, int]

    def to_picture(self, xyxy: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Boxes (n, 4) from input pixels to picture pixels, cut at the picture's border."""
        width, height = self.picture_size
        boxes = (xyxy - np.array([self.left, self.top] * 2, np.float32)) / np.array(self.scale * 2, np.float32)
        inside: npt.NDArray[np.float32] = np.clip(boxes, 0, np.array([width, height] * 2, np.float32))
        return inside


def fit(picture: Picture, size: tuple[int, int], how: Fit = "centre") -> tuple[Picture, Letterbox]:
    """Scale a picture to fit `size` (width, height); unless it is stretched, it keeps its shape, with grey beside it.

    Returns:
        The model's input (height, width, 3) and how the picture lies in it.
    """
    width, height = size
    picture_height, picture_width = picture.shape[:2]
    across, down = width / picture_width, height / picture_height
    scale = (across, down) if how == "stretch" else (min(across, down),) * 2
    inner = max(1, round(picture_width * scale[0])), max(1, round(picture_height * scale[1]))
    left, top = ((width - inner[0]) // 2, (height - inner[1]) // 2) if how == "centre" else (0, 0)
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
