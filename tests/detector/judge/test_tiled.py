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
    said = [taken_probability(confidence) for confidence in np.linspace(0, 1, 21)]
    assert all(after > before for before, after in itertools.pairwise(said))
    assert all(0 < one < 1 for one in said)


@pytest.mark.parametrize(
    ("confidence", "measured"), [(0.12, 0.69), (0.17, 0.76), (0.25, 0.88), (0.45, 0.95), (0.65, 0.97), (0.85, 0.98)]
)
def test_it_is_as_likely_as_was_measured_on_lots_never_seen(confidence: float, measured: float) -> None:
    assert taken_probability(confidence) == pytest.approx(measured, abs=0.05)


class OneVehicle:
    """Finds a vehicle of some confidence in the middle of a small picture."""

    input_size = (640, 480)

    def __init__(self, confidence: float) -> None:
        self._confidence = confidence

    def detect(self, pictures: list[Picture], confidence: float) -> list[sv.Detections]:
        found = sv.Detections(
            xyxy=np.array([[30.0, 30, 70, 60]]), confidence=np.array([self._confidence]), class_id=np.array([2])
        )
        return [found for _ in pictures]


def looks(confidence: float) -> Belief:
    """Many looks at two spaces, of which the first has the vehicle in it; the belief of that."""
    spaces = [
        ParkingSpace(space_id=name, space_name=name, polygon=[(x, 0.4), (x + 0.3, 0.4), (x + 0.3, 0.6), (x, 0.6)])
        for name, x in (("A1", 0.35), ("A2", 0.0))
    ]
    engine: Engine = OneVehicle(confidence)  # type: ignore[assignment]
    judge = TiledInference(engine, DetectorSettings())
    belief = Belief()
    for at_ms in range(0, 60_000, 1000):
        said = judge.judge(np.zeros((100, 100, 3), np.uint8), spaces, [0, 1], sv.Detections.empty())
        assert said[1] == NOT_TAKEN
        belief.look(float(said[0]), at_ms)
    return belief


def test_a_vehicle_that_the_model_hardly_sees_decides_nothing_however_often_it_is_seen() -> None:
    assert looks(0.15).verdict is None
    assert looks(0.3).verdict == "occupied"
    assert taken_probability(0.15) < SURE < taken_probability(0.25)
