"""One camera's view over time: what is judged, what is not, and why."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest

from deploy.demo.model.measuring import read_clip
from services.detector.engines.base import Picture
from services.detector.sensor_noise import with_noise
from services.detector.view.check import View, ViewCheck, carry
from tests.support.disturbances import DISPLACED, UNJUDGEABLE, Disturbance, blur, darken, fog, shift

pytestmark = pytest.mark.long  # looks at many real pictures

CLIP = Path(__file__).parents[3] / "deploy/demo/assets/north.mp4"
MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def lot() -> Picture:
    return next(read_clip(CLIP))


class Camera:
    """Sends a picture every five seconds, each with other noise."""

    def __init__(self, carry_max: float = 0.05) -> None:
        self.check = ViewCheck(3 * MINUTE_MS, carry_max)
        self.at_ms = 0

    def show(self, picture: Picture, seconds: float = 5, noisy: bool = True) -> View:
        view = None
        for _ in range(max(1, round(seconds / 5))):
            view = self.check.look(with_noise(picture, self.at_ms) if noisy else picture, self.at_ms)
            self.at_ms += 5000
        assert view is not None
        return view


def test_a_quiet_lot_is_clear_for_hours_and_never_frozen(lot: Picture) -> None:
    camera = Camera()
    assert {camera.show(lot).condition for _ in range(100)} == {"clear"}


@pytest.mark.parametrize("name", UNJUDGEABLE)
def test_what_hides_the_lot_is_noticed_at_once_and_so_is_its_end(lot: Picture, name: str) -> None:
    camera = Camera()
    camera.show(lot, 30)
    view = camera.show(UNJUDGEABLE[name](lot))
    assert view.condition in ("lost", "dark")
    assert view.notice
    assert camera.show(UNJUDGEABLE[name](lot), 600).condition in ("lost", "dark"), "it is not learned"
    assert camera.show(lot).condition == "clear"


def test_fog_that_thickens_slowly_is_not_learned(lot: Picture) -> None:
    camera = Camera()
    camera.show(lot, 30)
    conditions = [camera.show(fog(lot, share)).condition for share in np.linspace(0, 0.89, 120)]
    assert conditions[-1] == "lost"
    assert "moved" not in conditions


def test_fog_that_thickens_over_half_an_hour_is_not_learned(lot: Picture) -> None:
    camera = Camera()
    camera.show(lot, 30)
    for share in np.linspace(0, 0.5, 360):
        camera.show(fog(lot, share))
    for share in np.linspace(0.5, 0.89, 120):
        camera.show(fog(lot, share))
    assert camera.show(fog(lot, 0.89), 60).condition == "lost"
    assert camera.show(fog(lot, 0.78), 60).condition == "lost", "it has not lifted far enough"
    assert camera.show(lot, 60).condition == "clear"


def test_dusk_is_learned_as_it_comes(lot: Picture) -> None:
    camera = Camera()
    camera.show(lot, 30)
    views = [camera.show(np.asarray(lot * light, np.uint8)) for light in np.linspace(1, 0.3, 240)]
    assert not any(view.is_weak or view.condition != "clear" for view in views)


def test_nothing_is_carried_along_with_what_fog_shows(lot: Picture) -> None:
    """Its landmarks are few and in one part of the picture: where they seem to lie is no ground to stand on."""
    camera = Camera()
    camera.show(lot, 30)
    seen = {camera.show(fog(shift(lot, 0.03), 0.7)).condition for _ in range(12)}
    assert "clear" not in seen
    assert camera.check.carried is None
    assert camera.show(lot, 10).condition == "clear"


def test_haze_is_a_weak_view_and_a_clear_day_is_not(lot: Picture) -> None:
    camera = Camera()
    camera.show(lot, 30)
    assert not camera.show(lot).is_weak
    view = camera.show(fog(lot, 0.4))
    assert (view.condition, view.is_weak) == ("clear", True)
    assert not camera.show(lot).is_weak
    assert not camera.show(darken(lot, 50)).is_weak, "what darkness takes is given back"


@pytest.mark.parametrize("name", DISPLACED)
def test_a_camera_that_moved_is_told_from_a_bump_by_time(lot: Picture, name: str) -> None:
    camera = Camera()
    camera.show(lot, 30)
    view = camera.show(DISPLACED[name](lot), 10)
    assert (view.condition, view.is_confirmed) == ("moved", False)
    assert camera.show(lot).condition == "clear", "it was a bump"
    view = camera.show(DISPLACED[name](lot), 60)
    assert (view.condition, view.is_confirmed) == ("moved", True)
    assert "moved" in view.notice


def test_a_camera_that_moved_is_not_lost_where_vehicles_hide_the_landmarks(lot: Picture) -> None:
    camera = Camera()
    camera.show(lot, 30)
    moved = DISPLACED["moved by 15 %"](lot)
    shift_told = camera.show(moved).shift
    hidden = moved.copy()
    blots = np.random.default_rng(4).integers(0, 255, (40, 70, 3)).astype(np.uint8)
    hidden[: lot.shape[0] * 9 // 10] = cv2.resize(blots, (lot.shape[1], lot.shape[0] * 9 // 10))
    view = camera.show(hidden)
    assert (view.condition, view.shift, view.is_confirmed) == ("moved", shift_told, False)
    assert camera.show(fog(hidden, 0.89)).condition == "lost", "that is fog"
    assert camera.show(lot).condition == "clear"


def test_the_shift_is_told(lot: Picture) -> None:
    camera = Camera()
    camera.show(lot, 30)
    view = camera.show(shift(lot, 0.15, -0.1))
    assert view.shift is not None
    assert view.shift.right == pytest.approx(0.15, abs=0.005)
    assert view.shift.down == pytest.approx(-0.1 * lot.shape[0] / lot.shape[1], abs=0.005)
    assert "15% of the width to the right" in view.notice


def test_spaces_are_carried_along_with_a_small_shift_that_stays(lot: Picture) -> None:
    camera = Camera()
    camera.show(lot, 30)
    moved = shift(lot, 0.02, 0.01)
    assert camera.show(moved).condition == "moved"
    assert camera.show(moved, 40).condition == "clear"
    assert camera.check.carried is not None
    polygon = [(0.5, 0.5), (0.6, 0.5), (0.6, 0.7)]
    aspect = lot.shape[0] / lot.shape[1]
    assert np.asarray(carry(polygon, camera.check.carried, aspect)) == pytest.approx(
        np.asarray(polygon) + np.array([0.02, 0.01]), abs=0.003
    )
    never = Camera(carry_max=0)
    never.show(lot, 30)
    assert never.show(moved, 60).condition == "moved"


def test_a_shift_within_the_accuracy_of_drawing_is_no_move(lot: Picture) -> None:
    """Wind, warmth and another light shift a real camera's picture by up to 0.7 % from day to day."""
    camera = Camera()
    camera.show(lot, 30)
    for right, down in ((0.006, 0.004), (-0.004, -0.006), (0.0, 0.0)):
        view = camera.show(shift(lot, right, down))
        assert (view.condition, view.notice) == ("clear", "")
    assert camera.check.carried is None


def test_a_picture_of_another_shape_is_a_camera_that_moved(lot: Picture) -> None:
    camera = Camera()
    camera.show(lot, 30)
    assert camera.show(lot[:600], 40).condition == "moved"


def test_a_frozen_picture_is_noticed_after_minutes_and_a_clock_in_it_does_not_help(lot: Picture) -> None:
    camera = Camera()
    assert camera.show(lot, 170, noisy=False).condition == "clear"
    view = camera.show(lot, 30, noisy=False)
    assert view.condition == "frozen"
    assert "has not changed for 3 minutes" in view.notice
    stamped = lot.copy()
    stamped[10:40, 10:300] = np.random.default_rng(camera.at_ms).integers(0, 255, (30, 290, 3))
    assert camera.show(stamped, noisy=False).condition == "frozen"
    assert camera.show(lot).condition == "clear"


@pytest.mark.parametrize(
    "ordinary",
    [lambda picture: fog(picture, 0.3), lambda picture: blur(picture, 1.5), lambda picture: picture * np.float32(0.6)],
    ids=["haze", "a little out of focus", "a cloud before the sun"],
)
def test_what_leaves_the_lot_to_be_seen_sets_nothing_off(lot: Picture, ordinary: Disturbance) -> None:
    camera = Camera()
    camera.show(lot, 30)
    assert camera.show(np.asarray(ordinary(lot), np.uint8), 30).condition == "clear"


def test_vehicles_that_drive_about_set_nothing_off() -> None:
    camera = Camera()
    conditions = {camera.show(picture).condition for picture in islice(read_clip(CLIP), 0, 400, 20)}
    assert conditions == {"clear"}


def test_a_part_that_is_covered_is_told_from_the_rest(lot: Picture) -> None:
    camera = Camera()
    camera.show(lot, 30)
    dirty = lot.copy()
    dirty[360:, 640:] = 70
    view = camera.show(dirty)
    assert view.condition == "clear"
    assert view.hides([(0.7, 0.7), (0.8, 0.7), (0.8, 0.9), (0.7, 0.9)])
    assert not view.hides([(0.1, 0.3), (0.2, 0.3), (0.2, 0.45), (0.1, 0.45)])
