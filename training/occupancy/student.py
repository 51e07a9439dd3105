"""Rung 2: what its network learns from, its regressions, and its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from services.detector.judge.fusion import Floats
from training.occupancy.network import OccupancyNetwork, export_onnx
from training.occupancy.samples import VIEWS, SampleSet
from training.occupancy.student_training import Lesson
from training.occupancy.teacher import Heads, fit_fusions, save_fusions, teacher_logits

CALIBRATION_SHARE: Final = 0.16
"""Of the labelled pictures, the last ones: the network never sees them, and the regressions are fitted on them."""
TEACHER_SHARE: Final = 0.4
"""Of a labelled sample's target; the rest is the label."""
TEACHER_SCALE: Final = 0.9
"""From the sum of the teacher's two logits to its log odds."""
PER_EPOCH: Final = {
    "labelled": 2600, "labelled-again": 3200, "elsewhere": 2600, "pklot": 400, "rendered": 1400, "low-sun": 1400,
}  # fmt: skip
"""Samples of each set that an epoch shows."""


def is_for_calibration(samples: SampleSet) -> npt.NDArray[np.bool_]:
    """(n,) which labelled samples are kept for the regressions."""
    found: npt.NDArray[np.bool_] = samples.pictures >= (1 - CALIBRATION_SHARE) * (samples.pictures.max() + 1)
    return found


def make_lessons(
    sets: dict[str, SampleSet], out_of_fold: Floats, kept: npt.NDArray[np.bool_], heads: Heads
) -> list[Lesson]:
    """What the network learns from.

    Args:
        sets: by name: `labelled` and `labelled-again`, real spaces with labels, the same but for their augmentation;
            `elsewhere` and `pklot`, places of which the teacher says what is there; `rendered` and `low-sun`, with
            their truth.
        out_of_fold: (n, 2) of the teacher that never saw the labelled ones.
        kept: (n,) whose labels are not disputed.
        heads: the teacher.
    """
    labelled = sets["labelled"]
    chosen = np.flatnonzero(kept & ~is_for_calibration(labelled))
    targets = (1 - TEACHER_SHARE) * labelled.labels + TEACHER_SHARE * _probability(out_of_fold)
    lessons = []
    for name, samples in sets.items():
        everything = np.arange(len(samples.labels))
        if name.startswith("labelled"):
            lesson = Lesson(samples, _every_copy(samples, targets), chosen, PER_EPOCH[name])
        elif name in ("elsewhere", "pklot"):
            copies = [_probability(teacher_logits(heads, samples, copy)) for copy in range(_copies(samples))]
            lesson = Lesson(samples, np.stack(copies), everything, PER_EPOCH[name])
        else:
            lesson = Lesson(samples, _every_copy(samples, samples.labels), everything, PER_EPOCH[name])
        lessons.append(lesson)
    return lessons


def student_logits(network: OccupancyNetwork, samples: SampleSet, chosen: npt.NDArray[np.int64]) -> Floats:
    """(n, 2) logits of the chosen samples as they are."""
    network.eval()
    parts = []
    with torch.no_grad():
        for start in range(0, len(chosen), 64):
            part = chosen[start : start + 64]
            views = np.stack([samples.views[view][0, part] for view in VIEWS], axis=1)
            corners = np.stack([samples.corners[view][0, part] for view in VIEWS], axis=1)
            parts.append(network(torch.from_numpy(views), torch.from_numpy(corners)))
    logits: Floats = torch.cat(parts).numpy().astype(float)
    return logits


def export_student(
    network: OccupancyNetwork,
    samples: SampleSet,
    kept: npt.NDArray[np.bool_],
    evidence: dict[str, Floats],
    model_file: Path,
    fusion_file: Path,
) -> None:
    """Write the network as ONNX, and beside it the regressions, fitted on pictures that it never saw."""
    chosen = np.flatnonzero(kept & is_for_calibration(samples))
    logits = student_logits(network, samples, chosen)
    fusions = fit_fusions(
        logits, samples.side_px[chosen], samples.labels[chosen], {name: one[chosen] for name, one in evidence.items()}
    )
    model_file.parent.mkdir(parents=True, exist_ok=True)
    export_onnx(network, model_file)
    save_fusions(fusion_file, fusions)


def _copies(samples: SampleSet) -> int:
    return len(samples.maps[VIEWS[0]])


def _every_copy(samples: SampleSet, targets: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    return np.tile(np.asarray(targets, np.float32), (_copies(samples), 1))


def _probability(logits: Floats) -> npt.NDArray[np.float32]:
    return np.asarray(1 / (1 + np.exp(-TEACHER_SCALE * logits.sum(axis=1))), np.float32)
