from __future__ import annotations

from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from deploy.demo.camera.frame_mark import mark, read_mark
from deploy.demo.lot.clips import Clip
from deploy.demo.lot.random_scenes import random_pictures
from deploy.demo.lot.scripts import SCRIPTS
from deploy.demo.lot.truth import Truth, intervals
from deploy.demo.model.measuring import read_clip
from services.detector.pictures import decode
from services.ingest.jpeg import jpeg_size
from tests.support.pictures import make_jpeg

pytestmark = pytest.mark.long  # renders

ASSETS = Path(__file__).parents[2] / "deploy/demo/assets"


@pytest.fixture(scope="module", params=sorted(SCRIPTS))
def clip(request: pytest.FixtureRequest) -> Clip:
    return Clip(SCRIPTS[request.param]())


@pytest.fixture
def truth(clip: Clip) -> Truth:
    return Truth.load(ASSETS / f"{clip.script.name}.truth.json")


def test_the_generator_still_makes_the_committed_clip(clip: Clip, truth: Truth) -> None:
    for number, committed in enumerate(islice(read_clip(ASSETS / f"{clip.script.name}.mp4"), 41)):
        if number in (0, 40):
            rendered, seen = clip.render(number)
            assert cv2.PSNR(rendered, committed) > 30
            assert [one.number for one in seen if one.counts] == [row["id"] for row in truth.vehicles[number]]
            assert clip.occupied(number) == truth.occupied_spaces(number)


def test_rendering_is_repeatable(clip: Clip) -> None:
    again = Clip(SCRIPTS[clip.script.name]())
    assert np.array_equal(clip.render(123)[0], again.render(123)[0])


def test_the_loop_has_no_visible_jump(clip: Clip) -> None:
    last, first, second = (clip.render(number)[0].astype(int) for number in (clip.script.frames - 1, 0, 1))
    assert np.abs(first - last).mean() <= 1.5 * np.abs(second - first).mean() + 0.2


def test_the_truth_is_consistent(clip: Clip, truth: Truth) -> None:
    assert len(truth.space_ids) >= 20
    assert 60 <= truth.frames / truth.fps <= 90
    assert len(truth.vehicles) == truth.frames == clip.script.frames
    for vehicles in truth.vehicles:
        for vehicle in vehicles:
            x, y, width, height = vehicle["box"]
            assert 0 <= x <= x + width <= truth.size[0]
            assert 0 <= y <= y + height <= truth.size[1]
    classes = {vehicle["class"] for vehicles in truth.vehicles for vehicle in vehicles}
    assert {"car", "motorcycle", "truck"} <= classes
    assert len(truth.changes) >= 6
    for frame, space, occupied in truth.changes:
        assert (space in truth.occupied_spaces(frame)) is occupied
        assert (space in truth.occupied_spaces(frame - 1)) is not occupied
        assert truth.seconds_to_nearest_change(frame) == 0


def test_files_are_small() -> None:
    for name in SCRIPTS:
        assert (ASSETS / f"{name}.mp4").stat().st_size < 4_000_000
    assert (ASSETS / "lotcast-demo.onnx").stat().st_size <= 4_000_000


def test_intervals_of_what_happens() -> None:
    occupied: list[set[str]] = [{"A"}, {"A", "B"}, {"B"}, {"A"}]
    assert intervals(occupied) == {"A": [(0, 2), (3, 4)], "B": [(1, 3)]}


def test_changes_over_the_seam_count_once() -> None:
    spans = {"A": [(0, 2), (8, 10)], "B": [(3, 5)], "C": [(0, 10)]}
    truth = Truth("x", 10, (1, 1), 10, ("A", "B", "C"), [[]] * 10, spans)
    assert truth.changes == [(2, "A", False), (3, "B", True), (5, "B", False), (8, "A", True)]
    assert truth.seconds_to_nearest_change(0) == pytest.approx(0.2)


def test_random_scenes_are_repeatable() -> None:
    first, again = (next(random_pictures(5, 1)) for _ in range(2))
    assert np.array_equal(first[0], again[0])
    assert [one.box for one in first[1]] == [one.box for one in again[1]]


def test_a_mark_tells_the_frame_and_changes_no_pixel() -> None:
    jpeg = make_jpeg()
    marked = mark(jpeg, "north", 123)
    assert read_mark(marked) == ("north", 123)
    assert read_mark(jpeg) is None
    assert jpeg_size(marked) == jpeg_size(jpeg)
    assert np.array_equal(decode(marked), decode(jpeg))
