"""Answers of models that are remembered by what was asked: the same picture under the same model is inferred once.

Inference is deterministic, and most of what tests on real lots cost. Answers are kept in `tests/artifacts`, for all
workers and for the next run. An answer is given again only if nothing has changed that makes it: the picture, the
model's files, our code of engines and judge, the versions of the libraries, the processor. What follows (tracks, tiles,
evidence, occupancy, events) is computed anew each time. `LOTCAST_TEST_REMEMBER=0` forgets all of it; tests of engines
and judges themselves never remember.
"""

from __future__ import annotations

import atexit
import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Sequence
from functools import cache, cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import numpy as np
import numpy.typing as npt
import openvino as ov
import supervision as sv

from services.detector.engines.base import VEHICLE_CLASSES, Engine, Picture, make_detections
from services.detector.engines.loading import load_engine, model_path
from services.detector.judge import loading as judge_loading
from services.detector.judge.judge import ViewJudge
from services.detector.judge.views import SpaceViews
from services.detector.judging import SpaceJudge
from services.detector.settings import DetectorSettings

ROOT: Final = Path(__file__).parents[2]
STORE: Final = ROOT / "tests/artifacts/answers.sqlite"
STORE_MAX_BYTES: Final = 200_000_000
ENGINE_SOURCES: Final = ("services/detector/engines/*.py",)
JUDGE_SOURCES: Final = (*(f"services/detector/judge/{name}.py" for name in ("heads", "judge", "trunk", "views")),
                        "services/detector/judge/weights/*")  # fmt: skip
"""Our own files that make detections of a picture, and logits of views."""
LIBRARIES: Final = ("numpy", "opencv-python-headless", "openvino", "supervision")
WANTED: Final = os.environ.get("LOTCAST_TEST_REMEMBER", "1") != "0"


class Answers:
    """Answers by what was asked, in a file that several processes use."""

    def __init__(self, file: Path) -> None:
        """Open it; one that has grown too large begins anew."""
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.exists() and file.stat().st_size > STORE_MAX_BYTES:
            file.unlink()
        self._database = sqlite3.connect(file, timeout=60, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA synchronous=OFF")
        self._database.execute("CREATE TABLE IF NOT EXISTS answers (asked BLOB PRIMARY KEY, told BLOB) WITHOUT ROWID")

    def get(self, asked: bytes, make: Callable[[], bytes]) -> bytes:
        """What was told when this was asked before; else what `make` tells now."""
        row = self._database.execute("SELECT told FROM answers WHERE asked = ?", (asked,)).fetchone()
        if row is not None:
            return bytes(row[0])
        told = make()
        self._database.execute("INSERT OR IGNORE INTO answers VALUES (?, ?)", (asked, told))
        return told

    def close(self) -> None:
        """Close the file."""
        self._database.close()


class RememberingEngine:
    """An engine that is loaded when something is asked that was never asked before. See `Engine`."""

    def __init__(self, answers: Answers, model: bytes, load: Callable[[], Engine]) -> None:
        """Begin.

        Args:
            answers: of all engines.
            model: what tells this engine from any other.
            load: loads it.
        """
        self._answers, self._model, self._load = answers, model, load

    @cached_property
    def _engine(self) -> Engine:
        return self._load()

    @cached_property
    def _facts(self) -> dict[str, Any]:
        def make() -> bytes:
            engine = self._engine
            facts = {"description": engine.description, "size": engine.input_size, "batch": engine.batch_max}
            return json.dumps(facts).encode()

        facts: dict[str, Any] = json.loads(self._answers.get(digest(self._model, b"facts"), make))
        return facts

    @property
    def description(self) -> str:
        """See `Engine.description`."""
        return str(self._facts["description"])

    @property
    def input_size(self) -> tuple[int, int]:
        """See `Engine.input_size`."""
        width, height = self._facts["size"]
        return width, height

    @property
    def batch_max(self) -> int:
        """See `Engine.batch_max`."""
        return int(self._facts["batch"])

    def detect(self, pictures: Sequence[Picture], confidence: float) -> list[sv.Detections]:
        """See `Engine.detect`."""
        return [self._detect(picture, confidence) for picture in pictures]

    def _detect(self, picture: Picture, confidence: float) -> sv.Detections:
        asked = digest(self._model, repr(confidence).encode(), *array_parts(picture))
        return unpack(self._answers.get(asked, lambda: pack(self._engine.detect([picture], confidence)[0])))


class RememberingViewJudge:
    """A judge of views that is asked once for the same views. See `ViewJudge`."""

    def __init__(self, answers: Answers, model: bytes, judge: ViewJudge) -> None:
        """Begin.

        Args:
            answers: of all judges.
            model: what tells this judge from any other.
            judge: the real one.
        """
        self._answers, self._model, self._judge = answers, model, judge
        self.description, self.fusions = judge.description, judge.fusions

    def logits(self, views: SpaceViews) -> npt.NDArray[np.float32]:
        """See `ViewJudge.logits`."""
        arrays = views.upright, views.rectified, views.upright_corners, views.rectified_corners
        asked = digest(self._model, *(part for array in arrays for part in array_parts(array)))
        told = self._answers.get(asked, lambda: self._judge.logits(views).astype(np.float32).tobytes())
        return np.frombuffer(told, np.float32).reshape(len(views), 3).copy()


def remembering_engine(settings: DetectorSettings) -> Engine:
    """`load_engine`, whose answers are remembered."""
    if not WANTED:
        return load_engine(settings)
    return RememberingEngine(_answers(), _model(settings), lambda: load_engine(settings))


def remembering_judge(settings: DetectorSettings, engine: Engine) -> SpaceJudge:
    """`load_judge`, whose judge of views remembers."""
    load_view_judge = judge_loading.load_view_judge

    def load(settings: DetectorSettings) -> ViewJudge | None:
        judge = load_view_judge(settings)
        if judge is None or not WANTED:
            return judge
        model = digest(_model(settings), _sources(JUDGE_SOURCES), judge.description.encode())
        return RememberingViewJudge(_answers(), model, judge)

    with patch.object(judge_loading, "load_view_judge", load):
        return judge_loading.load_judge(settings, engine)


def pack(found: sv.Detections) -> bytes:
    """Detections as bytes: boxes (n, 4), confidence (n,), class (n,), 32 bits each."""
    assert found.confidence is not None
    classes = np.array([VEHICLE_CLASSES.index(name) for name in found.data["class_name"]], np.float32)
    columns = found.xyxy.reshape(-1, 4), found.confidence[:, None], classes[:, None]
    return np.concatenate(columns, axis=1).astype(np.float32).tobytes()


def unpack(packed: bytes) -> sv.Detections:
    """What `pack` made bytes of."""
    rows = np.frombuffer(packed, np.float32).reshape(-1, 6)
    names = np.array([VEHICLE_CLASSES[int(number)] for number in rows[:, 5]], dtype=object)
    return make_detections(rows[:, :4].copy(), rows[:, 4].copy(), names)


def array_parts(array: npt.NDArray[Any]) -> tuple[bytes, memoryview]:
    """Shape and type, and the content, of an array."""
    return repr((array.shape, array.dtype.str)).encode(), np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def digest(*parts: bytes | memoryview) -> bytes:
    """A key of all these bytes."""
    made = hashlib.blake2b(digest_size=20)
    for part in parts:
        made.update(len(part).to_bytes(8, "little"))
        made.update(part)
    return made.digest()


@cache
def _answers() -> Answers:
    answers = Answers(STORE)
    atexit.register(answers.close)
    return answers


def _model(settings: DetectorSettings) -> bytes:
    """What an engine's answers depend on beside the picture."""
    relevant = {
        name: value
        for name, value in settings.model_dump(mode="json").items()
        if name in ("engine", "device", "nms_iou", "classes", "workers")
    }
    told = json.dumps(relevant, sort_keys=True).encode()
    return digest(_surroundings(), _sources(ENGINE_SOURCES), _content(model_path(settings)), told)


@cache
def _content(path: Path) -> bytes:
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    files += [one for one in [path.with_suffix(".bin")] if path.suffix == ".xml" and one.is_file()]
    return digest(*(part for file in files for part in (file.name.encode(), file.read_bytes())))


@cache
def _sources(patterns: tuple[str, ...]) -> bytes:
    files = [file for pattern in patterns for file in sorted(ROOT.glob(pattern)) if file.is_file()]
    assert len(files) >= len(patterns)
    return digest(*(file.read_bytes() for file in files))


@cache
def _surroundings() -> bytes:
    """Libraries and processor."""
    told = [version(name) for name in LIBRARIES] + [ov.Core().get_property("CPU", "FULL_DEVICE_NAME")]
    return digest(json.dumps(told).encode())
