"""Things that are put before spaces, and the data set that is made of them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from services.detector.evaluation import Dataset, LabelledPicture, LabelledSpace, load_dataset
from services.detector.pictures import decode
from training.occupancy.scenes import hidden_dataset
from training.occupancy.things import cut_out, put_thing

SPACES = [np.array([(x, 60.0), (x + 30, 60), (x + 30, 90), (x, 90)]) for x in (40, 90, 140)]


def pavement() -> np.ndarray:
    return np.full((160, 240, 3), 128, np.uint8)


def test_a_thing_ends_below_the_space_that_it_hides() -> None:
    cutout = cut_out(pavement(), SPACES[0])
    assert cutout is not None
    hidden = 0
    for seed in range(60):
        picture = pavement()
        covered = put_thing(picture, SPACES[:1], [cutout] if seed % 2 else [], np.random.default_rng(seed))
        assert covered.shape == picture.shape[:2]
        assert covered.min() >= 0
        assert covered.max() < 1.001
        hidden += covered[60:90, 40:70].mean() >= 0.6
        assert covered[91:].any(), "it stands nearer to the camera"
    assert hidden >= 40


def test_nothing_is_put_beyond_the_picture() -> None:
    at_the_edge = np.array([(-20.0, 150.0), (10, 150), (10, 159), (-20, 159)])
    for seed in range(20):
        put_thing(pavement(), [at_the_edge], [], np.random.default_rng(seed))


def test_what_is_too_small_is_not_cut_out() -> None:
    assert cut_out(pavement(), np.array([(5.0, 5.0), (9, 5), (9, 9), (5, 9)])) is None


def test_the_labels_say_what_is_hidden(tmp_path: Path) -> None:
    source, folder = tmp_path / "source", tmp_path / "hidden"
    source.mkdir()
    cv2.imwrite(str(source / "lot.png"), pavement())
    polygons = [[(float(x) / 240, float(y) / 160) for x, y in corners] for corners in SPACES]
    spaces = [
        LabelledSpace(space_id=f"A{number}", polygon=polygon, is_occupied=False)
        for number, polygon in enumerate(polygons)
    ]
    images = [LabelledPicture(image="lot.png", spaces=spaces), LabelledPicture(image="lot.png", spaces=[])]
    dataset = Dataset(name="lot", images=images)
    (source / "annotations.json").write_text(dataset.model_dump_json(), "utf-8")

    hidden_dataset(source, folder, variants=12, seed=1)

    made = load_dataset(folder)
    assert len(made.images) == 12
    changed = {True: [], False: []}  # type: dict[bool, list[float]]
    for one in made.images:
        pixels = np.asarray(decode((folder / one.image).read_bytes()), float)
        for space in one.spaces:
            left, top = np.round(np.array(space.polygon).min(axis=0) * (240, 160)).astype(int)
            right, bottom = np.round(np.array(space.polygon).max(axis=0) * (240, 160)).astype(int)
            changed[space.is_occupied].append(float(np.abs(pixels[top:bottom, left:right] - 128).mean()))
    assert changed[True]
    assert changed[False]
    assert np.median(changed[True]) > 5 * np.median(changed[False])
