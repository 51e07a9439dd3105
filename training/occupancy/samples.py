"""Labelled spaces as samples to train on: their views, and what the trunk makes of them, kept on disk."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

from services.detector.evaluation import Dataset, load_dataset
from services.detector.judge.trunk import MAP_CELLS, MAP_CHANNELS, VECTOR_LENGTH, Trunk
from services.detector.judge.views import VIEW_PIXELS, WIDTH_MAX, Pyramid, quadrilateral
from services.detector.pictures import decode
from training.occupancy.augmentation import augmented_views

VIEWS: Final = ("upright", "rectified")


@dataclass(frozen=True)
class SampleSet:
    """n samples, each `copies` times: the first copy as it is, the others augmented.

    Attributes:
        labels: (n,) 0 free, 1 occupied.
        pictures: (n,) which picture each is of; pictures of one place have neighbouring numbers.
        side_px: (n,) square root of the area.
        views: by view, (copies, n, 128, 128, 3).
        corners: by view, (copies, n, 4, 2).
        maps: by view, (copies, n, 256, 16) half precision.
        vectors: by view, (copies, n, 1280) half precision.
    """

    labels: npt.NDArray[np.float32]
    pictures: npt.NDArray[np.int64]
    side_px: npt.NDArray[np.float64]
    views: dict[str, npt.NDArray[np.uint8]]
    corners: dict[str, npt.NDArray[np.float32]]
    maps: dict[str, npt.NDArray[np.float16]]
    vectors: dict[str, npt.NDArray[np.float16]]


def open_samples(folder: Path, with_features: bool = True) -> SampleSet:
    """The samples that `make_samples` left in a folder, mapped into memory."""
    known = np.load(folder / "known.npz")

    def opened(kind: str) -> dict[str, Any]:
        return {view: np.load(folder / f"{view}.{kind}.npy", mmap_mode="r") for view in VIEWS}

    return SampleSet(
        known["labels"],
        known["pictures"],
        known["side_px"],
        opened("views"),
        opened("corners"),
        opened("maps") if with_features else {},
        opened("vectors") if with_features else {},
    )


def make_samples(source: Path, folder: Path, copies: int, seed: int) -> None:
    """Cut the views of a labelled data set.

    Args:
        source: folder with `annotations.json` and pictures.
        folder: to put the samples in; what is complete there already is kept.
        copies: of each space; the first is not augmented.
        seed: of the augmentation.
    """
    if (folder / "known.npz").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    dataset = load_dataset(source)
    count = sum(len(picture.spaces) for picture in dataset.images)
    views = {
        view: _create(folder / f"{view}.views.npy", (copies, count, VIEW_PIXELS, VIEW_PIXELS, 3), np.uint8)
        for view in VIEWS
    }
    corners = {view: _create(folder / f"{view}.corners.npy", (copies, count, 4, 2), np.float32) for view in VIEWS}
    labels, pictures, sides = np.zeros(count, np.float32), np.zeros(count, np.int64), np.zeros(count)
    for number, (at, label, pyramid, quad) in enumerate(_spaces(dataset, source)):
        labels[number], pictures[number] = label, at
        width = pyramid.picture.shape[1]
        sides[number] = np.sqrt(cv2.contourArea(quad.astype(np.float32))) * min(1.0, WIDTH_MAX / width)
        for copy in range(copies):
            rng = np.random.default_rng([seed, number, copy]) if copy else None
            cut = augmented_views(pyramid, quad, rng)
            for view, pixels, inside in zip(VIEWS, cut[:2], cut[2:], strict=True):
                views[view][copy, number], corners[view][copy, number] = pixels, inside
    np.savez(folder / "known.npz", labels=labels, pictures=pictures, side_px=sides)


def _spaces(dataset: Dataset, source: Path) -> Iterator[tuple[int, bool, Pyramid, Any]]:
    for at, picture in enumerate(dataset.images):
        pixels = decode((source / picture.image).read_bytes())
        size = pixels.shape[1], pixels.shape[0]
        pyramid = Pyramid(pixels)
        if at % 20 == 0:
            sys.stdout.write(f"{dataset.name}: {at} of {len(dataset.images)} pictures\n")
            sys.stdout.flush()
        for space in picture.spaces:
            yield at, space.is_occupied, pyramid, quadrilateral(np.asarray(space.polygon, float) * size)


def add_features(folder: Path, model: Path) -> None:
    """Run the trunk of a model over the samples of a folder, and keep what it makes of them there."""
    if (folder / "features.done").exists():
        return
    trunk = Trunk(model)
    samples = open_samples(folder, with_features=False)
    for view in VIEWS:
        copies, count = samples.views[view].shape[:2]
        maps = _create(folder / f"{view}.maps.npy", (copies, count, MAP_CHANNELS, MAP_CELLS**2), np.float16)
        vectors = _create(folder / f"{view}.vectors.npy", (copies, count, VECTOR_LENGTH), np.float16)
        for copy in range(copies):
            for start in range(0, count, 512):
                part = slice(start, min(start + 512, count))
                made = trunk.features(samples.views[view][copy, part], samples.corners[view][copy, part])
                maps[copy, part], vectors[copy, part] = made.maps, made.vectors
            sys.stdout.write(f"{folder.name}: features of {view}, copy {copy + 1} of {copies}\n")
            sys.stdout.flush()
    (folder / "features.done").write_text(f"{zlib.crc32(model.read_bytes())}\n", "utf-8")


def _create(path: Path, shape: tuple[int, ...], kind: Any) -> Any:
    return np.lib.format.open_memmap(path, "w+", dtype=kind, shape=shape)
