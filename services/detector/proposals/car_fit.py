"""Stand a car of usual size on the ground so that it fills a box of the picture. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from services.detector.proposals.ground_camera import Array, GroundCamera, rectangles

BODY_M: Final = (4.1, 1.65)
"""Length and width of a usual car, less what its rounded corners take from the box round it."""
ROOF_M: Final = (2.1, 1.2)
SILL_Z_M: Final = 0.1
WAIST_Z_M: Final = 0.85
ROOF_Z_M: Final = 1.48
STEPS: Final = 3
"""Of moving the car until the middles agree; each leaves a tenth of the error or less."""


@dataclass(frozen=True, slots=True)
class CarFit:
    """Cars that stand in n boxes, for k headings each.

    Attributes:
        centres: (n, k, 2) metres on the ground; NaN where none can stand.
        size_errors: (n, k, 2) natural logarithm of the box's width and height over the car's; NaN likewise.
        directions: (n, k, 2) of the car's long and short sides in the picture, radians from the x axis; NaN likewise.
    """

    centres: Array
    size_errors: Array
    directions: Array


def _outline(headings: Array) -> Array:
    """(k, 12, 3) points that bound a car at the origin."""
    none = np.zeros((len(headings), 2))
    layers = []
    for (length, width), z in ((BODY_M, SILL_Z_M), (BODY_M, WAIST_Z_M), (ROOF_M, ROOF_Z_M)):
        corners = rectangles(none, headings, length, width)
        layers.append(np.concatenate([corners, np.full((*corners.shape[:-1], 1), z)], axis=-1))
    return np.concatenate(layers, axis=1)


def fit_cars(camera: GroundCamera, boxes: Array, headings: Array) -> CarFit:
    """Stand a car in each box, for each heading.

    Args:
        camera: that took the picture.
        boxes: (n, 4) left, top, right, bottom in picture widths from the picture's middle.
        headings: (k,) radians.
    """
    outline = _outline(headings)[None]
    middles = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
    sizes = boxes[:, None, 2:] - boxes[:, None, :2]
    anchors = np.repeat(middles + sizes * (0, 0.2), len(headings), axis=1)
    for step in range(STEPS):
        centres = camera.to_ground(anchors)
        places = np.concatenate([centres, np.zeros((*centres.shape[:-1], 1))], axis=-1)
        shown = camera.to_picture(places[:, :, None, :] + outline)
        least, most = shown.min(axis=2), shown.max(axis=2)
        if step < STEPS - 1:
            anchors = anchors + middles - (least + most) / 2
    return CarFit(centres, np.log(sizes / (most - least)), _directions(camera, centres, headings))


def _directions(camera: GroundCamera, centres: Array, headings: Array) -> Array:
    """(n, k, 2): how lines along and across cars at these centres run in the picture."""
    turned = np.stack([headings, headings + np.pi / 2], axis=-1)
    steps = np.stack([np.cos(turned), np.sin(turned)], axis=-1) * 0.5
    ends = [centres[:, :, None] + steps * sign for sign in (-1, 1)]
    waist = np.full((*ends[0].shape[:-1], 1), WAIST_Z_M)
    start, end = (camera.to_picture(np.concatenate([points, waist], axis=-1)) for points in ends)
    return np.arctan2(end[..., 1] - start[..., 1], end[..., 0] - start[..., 0])
