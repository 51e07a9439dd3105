"""Render training pictures and their labels into the folder form that Ultralytics reads."""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from deploy.demo.lot.random_scenes import random_pictures
from deploy.demo.lot.scene import SeenVehicle

CLASSES: Final = ("car", "motorcycle", "bus", "truck")
PICTURE_SIZE: Final = (512, 288)
RENDERED_SIZE: Final = (1280, 720)
PICTURES_PER_LOT: Final = 12
SEEDS: Final = {"train": 70_000, "val": 90_000}


def label_line(vehicle: SeenVehicle) -> str:
    """A vehicle in YOLO's text form: class, then middle and size as shares of the picture."""
    x, y, width, height = vehicle.box
    across, down = RENDERED_SIZE
    number = CLASSES.index(vehicle.vehicle_class)
    shares = (x + width / 2) / across, (y + height / 2) / down, width / across, height / down
    return f"{number} " + " ".join(f"{share:.5f}" for share in shares)


def render_pictures(folder: Path, split: str, part: int, numbers: list[int]) -> None:
    """Render the pictures `numbers` of a split; each part has a seed of its own.

    Pictures of one lot get numbers far from each other, so that a batch of neighbours shows many lots.
    """
    images, labels = folder / "images" / split, folder / "labels" / split
    pictures = random_pictures(SEEDS[split] + part, PICTURES_PER_LOT)
    quality = np.random.default_rng(SEEDS[split] + part)
    cv2.setNumThreads(1)
    for number in numbers:
        picture, seen = next(pictures)
        small = cv2.resize(picture, PICTURE_SIZE, interpolation=cv2.INTER_LINEAR)
        jpeg_quality = [cv2.IMWRITE_JPEG_QUALITY, int(quality.integers(70, 96))]
        cv2.imwrite(str(images / f"{number:05d}.jpg"), small, jpeg_quality)
        text = "".join(label_line(vehicle) + "\n" for vehicle in seen if vehicle.counts)
        (labels / f"{number:05d}.txt").write_text(text, "utf-8")


def render_dataset(folder: Path, train: int, val: int, processes: int) -> Path:
    """Render a data set; what is there already is rendered over.

    Args:
        folder: to put it in.
        train: pictures to train on.
        val: pictures that training never sees, of other lots.
        processes: that render at the same time.

    Returns:
        The file that describes the data set to Ultralytics.
    """
    with ProcessPoolExecutor(processes) as pool:
        for split, count in (("train", train), ("val", val)):
            (folder / "images" / split).mkdir(parents=True, exist_ok=True)
            (folder / "labels" / split).mkdir(parents=True, exist_ok=True)
            order = np.random.default_rng(SEEDS[split]).permutation(count).tolist()
            parts = max(processes, count // 120)
            jobs = [pool.submit(render_pictures, folder, split, part, order[part::parts]) for part in range(parts)]
            for done, job in enumerate(jobs, 1):
                job.result()
                sys.stdout.write(f"{split}: {done} of {parts} parts rendered\n")
                sys.stdout.flush()
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(CLASSES))
    description = folder / "dataset.yaml"
    description.write_text(f"path: {folder.resolve()}\ntrain: images/train\nval: images/val\nnames:\n{names}", "utf-8")
    return description
