"""What a lot looked like outlives the detector: after a restart it is compared with, hour by hour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deploy.demo.model.measuring import read_clip
from libs.common.errors import MessageError
from services.detector.engines.base import Picture
from services.detector.sensor_noise import with_noise
from services.detector.view.check import View, ViewCheck
from services.detector.view.edges import shrink
from services.detector.view.reference import HOUR_MS, NEWEST, REFERENCE_MAX_BYTES, ViewReference, ViewReferences
from services.detector.view.registration import Shift
from tests.support.disturbances import DISPLACED, UNJUDGEABLE, fog, shift

CLIP = Path(__file__).parents[3] / "deploy/demo/assets/north.mp4"
VERSION = "0" * 40
MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def lot() -> Picture:
    return next(read_clip(CLIP))


class Camera:
    """A picture every five seconds, each with other noise; the detector may be started anew, with what was saved."""

    def __init__(self) -> None:
        self.saved: dict[str, bytes] = {}
        self.at_ms = 10 * HOUR_MS
        self.start()

    def start(self, spaces_version: str = VERSION) -> None:
        read = {name: ViewReference.unpack(packed, spaces_version) for name, packed in self.saved.items()}
        known = {name: one for name, one in read.items() if one is not None}
        self.check = ViewCheck(3 * MINUTE_MS, 0.05, ViewReferences(known))

    def show(self, picture: Picture, seconds: float = 5) -> View:
        for _ in range(max(1, round(seconds / 5))):
            view = self.check.look(with_noise(picture, self.at_ms // 1000), self.at_ms)
            self.at_ms += 5000
            unsaved = self.check.references.take_unsaved()
            if unsaved is not None:
                kept = {} if unsaved.are_all_new else self.saved
                self.saved = kept | {name: one.pack(VERSION) for name, one in unsaved.references.items()}
        return view


def test_after_a_restart_the_first_picture_is_compared_with_what_the_lot_looked_like(lot: Picture) -> None:
    camera = Camera()
    camera.show(lot, 60)
    assert sorted(camera.saved) == ["10", NEWEST]
    camera.start()
    assert camera.show(lot).condition == "clear"
    camera.start()
    assert camera.show(UNJUDGEABLE["fog of 75 %"](lot)).condition == "lost", "it began in fog"
    assert camera.show(lot).condition == "clear"
    camera.start()
    view = camera.show(DISPLACED["moved by 15 %"](lot), 60)
    assert (view.condition, view.is_confirmed) == ("moved", True), "somebody turned the camera while it was off"


def test_a_reference_for_other_spaces_says_nothing(lot: Picture) -> None:
    camera = Camera()
    camera.show(lot, 60)
    camera.start(spaces_version="1" * 40)
    assert camera.show(DISPLACED["moved by 15 %"](lot), 60).condition == "clear", "they were drawn on what it shows now"


def test_spaces_are_carried_along_beyond_a_restart(lot: Picture) -> None:
    camera = Camera()
    camera.show(lot, 60)
    moved = shift(lot, 0.02, 0.01)
    camera.show(moved, 120)
    carried = camera.check.carried
    assert carried is not None
    camera.start()
    assert camera.show(moved).condition == "clear"
    assert camera.check.carried is not None
    assert camera.check.carried.right == pytest.approx(carried.right)
    assert camera.check.carried.matrix == pytest.approx(carried.matrix)


def test_fog_is_never_saved(lot: Picture) -> None:
    camera = Camera()
    camera.show(lot, 20)
    camera.show(fog(lot, 0.5), 600)
    assert camera.saved == {}


def test_an_hour_that_looks_otherwise_is_known_again(lot: Picture) -> None:
    """By night, lit from elsewhere: no edge and no landmark of the day is there."""
    night = np.ascontiguousarray(lot[::-1])
    camera = Camera()
    camera.at_ms = 22 * HOUR_MS
    camera.show(night, 60)
    by_night = camera.saved
    camera = Camera()
    camera.show(lot, 60)
    assert camera.show(night, 60).condition == "lost"
    camera.show(lot, 10)
    camera.saved |= {"22": by_night["22"]}
    camera.start()
    assert camera.show(lot, 10).condition == "clear"
    camera.at_ms = 22 * HOUR_MS
    assert camera.show(night, 60).condition == "clear"
    camera.at_ms = 34 * HOUR_MS
    assert camera.show(lot, 60).condition == "clear"
    camera.at_ms = 46 * HOUR_MS
    assert camera.show(night, 60).condition == "clear"
    assert camera.show(fog(night, 0.8), 30).condition == "lost"


def test_a_day_takes_a_megabyte_at_most_whatever_it_shows() -> None:
    references = ViewReferences({})
    for hour in range(48):
        grey = np.random.default_rng(hour).integers(0, 256, (480, 640)).astype(np.uint8)
        found = ViewReference.of(grey, hour * HOUR_MS, None)
        if found is None:
            grey = shrink(np.repeat((grey // 8 + 100)[..., None], 3, axis=2))
            found = ViewReference.of(grey, hour * HOUR_MS, None)
        assert found is not None
        assert len(found.pack(VERSION)) <= REFERENCE_MAX_BYTES
        references.add(found)
    unsaved = references.take_unsaved()
    assert unsaved is not None
    assert len(unsaved.references) == 25
    assert references.take_unsaved() is None
    nearest = [one.hour for one in references.nearest(5 * HOUR_MS)]
    assert nearest[:3] == [5, 6, 4] or nearest[:3] == [5, 4, 6]
    assert len(nearest) == 24
    references.clear()
    unsaved = references.take_unsaved()
    assert unsaved is not None
    assert unsaved.are_all_new


def test_what_is_stored_is_read_back_and_nonsense_is_refused() -> None:
    turned = Shift(np.array([[1.0, 0.1, 0.02], [-0.1, 1.0, 0.03]]), 0.02, 0.03, 5.0, 1.0)
    reference = ViewReference(b"jpeg", 5, turned)
    again = ViewReference.unpack(reference.pack(VERSION), VERSION)
    assert again is not None
    assert again.carried is not None
    assert (again.jpeg, again.at_ms, str(again.carried)) == (b"jpeg", 5, str(turned))
    for nonsense in (b"", b"x", b"\xc0", b"\x80", b"\x81\xa6spaces\xa1x"):
        with pytest.raises(MessageError):
            ViewReference.unpack(nonsense, "x")
    assert ViewReference(b"no jpeg", 5).picture() is None
