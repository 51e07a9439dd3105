"""The judge on real pictures and beside a real model: right on lots never seen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
import openvino as ov
import pytest

from libs.common.errors import EngineError
from services.detector.engines.base import Engine, Picture, empty_detections
from services.detector.engines.loading import load_engine
from services.detector.evaluation import Dataset, evaluate_dataset, load_dataset, read_picture, summarise
from services.detector.judge.judge import HEADS_FILE as HEADS
from services.detector.judge.judge import (
    HeadsOnTrunk,
    OccupancyJudge,
    OwnNetwork,
    ViewJudge,
    load_arrays,
    reference_likeness,
)
from services.detector.judge.loading import load_judge
from services.detector.judge.trunk import Trunk
from services.detector.judging import SpaceJudge
from services.detector.occupancy.judged_space import HIDDEN_MIN
from services.detector.settings import DEMO_MODEL, DetectorSettings
from tests.support.real_data import FOLDER, PKLOT, YOLO11N, needs_real_data

pytestmark = [needs_real_data, pytest.mark.long]  # runs models on many pictures
ACPDS: Final = FOLDER / "acpds/valid"
SETTINGS: Final = DetectorSettings(model=str(YOLO11N), workers=1)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load_engine(SETTINGS)


@pytest.fixture(scope="module")
def judge(engine: Engine) -> SpaceJudge:
    return load_judge(SETTINGS, engine)


def test_heads_fit_the_trunk_they_were_trained_on_also_in_another_precision(tmp_path: Path) -> None:
    file = YOLO11N / "yolo11n.xml"
    arrays = load_arrays(HEADS)
    assert reference_likeness(Trunk(file), arrays) > 0.995
    model = ov.Core().read_model(file)
    for node in model.get_ordered_ops():
        if (
            node.get_type_name() == "FakeQuantize"
            and node.input(0).get_source_output().get_node().get_type_name() != "Constant"
        ):
            node.output(0).replace(node.input(0).get_source_output())
    ov.save_model(model, tmp_path / "float.xml")
    assert reference_likeness(Trunk(tmp_path / "float.xml"), arrays) > 0.95, "activations that are not quantised"


def test_heads_refuse_another_model() -> None:
    with pytest.raises(EngineError, match="has no trunk of YOLO11n"):
        HeadsOnTrunk(DEMO_MODEL)


@pytest.mark.parametrize("rung", [lambda: HeadsOnTrunk(YOLO11N / "yolo11n.xml"), OwnNetwork], ids=["heads", "network"])
def test_views_alone_are_right_on_lots_never_seen(rung: Callable[[], ViewJudge]) -> None:
    """The first pictures of a set whose every picture shows another lot; the whole set is `lotcast evaluate`."""
    dataset = load_dataset(ACPDS)
    views = OccupancyJudge(rung())
    right, hidden = [], []
    for picture in dataset.images[:12]:
        spaces = [space.parking_space() for space in picture.spaces]
        told = views.judge(read_picture(ACPDS / picture.image), spaces)
        p = told.probabilities
        right += list((p >= 0.5) == np.array([space.is_occupied for space in picture.spaces]))
        hidden += told.hidden.tolist()
        some = views.judge(read_picture(ACPDS / picture.image), spaces, due=[1])
        assert some.probabilities == pytest.approx(p[1:2], abs=1e-4), "a space is judged alike without the others"
    assert np.mean(right) >= 0.965
    assert sum(p >= HIDDEN_MIN for p in hidden) == 0, "nothing stands before them"


@pytest.fixture(scope="module")
def lot() -> tuple[Dataset, Picture]:
    """A picture of a real lot, half full."""
    dataset = load_dataset(PKLOT)
    picture = next(one for one in dataset.images if 12 <= sum(space.is_occupied for space in one.spaces) <= 28)
    return Dataset(name="one", images=[picture]), read_picture(PKLOT / picture.image)


def test_an_empty_list_of_spaces_needs_no_judge(judge: SpaceJudge, engine: Engine) -> None:
    told = judge.judge(np.zeros((100, 100, 3), np.uint8), [], [], empty_detections())
    assert len(told.probabilities) == len(told.hidden) == 0


def test_the_summary_adds_up(engine: Engine, judge: SpaceJudge, lot: tuple[Dataset, Picture]) -> None:
    dataset, _ = lot
    results = list(evaluate_dataset(dataset, PKLOT, engine, judge, SETTINGS))
    summary = summarise(dataset, PKLOT, results)
    assert summary["spaces"] == len(results[0].probabilities) == 40
    wrong = summary["false_occupied"] + summary["missed_occupied"]
    assert summary["accuracy"] == pytest.approx(1 - wrong / 40)
    assert sum(row["spaces"] for row in summary["by_confidence"]) == 40
