"""What is remembered is what the models say, and what changes an answer is asked anew."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import supervision as sv

from deploy.demo.model.measuring import read_clip
from services.detector.engines.base import Engine, Picture
from services.detector.engines.loading import load_engine
from services.detector.judge.judge import OwnNetwork
from services.detector.judge.views import cut_views
from services.detector.settings import DEMO_MODEL, DetectorSettings
from tests.support import remembered
from tests.support.remembered import Answers, RememberingEngine, RememberingViewJudge

SETTINGS = DetectorSettings(workers=1)


@pytest.fixture
def answers(tmp_path: Path) -> Iterator[Answers]:
    answers = Answers(tmp_path / "answers")
    yield answers
    answers.close()


@pytest.fixture(scope="module")
def picture() -> Picture:
    return next(read_clip(DEMO_MODEL.with_name("north.mp4")))


def same(one: sv.Detections, other: sv.Detections) -> bool:
    assert one.confidence is not None
    assert other.confidence is not None
    return (
        np.array_equal(one.xyxy, other.xyxy)
        and np.array_equal(one.confidence, other.confidence)
        and one.xyxy.dtype == other.xyxy.dtype
        and list(one.data["class_name"]) == list(other.data["class_name"])
        and one.class_id is not None
        and np.array_equal(one.class_id, other.class_id)
    )


def test_the_engines_own_answer_comes_at_once_and_again(answers: Answers, picture: Picture) -> None:
    real = load_engine(SETTINGS)
    loaded: list[Engine] = []

    def load() -> Engine:
        loaded.append(real)
        return real

    black = np.zeros_like(picture)
    expected = real.detect([picture, black], 0.25)
    for lives in (1, 1):  # the second finds all of it in the file
        engine = RememberingEngine(answers, b"model", load)
        assert engine.input_size == real.input_size
        assert (engine.batch_max, engine.description) == (real.batch_max, real.description)
        found = engine.detect([picture, black], 0.25)
        assert len(found[0]) > 10
        assert [same(*pair) for pair in zip(found, expected, strict=True)] == [True, True]
        assert len(loaded) == lives


def test_another_picture_confidence_or_model_is_asked_anew(answers: Answers, picture: Picture) -> None:
    real, asked = load_engine(SETTINGS), []

    class Counted:
        description, input_size, batch_max = real.description, real.input_size, real.batch_max

        def detect(self, pictures: Sequence[Picture], confidence: float) -> list[sv.Detections]:
            asked.append(confidence)
            return real.detect(pictures, confidence)

    other = picture.copy()
    other[0, 0, 0] ^= 1
    for model in (b"one", b"other"):
        engine = RememberingEngine(answers, model, Counted)
        for _ in range(2):
            engine.detect([picture, other], 0.25)
            engine.detect([picture], 0.1)
            engine.detect([picture[:, :640]], 0.25)
    assert len(asked) == 2 * 4


def test_views_are_remembered_as_they_were_judged(answers: Answers, picture: Picture) -> None:
    real = OwnNetwork()
    polygons = [[(0.1, 0.1), (0.2, 0.1), (0.2, 0.2), (0.1, 0.2)], [(0.5, 0.5), (0.6, 0.5), (0.6, 0.7), (0.5, 0.7)]]
    views = cut_views(picture, polygons)
    expected = real.logits(views)
    first = RememberingViewJudge(answers, b"m", real).logits(views)
    again = RememberingViewJudge(answers, b"m", real).logits(views)
    assert np.array_equal(first, expected)
    assert np.array_equal(again, expected)
    one = cut_views(picture, polygons[:1])
    assert np.array_equal(RememberingViewJudge(answers, b"m", real).logits(one), real.logits(one))


def test_the_key_of_a_model_depends_on_settings_files_and_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    keys = {remembered._model(SETTINGS), remembered._model(SETTINGS.model_copy(update={"nms_iou": 0.6}))}
    file = tmp_path / "model.onnx"
    for content in (b"a", b"b"):
        file.write_bytes(content)
        remembered._content.cache_clear()
        keys.add(remembered._model(SETTINGS.model_copy(update={"model": str(file)})))
    monkeypatch.setattr(remembered, "ENGINE_SOURCES", ("services/detector/engines/o*.py",))  # as if some were others
    keys.add(remembered._model(SETTINGS))
    assert len(keys) == 5


def test_answers_are_kept_for_the_next_run(tmp_path: Path) -> None:
    for made in (b"told", b"never made"):
        answers = Answers(tmp_path / "answers")
        assert answers.get(b"asked", lambda made=made: made) == b"told"  # type: ignore[misc]
        answers.close()
