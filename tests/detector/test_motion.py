from __future__ import annotations

import cv2
import numpy as np
import pytest

from libs.common.errors import FrameError
from services.detector.motion import MotionGate
from services.detector.pictures import FramePicture, Thumbnail, encode


def lot(seed: int = 0, noise: float = 2.0, light: float = 0.0, car_at: int | None = None) -> Thumbnail:
    """A lot's thumbnail: fixed texture, a sensor's noise, light, and perhaps a car of 6 by 4 pixels."""
    texture = np.random.default_rng(7).uniform(60, 160, (90, 160))
    picture = texture + np.random.default_rng(seed).normal(0, noise, texture.shape) + light
    if car_at is not None:
        picture[40:44, car_at : car_at + 6] = 220
    return np.clip(picture, 0, 255).astype(np.uint8)


def gate() -> MotionGate:
    made = MotionGate(threshold=8, look_every_ms=2000)
    assert made.judge(lot(), 0) == "new", "the first frame"
    return made


def test_noise_is_no_motion() -> None:
    still = gate()
    assert {still.judge(lot(seed), seed * 10) for seed in range(1, 100)} == {"still"}


def test_a_car_is_motion_wherever_it_drives() -> None:
    moving = gate()
    assert [moving.judge(lot(step, car_at=20 + step), step * 100) for step in range(1, 10)] == ["new"] * 9


def test_slow_light_adds_up_to_a_new_look() -> None:
    drifting = gate()
    judged = [drifting.judge(lot(step, light=step), step * 100) for step in range(1, 19)]
    assert 1 <= judged.count("new") <= 3


def changed(gate: MotionGate, shown: Thumbnail, at_ms: int) -> int:
    """How many pixels stand out of what changes everywhere."""
    mask = gate.compare(shown, at_ms).changed
    assert mask is not None
    return int(np.count_nonzero(mask))


def test_flakes_everywhere_are_no_motion_in_a_space_but_a_car_among_them_is() -> None:
    snowy = gate()
    assert changed(snowy, lot(1, noise=25), 200) > 1000, "it may be another light, or vehicles: nobody knows yet"
    second, *later = [changed(snowy, lot(step, noise=25), step * 200) for step in range(2, 30)]
    assert second < 100
    assert max(later) <= 10
    assert changed(snowy, lot(30, noise=25, car_at=60), 6000) >= 15


def test_fog_that_lifts_for_a_while_is_no_motion() -> None:
    lifting = MotionGate(threshold=8, look_every_ms=2000)
    veiled = [np.asarray(lot(step) * (step / 12) + 205 * (1 - step / 12), np.uint8) for step in range(3, 12)]
    assert lifting.judge(veiled[0], 0) == "new"
    seen = [changed(lifting, picture, 5000 * step) for step, picture in enumerate(veiled[1:], 1)]
    assert seen[0] > 1000
    assert max(seen[1:]) == 0


def test_another_light_all_at_once_may_hide_a_move_and_counts_as_one() -> None:
    sudden = gate()
    for step in range(1, 10):
        changed(sudden, lot(step), step * 200)
    assert changed(sudden, lot(10, light=20), 2000) > 10_000


def test_the_model_looks_now_and_then_though_nothing_moves() -> None:
    still = gate()
    assert [still.judge(lot(), at) for at in (1000, 1999, 2000, 2100, 4000)] == [
        "still",
        "still",
        "new",
        "still",
        "new",
    ]


def test_a_gate_that_is_off_takes_all_for_new() -> None:
    off = MotionGate(threshold=0, look_every_ms=2000)
    assert [off.judge(lot(), at) for at in (0, 100)] == ["new", "new"]


def test_a_gate_that_is_off_still_tells_what_moved() -> None:
    """Otherwise each space would seem to move in each frame, and no look at it would count."""
    off = MotionGate(threshold=0, look_every_ms=2000)
    off.compare(lot(), 0)
    still = off.compare(lot(1), 100)
    assert (still.verdict, still.has_moved, changed(off, lot(2), 200)) == ("new", False, 0)
    assert changed(off, lot(3, car_at=60), 300) >= 15


def test_a_gate_is_tuned_while_it_works() -> None:
    tuned = gate()
    assert tuned.judge(lot(light=20), 100) == "new"
    tuned.threshold = 40
    assert tuned.judge(lot(light=40), 200) == "still"
    tuned.threshold = 0
    assert tuned.judge(lot(light=40), 300) == "new"


@pytest.mark.parametrize("shown", [np.full((90, 160), 3, np.uint8), np.full((90, 160), 120, np.uint8)])
def test_darkness_and_a_covered_lens_show_nothing(shown: Thumbnail) -> None:
    covered = gate()
    noise = np.random.default_rng(1).integers(0, 3, shown.shape, dtype=np.uint8)
    assert covered.judge(shown + noise, 100) == "blind"
    assert covered.judge(lot(), 200) == "new"


def test_the_first_picture_after_darkness_is_new_though_it_shows_what_was_there_before() -> None:
    covered = gate()
    assert covered.judge(lot(), 200) == "still"
    assert covered.judge(np.full((90, 160), 3, np.uint8), 300) == "blind"
    assert covered.judge(lot(), 400) == "new"


def test_another_size_is_new() -> None:
    assert gate().judge(lot()[:80], 100) == "new"


PICTURE = np.kron(np.random.default_rng(3).integers(0, 255, (45, 80, 3), np.uint8), np.ones((16, 16, 1), np.uint8))


def test_no_more_is_decoded_than_the_model_wants() -> None:
    jpeg = encode(PICTURE, 90)
    sizes = {
        wanted: FramePicture(jpeg, (1280, 720)).for_model(wanted, full_is_needed=False).shape[:2]
        for wanted in ((1280, 1280), (640, 640), (512, 288), (320, 320))
    }
    assert sizes == {(1280, 1280): (720, 1280), (640, 640): (360, 640), (512, 288): (360, 640), (320, 320): (180, 320)}
    assert FramePicture(jpeg, (1280, 720)).for_model((320, 320), full_is_needed=True).shape[:2] == (180, 320)
    assert FramePicture(jpeg, (1280, 720)).thumbnail.shape == (90, 160)


def test_the_thumbnail_is_the_same_whatever_it_is_made_from() -> None:
    jpeg = encode(cv2.GaussianBlur(PICTURE, (0, 0), 3), 90)
    alone, from_full, from_half, reduced, quarter = (FramePicture(jpeg, (1280, 720)) for _ in range(5))
    assert from_full.full.size
    from_half.for_model((640, 640), full_is_needed=True)
    reduced.for_model((640, 640), full_is_needed=False)
    quarter.for_model((320, 320), full_is_needed=False)
    for other in (from_full, from_half, reduced, quarter):
        assert np.abs(other.thumbnail.astype(int) - alone.thumbnail).max() <= 2


def test_a_camera_that_repeats_itself_is_still_until_the_next_look_is_due() -> None:
    repeating = MotionGate(8, 2000)
    assert not repeating.repeats(b"picture", 0)
    assert repeating.judge(lot(), 0, b"picture") == "new"
    assert repeating.repeats(b"picture", 100)
    assert not repeating.repeats(b"another", 100)
    assert not repeating.repeats(b"picture", 2000)
    repeating.threshold = 0
    assert not repeating.repeats(b"picture", 100)


def test_a_frame_that_lies_about_its_size_is_refused() -> None:
    with pytest.raises(FrameError, match="1280x720 says it is 640x480"):
        assert FramePicture(encode(PICTURE, 90), (640, 480)).full.size
