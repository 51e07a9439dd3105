"""How one picture of a place lies on another: the shift, turn and scale between them. Pure.

ORB features (Rublee et al., 2011) are matched and a similarity fitted with RANSAC (Fischler and Bolles, 1981).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from services.detector.view.edges import Grey

FEATURES_MAX: Final = 700
RATIO_MAX: Final = 0.8
"""A match must be this much nearer than the second best (Lowe, 2004)."""
INLIERS_MIN: Final = 14
INLIER_SHARE_MIN: Final = 0.25
ERROR_PIXELS: Final = 3.0
SCALES: Final = (0.4, 2.5)


@dataclass(frozen=True, slots=True)
class Shift:
    """From one picture to another; lengths are shares of the picture's width.

    Attributes:
        matrix: (2, 3) from points normalised by the picture's width to such points.
        right: how far the picture's middle went to the right, -1..1.
        down: how far it went down.
        turn_degrees: clockwise on screen.
        scale: above 1: things look larger.
    """

    matrix: npt.NDArray[np.float64]
    right: float
    down: float
    turn_degrees: float
    scale: float

    @property
    def size(self) -> float:
        """The farthest that a corner of the picture went, as a share of its width."""
        corners = np.array([[0, 0], [1, 0], [1, 0.75], [0, 0.75]], float)
        moved = corners @ self.matrix[:, :2].T + self.matrix[:, 2]
        return float(np.linalg.norm(moved - corners, axis=1).max())

    def __str__(self) -> str:
        parts = [
            f"{abs(self.right):.0%} of the width to the {'right' if self.right > 0 else 'left'}"
            if abs(self.right) >= 0.005
            else "",
            f"{abs(self.down):.0%} {'down' if self.down > 0 else 'up'}" if abs(self.down) >= 0.005 else "",
            f"turned by {self.turn_degrees:.0f} degrees" if abs(self.turn_degrees) >= 0.5 else "",
            f"{self.scale:.2f} times as large" if abs(self.scale - 1) >= 0.01 else "",
        ]
        return ", ".join(part for part in parts if part) or "by less than a pixel"


class Landmarks:
    """Points of a picture that can be found again."""

    def __init__(self, grey: Grey) -> None:
        """Find them in a shrunken picture."""
        equalised = cv2.createCLAHE(3.0, (8, 8)).apply(grey)
        orb = cv2.ORB.create(nfeatures=FEATURES_MAX, fastThreshold=8)
        points, self._descriptors = orb.detectAndCompute(equalised, None)
        self._points = np.array([point.pt for point in points], float).reshape(-1, 2)
        self._size = grey.shape[1], grey.shape[0]

    def shift_to(self, other: Landmarks) -> Shift | None:
        """Where this picture's things are in the other; None if too few of them are found there again."""
        if min(len(self._points), len(other._points)) < INLIERS_MIN:
            return None
        pairs = cv2.BFMatcher(cv2.NORM_HAMMING).knnMatch(self._descriptors, other._descriptors, k=2)
        good = [pair[0] for pair in pairs if len(pair) == 2 and pair[0].distance < RATIO_MAX * pair[1].distance]
        if len(good) < INLIERS_MIN:
            return None
        before = self._points[[match.queryIdx for match in good]]
        after = other._points[[match.trainIdx for match in good]]
        matrix, inliers = cv2.estimateAffinePartial2D(
            before, after, method=cv2.RANSAC, ransacReprojThreshold=ERROR_PIXELS, maxIters=2000
        )
        if matrix is None or inliers.sum() < max(INLIERS_MIN, INLIER_SHARE_MIN * len(good)):
            return None
        return self._describe(np.asarray(matrix, float), other._size)

    def _describe(self, matrix: npt.NDArray[np.float64], size: tuple[int, int]) -> Shift | None:
        scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
        if not SCALES[0] < scale < SCALES[1]:
            return None
        middle = np.array(self._size, float) / 2
        moved = (matrix[:, :2] @ middle + matrix[:, 2]) / size[0] - middle / self._size[0]
        normalised = np.column_stack([matrix[:, :2] * self._size[0] / size[0], matrix[:, 2] / size[0]])
        turn = float(np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])))
        return Shift(normalised, float(moved[0]), float(moved[1]), turn, scale * self._size[0] / size[0])
