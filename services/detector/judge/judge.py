"""Is a vehicle in a space? A judge answers for each space of one picture, with a calibrated probability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Protocol

import cv2
import numpy as np
import numpy.typing as npt
import openvino as ov
import supervision as sv

from libs.common.errors import EngineError
from libs.common.spaces import ParkingSpace
from services.detector.engines.base import Picture
from services.detector.judge.evidence import detector_evidence
from services.detector.judge.fusion import Floats, Fusion, fusion_inputs
from services.detector.judge.heads import Head, HiddenHeads
from services.detector.judge.judgement import Judgement
from services.detector.judge.trunk import Trunk
from services.detector.judge.views import SpaceViews, cut_views
from services.detector.occupancy.matching import SpaceMatcher

WEIGHTS: Final = Path(__file__).parent / "weights"
HEADS_FILE: Final = WEIGHTS / "yolo11n-heads.npz"
MODEL_FILE: Final = WEIGHTS / "occupancy.onnx"
FUSION_FILE: Final = WEIGHTS / "occupancy-fusion.npz"
FIT_COSINE_MIN: Final = 0.95
"""Least likeness of a trunk's features to those that the heads were trained on, as the cosine of the angle between.

Another precision of the same model comes to 0.99; another model, or one trained further, to less than 0.9.
"""
BATCH: Final = 8
"""Spaces that go through rung 2's network at once."""


class ViewJudge(Protocol):
    """Makes one logit of each of a space's two views, and one of both together."""

    @property
    def description(self) -> str:
        """What judges, for the log."""

    @property
    def fusions(self) -> Mapping[str, Fusion]:
        """`alone`, `full_frame` and `tiles`: by what the detection model's evidence comes from, if there is any."""

    def logits(self, views: SpaceViews) -> npt.NDArray[np.float32]:
        """(n, 3) logits: occupied by the upright view, occupied by the rectified one, and hidden by both.

        The last is -inf where the judge cannot tell.

        Raises:
            EngineError: the model failed.
        """


class HeadsOnTrunk:
    """Rung 1: heads of ours on the first layers of YOLO11n, which the detection model brings along."""

    def __init__(self, model: Path, heads: Path = HEADS_FILE) -> None:
        """Cut the trunk out of a model and check that the heads fit it.

        Args:
            model: an `.xml` or `.onnx` file.
            heads: the weights file.

        Raises:
            EngineError: the model has no such trunk, or other features than the heads were trained on.
        """
        arrays = load_arrays(heads)
        self._trunk = Trunk(model)
        likeness = reference_likeness(self._trunk, arrays)
        if likeness < FIT_COSINE_MIN:
            raise EngineError(f"{model.name} has a trunk with other features: {likeness:.2f} alike")
        self._heads = Head.load(arrays, "upright"), Head.load(arrays, "rectified")
        self._hidden = HiddenHeads.load(arrays)
        self.fusions: Mapping[str, Fusion] = load_fusions(arrays)
        self.description = f"heads on the trunk of {model.name}"

    def logits(self, views: SpaceViews) -> npt.NDArray[np.float32]:
        """See `ViewJudge.logits`."""
        upright = self._trunk.features(views.upright, views.upright_corners)
        rectified = self._trunk.features(views.rectified, views.rectified_corners)
        hidden = self._hidden.logits(upright, rectified)
        return np.stack([self._heads[0].logits(upright), self._heads[1].logits(rectified), hidden], axis=1)


class OwnNetwork:
    """Rung 2: a network wholly ours, whatever detection model runs."""

    def __init__(self, model: Path = MODEL_FILE, fusion: Path = FUSION_FILE) -> None:
        """Compile it for one core.

        Raises:
            EngineError: OpenVINO cannot load it.
        """
        try:
            compiled = ov.Core().compile_model(
                model, "CPU", {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "ENABLE_CPU_PINNING": False}
            )
        except RuntimeError as error:
            raise EngineError(f"cannot load {model.name}: {str(error).strip().splitlines()[-1]}") from error
        self._request = compiled.create_infer_request()
        self.fusions: Mapping[str, Fusion] = load_fusions(load_arrays(fusion))
        self.description = "own network"

    def logits(self, views: SpaceViews) -> npt.NDArray[np.float32]:
        """See `ViewJudge.logits`."""
        pictures = np.stack([views.upright, views.rectified], axis=1)
        corners = np.stack([views.upright_corners, views.rectified_corners], axis=1).astype(np.float32)
        logits = np.full((len(views), 3), -np.inf, np.float32)  # it has no heads for hidden spaces
        for start in range(0, len(views), BATCH):
            part = slice(start, start + BATCH)
            try:
                self._request.infer({"views": pictures[part], "corners": corners[part]})
            except RuntimeError as error:
                raise EngineError(f"the judge's network failed: {str(error).strip().splitlines()[-1]}") from error
            logits[part, :2] = self._request.get_output_tensor(0).data
        return logits


class OccupancyJudge:
    """Judges spaces of one picture at a time. Not to be used by two threads at the same time."""

    def __init__(self, view_judge: ViewJudge) -> None:
        """Use one of the two rungs."""
        self._view_judge = view_judge
        self.description = view_judge.description

    def judge(
        self,
        picture: Picture,
        spaces: Sequence[ParkingSpace],
        vehicles: sv.Detections | None = None,
        evidence_from: str = "full_frame",
        due: Sequence[int] | None = None,
    ) -> Judgement:
        """How likely each space is occupied, and whether it is hidden.

        Args:
            picture: (height, width, 3) BGR.
            spaces: of the camera, all of them: a vehicle that stands in one does not stand in the next.
            vehicles: what the detection model found in this picture, in its pixels, down to a confidence of 0.1; None
                if there is no model that knows such pictures.
            evidence_from: `full_frame` or `tiles`, as the vehicles were found.
            due: the numbers of the spaces to judge; None: all.

        Returns:
            What is judged of the spaces that are due, in their order.

        Raises:
            EngineError: the network failed.
        """
        numbers = list(range(len(spaces)) if due is None else due)
        if not numbers:
            return Judgement.all_visible(np.empty(0))
        views = cut_views(picture, [spaces[number].polygon for number in numbers])
        logits = self._view_judge.logits(views)
        evidence = None
        if vehicles is not None:
            matcher = SpaceMatcher(spaces, (picture.shape[1], picture.shape[0]))
            evidence = detector_evidence(matcher, vehicles)[numbers]
        fusion = self._view_judge.fusions["alone" if evidence is None else evidence_from]
        probabilities = fusion.probabilities(fusion_inputs(logits[:, :2], views.side_px, evidence))
        return Judgement(probabilities, 1 / (1 + np.exp(-logits[:, 2].astype(float))))


def load_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of an `.npz` file.

    Raises:
        EngineError: it is not there, or is no such file.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return dict(file)
    except (OSError, ValueError) as error:
        raise EngineError(f"cannot read {path.name}: {error}") from error


def load_fusions(arrays: Mapping[str, npt.NDArray[Any]]) -> dict[str, Fusion]:
    """The regressions of a weights file, by name."""
    names = sorted({key.split(".")[0] for key in arrays if key.endswith(".means")})
    return {name: Fusion.load(arrays, name) for name in names}


def reference_views() -> tuple[npt.NDArray[np.uint8], Floats]:
    """Views that are the same everywhere, and corners in them: soft blots, which excite all features."""
    blots = np.random.default_rng(seed=3).integers(0, 256, (8, 12, 12, 3)).astype(np.uint8)
    views = np.stack([cv2.resize(one, (128, 128), interpolation=cv2.INTER_CUBIC) for one in blots])
    corners = np.tile(np.array([[32.0, 32.0], [96.0, 32.0], [96.0, 96.0], [32.0, 96.0]]), (8, 1, 1))
    return views, corners


def reference_likeness(trunk: Trunk, arrays: Mapping[str, npt.NDArray[Any]]) -> float:
    """How alike a trunk's features of the reference views are to those kept with the heads, as a cosine."""
    found = trunk.features(*reference_views())
    pairs = (found.maps, arrays["reference.maps"]), (found.vectors, arrays["reference.vectors"])
    return min(_cosine(first.astype(float), second.astype(float)) for first, second in pairs)


def _cosine(first: Floats, second: Floats) -> float:
    centred = first - second.mean(axis=0), second - second.mean(axis=0)
    lengths = np.linalg.norm(centred[0]) * np.linalg.norm(centred[1])
    return float((centred[0] * centred[1]).sum() / max(lengths, 1e-9))
