"""How good the demo's model is: on rendered pictures that training never saw, and on the clips. Without torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from deploy.demo.lot.truth import Truth
from services.detector.engines.base import Engine, Picture
from services.detector.pictures import decode, encode

CONFIDENCE = 0.25
SAME_IOU = 0.5
CAMERA_JPEG_QUALITY = 80


@dataclass(frozen=True, slots=True)
class Score:
    """Counts over a set of pictures.

    Attributes:
        pictures: how many.
        found: vehicles found that are there (IoU of at least 0.5, whatever the class).
        false: vehicles found that are not there.
        missed: vehicles there that were not found.
        right_class: of those found, how many with the right class.
        within_one: pictures whose number of vehicles is right to within one.
    """

    pictures: int = 0
    found: int = 0
    false: int = 0
    missed: int = 0
    right_class: int = 0
    within_one: int = 0

    @property
    def precision(self) -> float:
        """Share of what was found that is there."""
        return self.found / max(1, self.found + self.false)

    @property
    def recall(self) -> float:
        """Share of what is there that was found."""
        return self.found / max(1, self.found + self.missed)

    def plus(self, other: Score) -> Score:
        """Both sets together."""
        return Score(*(getattr(self, name) + getattr(other, name) for name in self.__slots__))


def score_picture(
    engine: Engine, picture: Picture, boxes: npt.NDArray[np.float64], names: list[str], confidence: float = CONFIDENCE
) -> Score:
    """Compare what the engine finds in one picture with the truth, boxes (n, 4) as x1, y1, x2, y2 pixels."""
    found = engine.detect([picture], confidence)[0]
    overlap = _iou(found.xyxy, boxes)
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    pairs = [(row, column) for row, column in zip(rows, columns, strict=True) if overlap[row, column] >= SAME_IOU]
    right = sum(found.data["class_name"][row] == names[column] for row, column in pairs)
    return Score(
        pictures=1,
        found=len(pairs),
        false=len(found) - len(pairs),
        missed=len(boxes) - len(pairs),
        right_class=int(right),
        within_one=int(abs(len(found) - len(boxes)) <= 1),
    )


def score_scenes(engine: Engine, folder: Path, classes: tuple[str, ...]) -> Score:
    """The score on the pictures of `folder`/images/val."""
    total = Score()
    for file in sorted((folder / "images/val").glob("*.jpg")):
        picture = decode(file.read_bytes())
        height, width = picture.shape[:2]
        text = (folder / "labels/val" / f"{file.stem}.txt").read_text("utf-8").split()
        labels = np.array(text, float).reshape(-1, 5)
        middle, size = labels[:, 1:3] * (width, height), labels[:, 3:5] * (width, height)
        boxes = np.concatenate([middle - size / 2, middle + size / 2], axis=1)
        total = total.plus(score_picture(engine, picture, boxes, [classes[int(number)] for number in labels[:, 0]]))
    return total


def score_clip(engine: Engine, clip: Path, truth: Truth, every: int = 1) -> Score:
    """The score on a clip's frames as a camera sends them, as JPEG."""
    total = Score()
    for number, picture in enumerate(read_clip(clip)):
        if number % every == 0:
            seen = truth.vehicles[number]
            corners = np.array([vehicle["box"] for vehicle in seen], float).reshape(-1, 4)
            corners[:, 2:] += corners[:, :2]
            sent = decode(encode(picture, CAMERA_JPEG_QUALITY))
            total = total.plus(score_picture(engine, sent, corners, [vehicle["class"] for vehicle in seen]))
    return total


def read_clip(clip: Path) -> Iterator[Picture]:
    """The clip's frames, (height, width, 3) BGR."""
    with av.open(str(clip)) as container:
        for frame in container.decode(video=0):
            yield frame.to_ndarray(format="bgr24")


def _iou(first: npt.NDArray[np.float32], second: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Intersection over union of every pair, (n, m)."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.clip(high - low, 0, None).prod(axis=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (first, second)]
    result: npt.NDArray[np.float64] = shared / np.maximum(areas[0][:, None] + areas[1][None, :] - shared, 1e-9)
    return result
