"""Data sets made for training: rendered lots with their truth, and places that nobody labelled."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from deploy.demo.lot.random_scenes import random_spaces
from services.detector.evaluation import Dataset, LabelledPicture, LabelledSpace, load_dataset

PICTURES_PER_LOT: Final = 6
PLACES_PER_PICTURE: Final = 30


def render_dataset(folder: Path, pictures: int, seed: int, sun_heights_deg: tuple[float, float]) -> None:
    """Render lots with their spaces and the truth, as a labelled data set; what is complete there is kept.

    Args:
        folder: to put it in.
        pictures: how many.
        seed: of all that is in them.
        sun_heights_deg: between which the sun stands.
    """
    if (folder / "annotations.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    made, scenes = [], random_spaces(seed, PICTURES_PER_LOT, sun_heights_deg)
    for number in range(pictures):
        picture, outlines = next(scenes)
        height, width = picture.shape[:2]
        file = folder / f"{number:04d}.jpg"
        cv2.imwrite(str(file), picture, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(60, 95))])
        spaces = [
            _labelled(at, corners / (width, height), is_occupied) for at, (corners, is_occupied) in enumerate(outlines)
        ]
        made.append(LabelledPicture(image=file.name, spaces=spaces))
        if number % 20 == 0:
            sys.stdout.write(f"{folder.name}: {number} of {pictures} pictures rendered\n")
            sys.stdout.flush()
    _write(folder, Dataset(name=folder.name, images=made))


def unlabelled_dataset(source: Path, folder: Path, seed: int) -> None:
    """Shapes of spaces moved to where none is marked, in the pictures of a data set; their labels mean nothing."""
    if (folder / "annotations.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    made = []
    for picture in load_dataset(source).images:
        shutil.copyfile(source / picture.image, folder / picture.image)
        spaces = []
        for number in range(PLACES_PER_PICTURE):
            polygon = np.array(picture.spaces[rng.integers(len(picture.spaces))].polygon, float)
            extent = np.ptp(polygon, axis=0)
            # Half a space away cars are cut in two; further off there are lanes, grass and hedges.
            moved = polygon + rng.normal(0, 0.35 if number % 2 else 1.5, 2) * extent
            moved = np.clip(moved + rng.normal(0, 0.05, moved.shape) * extent, 0, 1)
            if cv2.contourArea(moved.astype(np.float32)) > 2e-5:
                spaces.append(_labelled(number, moved, False))
        made.append(LabelledPicture(image=picture.image, spaces=spaces))
    _write(folder, Dataset(name=folder.name, images=made))


def _labelled(number: int, corners: Any, is_occupied: bool) -> LabelledSpace:
    polygon = [(float(x), float(y)) for x, y in np.round(np.clip(corners, 0, 1), 5)]
    return LabelledSpace(space_id=f"s{number}", polygon=polygon, is_occupied=is_occupied)


def _write(folder: Path, dataset: Dataset) -> None:
    (folder / "annotations.json").write_text(dataset.model_dump_json(), "utf-8")
