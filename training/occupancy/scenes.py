"""Data sets made for training: rendered lots with their truth, places that nobody labelled, and hidden spaces."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np

from deploy.demo.lot.random_scenes import random_spaces
from services.detector.evaluation import Dataset, LabelledPicture, LabelledSpace, load_dataset
from services.detector.judge.views import quadrilateral
from services.detector.pictures import decode
from training.occupancy.things import Mask, Pixels, cut_out, put_thing, shade_somewhere

PICTURES_PER_LOT: Final = 6
PLACES_PER_PICTURE: Final = 30
HIDDEN_SHARE_MIN: Final = 0.6
"""A space is hidden of which things cover this share or more."""
SEEN_SHARE_MAX: Final = 0.08
"""It is not where they cover less than this; what lies between is left out."""
SEEN_KEPT: Final = 0.5
"""Share of the spaces that are not hidden, which are many."""
CUTOUTS: Final = 300
PICTURE_WIDTH_MAX: Final = 1280


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


def hidden_dataset(source: Path, folder: Path, variants: int, seed: int) -> None:
    """Put things before some spaces of labelled pictures; what is complete there is kept.

    The labels of what comes out say whether a space is hidden, not whether it is occupied.

    Args:
        source: folder with `annotations.json` and pictures.
        folder: to put it in.
        variants: of each picture.
        seed: of all that is put in.
    """
    if (folder / "annotations.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [picture for picture in load_dataset(source).images if picture.spaces]
    cutouts = _cutouts(pictures, source, np.random.default_rng(seed))
    made = []
    for number, picture in enumerate(pictures):
        for variant in range(variants):
            rng = np.random.default_rng([seed, variant, number])
            pixels = _read(source / picture.image)
            size = pixels.shape[1], pixels.shape[0]
            quads = [quadrilateral(np.asarray(space.polygon, float) * size) for space in picture.spaces]
            if rng.random() < 0.35:
                shade_somewhere(pixels, quads, rng)
            covered = np.zeros(pixels.shape[:2], np.float32)
            for _ in range(rng.integers(1, 4)):
                covered = np.maximum(covered, put_thing(pixels, quads, cutouts, rng))
            file = folder / f"{number:04d}-{variant}.jpg"
            cv2.imwrite(str(file), pixels, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(70, 95))])
            spaces = []
            for at, (space, corners) in enumerate(zip(picture.spaces, quads, strict=True)):
                inside = np.zeros(covered.shape, np.uint8)
                cv2.fillConvexPoly(inside, corners.astype(np.int32), (1,))
                share = float(covered[inside > 0].mean()) if inside.any() else 0.0
                if share >= HIDDEN_SHARE_MIN or (share <= SEEN_SHARE_MAX and rng.random() < SEEN_KEPT):
                    spaces.append(_labelled(at, np.asarray(space.polygon, float), share >= HIDDEN_SHARE_MIN))
            made.append(LabelledPicture(image=file.name, spaces=spaces))
        if number % 20 == 0:
            sys.stdout.write(f"{folder.name}: {number} of {len(pictures)} pictures\n")
            sys.stdout.flush()
    _write(folder, Dataset(name=folder.name, images=made))


def _cutouts(pictures: list[LabelledPicture], source: Path, rng: np.random.Generator) -> list[tuple[Pixels, Mask]]:
    """Vehicles that stand in spaces of these pictures."""
    found: list[tuple[Pixels, Mask]] = []
    for number in rng.permutation(len(pictures)):
        picture = pictures[number]
        occupied = [np.asarray(space.polygon, float) for space in picture.spaces if space.is_occupied]
        pixels = _read(source / picture.image)
        for at in rng.permutation(len(occupied))[:6]:
            made = cut_out(pixels, quadrilateral(occupied[at] * (pixels.shape[1], pixels.shape[0])))
            if made is not None:
                found.append(made)
        if len(found) >= CUTOUTS:
            break
    return found


def _read(file: Path) -> Any:
    """A picture, no wider than `PICTURE_WIDTH_MAX`."""
    pixels = decode(file.read_bytes())
    if pixels.shape[1] <= PICTURE_WIDTH_MAX:
        return pixels.copy()
    height = round(pixels.shape[0] * PICTURE_WIDTH_MAX / pixels.shape[1])
    return cv2.resize(pixels, (PICTURE_WIDTH_MAX, height), interpolation=cv2.INTER_AREA)


def _write(folder: Path, dataset: Dataset) -> None:
    (folder / "annotations.json").write_text(dataset.model_dump_json(), "utf-8")
