"""What a vehicle found in a space says of it: the less, the less sure the model is of it."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import supervision as sv

from libs.common.spaces import ParkingSpace
from services.detector.engines.base import Engine, Picture
from services.detector.judge.tiled import NOT_TAKEN, TiledInference, taken_probability
from services.detector.occupancy.belief import SURE, Belief
from services.detector.settings import DetectorSettings


def test_the_surer_the_model_the_likelier_the_space_is_taken() -> None:
    said = [taken_probability(strength) for strength in np.linspace(0, 1, 21)]
    assert all(after > before for before, after in itertools.pairwise(said))
    assert all(0 < one < 1 for one in said)


@pytest.mark.parametrize(
    ("strength", "measured"), [(0.06, 0.53), (0.1, 0.75), (0.14, 0.78), (0.18, 0.82), (0.35, 0.93), (0.55, 0.99)]
)
def test_it_is_as_likely_as_was_measured_on_lots_never_seen(strength: float, measured: float) -> None:
    assert taken_probability(strength) == pytest.approx(measured, abs=0.06)


class OneVehicle:
    """Finds a vehicle of some confidence in a small picture."""

    input_size = (640, 480)

    def __init__(self, box: tuple[float, float, float, float], confidence: float) -> None:
        self._found = sv.Detections(xyxy=np.array([box]), confidence=np.array([confidence]), class_id=np.array([2]))

    def detect(self, pictures: list[Picture], confidence: float) -> list[sv.Detections]:
        return [self._found for _ in pictures]


WHOLE = (35.0, 30.0, 65.0, 60.0)
SLIVER = (63.5, 40.0, 66.5, 60.0)


def looks(box: tuple[float, float, float, float], confidence: float) -> Belief:
    """Many looks at two spaces, of which the first has the vehicle in it; the belief of that."""
    spaces = [
        ParkingSpace(space_id=name, space_name=name, polygon=[(x, 0.4), (x + 0.3, 0.4), (x + 0.3, 0.6), (x, 0.6)])
        for name, x in (("A1", 0.35), ("A2", 0.0))
    ]
    engine: Engine = OneVehicle(box, confidence)  # type: ignore[assignment]
    judge = TiledInference(engine, DetectorSettings())
    belief = Belief()
    for at_ms in range(0, 60_000, 1000):
        said = judge.judge(np.zeros((100, 100, 3), np.uint8), spaces, [0, 1], sv.Detections.empty()).probabilities
        assert said[1] == NOT_TAKEN
        belief.look(float(said[0]), at_ms)
    return belief


def test_a_vehicle_that_the_model_hardly_sees_decides_nothing_however_often_it_is_seen() -> None:
    assert looks(WHOLE, 0.14).verdict is None
    assert looks(WHOLE, 0.3).verdict == "occupied"
    assert taken_probability(0.14) < SURE < taken_probability(0.2)


def test_nor_does_a_sliver_of_one_that_stands_beside_the_space() -> None:
    assert looks(SLIVER, 0.22).verdict is None


def test_a_space_without_any_is_free() -> None:
    belief = Belief()
    for at_ms in (0, 1000):
        belief.look(NOT_TAKEN, at_ms)
    assert belief.verdict == "free"
