"""Which vehicles stand, and what is kept of them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from libs.common.proposals import KEEP_S, PLACES_MAX, load_proposals
from services.detector.proposals.camera_proposals import CameraProposals, take_sample
from services.detector.proposals.edges import DIRECTIONS, edge_directions
from services.detector.proposals.places import MISSED_MAX, StandingVehicles
from services.detector.proposals.propose import propose
from tests.support.vehicles import vehicles

CAR = (0.4, 0.4, 0.5, 0.5)
OTHER = (0.6, 0.4, 0.7, 0.5)
EVERY_MS = 5_000
SAMPLES = 12
NO_EDGES = np.zeros((200, DIRECTIONS))
GREY = np.full((90, 160, 3), 128, np.uint8)


def boxes(*some: tuple[float, float, float, float]) -> npt.NDArray[np.float64]:
    return np.array(some, float).reshape(-1, 4)


class Watch:
    """Standing vehicles, shown a frame every five seconds."""

    def __init__(self) -> None:
        self.vehicles = StandingVehicles(SAMPLES, SAMPLES * EVERY_MS)
        self.at_ms = 1_000_000

    def show(self, *some: tuple[float, float, float, float], times: int = 1) -> None:
        for _ in range(times):
            self.at_ms += EVERY_MS
            self.vehicles.see(boxes(*some), NO_EDGES[: len(some)], self.at_ms)


def test_a_vehicle_stands_once_it_has_kept_its_box_for_a_minute() -> None:
    watch = Watch()
    watch.show(CAR, times=SAMPLES - 1)
    assert watch.vehicles.places() == []
    watch.show(CAR)
    (place,) = watch.vehicles.places()
    assert (place.visits, place.stood_ms) == (1, 11 * EVERY_MS)
    assert np.allclose(place.box, CAR)


def test_a_vehicle_that_drives_by_or_waits_shortly_stands_nowhere() -> None:
    watch = Watch()
    for step in range(30):
        left = 0.1 + step * 0.02
        watch.show((left, 0.4, left + 0.1, 0.5))
    watch.show(times=20)
    watch.show(CAR, times=SAMPLES - 1)
    watch.show(times=20)
    assert watch.vehicles.places() == []


def test_a_vehicle_may_be_missed_now_and_then_and_two_visits_make_one_place() -> None:
    watch = Watch()
    for _ in range(2):
        for _ in range(6):
            watch.show(CAR, times=4)
            watch.show(times=MISSED_MAX)
        watch.show(times=30)
    (place,) = watch.vehicles.places()
    assert place.visits == 2


def test_after_a_restart_a_vehicle_that_still_stands_is_no_second_visit() -> None:
    watch = Watch()
    watch.show(CAR, times=20)
    again = StandingVehicles(SAMPLES, SAMPLES * EVERY_MS, watch.vehicles.places())
    for sample in range(20):
        again.see(boxes(CAR), NO_EDGES[:1], watch.at_ms + (sample + 3) * EVERY_MS)
    (place,) = again.places()
    assert place.visits == 1
    assert place.stood_ms == (19 + 19) * EVERY_MS, "what nobody saw in between is not counted"


def test_places_are_bounded_and_age() -> None:
    watch = Watch()
    rng = np.random.default_rng(3)
    for _ in range(4):
        corners = rng.uniform(0, 0.9, (200, 2))
        crowd = [(x, y, x + 0.02, y + 0.02) for x, y in corners]
        watch.show(*crowd, times=SAMPLES)
        watch.show(times=MISSED_MAX + 1)
    assert len(watch.vehicles.places()) == PLACES_MAX
    watch.at_ms += KEEP_S * 1000
    watch.show()
    assert watch.vehicles.places() == []


def test_what_was_concluded_survives_a_restart() -> None:
    camera = CameraProposals(load_proposals(None), every_s=5)
    parked = vehicles(*((100 + 90 * n, 200, 180 + 90 * n, 260) for n in range(5)))
    for sample in range(1, 13):
        assert camera.take_due() is None, "too early"
        camera.see(take_sample(parked, GREY, (1280, 720), sample * EVERY_MS))
        camera.see(take_sample(parked, GREY, (1280, 720), sample * EVERY_MS + 1_000))
    places = camera.take_due()
    assert places is not None
    assert len(places) == 5
    camera.conclude(places, propose(places, camera.aspect))
    text = camera.unstored
    assert text is not None
    camera.was_stored(text)
    assert not camera.unstored
    again = CameraProposals(load_proposals(text), every_s=5)
    assert list(again.concluded.proposals) == list(camera.concluded.proposals) != []
    assert again.concluded.ground == camera.concluded.ground
    for sample in range(13, 26):
        again.see(take_sample(parked, GREY, (1280, 720), sample * EVERY_MS))
    assert again.take_due() is None, "the same vehicles tell nothing new"


def test_no_samples_are_taken_where_that_is_switched_off() -> None:
    camera = CameraProposals(load_proposals(None), every_s=0)
    for sample in range(40):
        camera.see(take_sample(vehicles((100, 200, 180, 260)), GREY, (1280, 720), sample * EVERY_MS))
    assert camera.take_due() is None


def test_edges_are_found_in_the_direction_in_which_they_run() -> None:
    picture = np.zeros((100, 200, 3), np.uint8)
    for offset in range(0, 100, 12):  # stripes that fall by one pixel in two: 26.6 degrees
        for x in range(200):
            y = (x // 2 + offset) % 100
            picture[y : y + 5, x] = 255
    whole, tiny = (0.1, 0.1, 0.9, 0.9), (0.5, 0.5, 0.51, 0.51)
    found = edge_directions(picture, boxes(whole, tiny))
    assert found[0].sum() == pytest.approx(1)
    strongest = found[0].argmax() * 180 / DIRECTIONS
    assert 20 <= strongest <= 30
    assert not found[1].any(), "too small to tell"
    assert not edge_directions(np.full_like(picture, 90), boxes(whole)).any()
