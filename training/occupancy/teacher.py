"""Rung 1, which is also the teacher of rung 2: clean the labels, train the heads, fit the regressions, export."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from services.detector.judge.fusion import Floats, Fusion, fusion_inputs
from services.detector.judge.judge import reference_views
from services.detector.judge.trunk import Trunk
from training.occupancy.fitting import fit_fusion
from training.occupancy.head_training import HeadData, HeadNetwork, head_logits, train_head
from training.occupancy.samples import VIEWS, SampleSet

FOLDS: Final = 5
DISPUTED_LOGIT: Final = -2.0
"""A label that both views contradict, with a sum of logits beyond this, is wrong or disputable."""
SEEDS: Final = (1, 2)

Heads = dict[str, list[HeadNetwork]]


def out_of_fold_logits(samples: SampleSet, epochs: int) -> Floats:
    """(n, 2) logits of each sample by heads that never saw its picture, nor its neighbours in time."""
    fold = samples.pictures * FOLDS // (samples.pictures.max() + 1)
    logits = np.zeros((len(samples.labels), len(VIEWS)))
    for column, view in enumerate(VIEWS):
        for number in range(FOLDS):
            learned, left_out = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
            network = train_head(head_data(samples, view, learned), epochs, seed=100 + number)
            logits[left_out, column] = head_logits(network, *_plain(samples, view, left_out))
            right = ((logits[left_out, column] > 0) == samples.labels[left_out]).mean()
            _say(f"{view}, fold {number + 1} of {FOLDS}: {right:.4f} right out of fold")
    return logits


def disputed(labels: npt.NDArray[Any], logits: Floats) -> npt.NDArray[np.bool_]:
    """(n,) labels that both views' out-of-fold logits (n, 2) contradict confidently."""
    towards = logits * (2 * np.asarray(labels, float) - 1)[:, None]
    found: npt.NDArray[np.bool_] = (towards < 0).all(axis=1) & (towards.sum(axis=1) < DISPUTED_LOGIT)
    return found


def train_heads(samples: SampleSet, kept: npt.NDArray[np.int64], epochs: int) -> Heads:
    """Heads of both views, two of each, trained on the samples that were kept."""
    heads: Heads = {}
    for view in VIEWS:
        data = head_data(samples, view, kept)
        heads[view] = [train_head(data, epochs, seed) for seed in SEEDS]
        _say(f"{view}: heads trained on {len(kept)} spaces")
    return heads


def teacher_logits(heads: Heads, samples: SampleSet, copy: int) -> Floats:
    """(n, 2) logits of one copy of the samples."""
    columns = []
    for view in VIEWS:
        maps, vectors = (
            torch.from_numpy(np.array(samples.maps[view][copy])),
            torch.from_numpy(np.array(samples.vectors[view][copy])),
        )
        columns.append(np.mean([head_logits(network, maps, vectors) for network in heads[view]], axis=0))
    return np.stack(columns, axis=1)


def fit_fusions(
    logits: Floats, side_px: Floats, labels: npt.NDArray[Any], evidence: dict[str, Floats]
) -> dict[str, Fusion]:
    """One regression for each source of evidence, and one for none.

    Args:
        logits: (n, 2) by networks that did not learn from these samples.
        side_px: (n,) of the spaces.
        labels: (n,) cleaned.
        evidence: (n, 4) by source.
    """
    fusions = {"alone": fit_fusion(fusion_inputs(logits, side_px, None), labels)}
    for source, values in evidence.items():
        fusions[source] = fit_fusion(fusion_inputs(logits, side_px, values), labels)
    return fusions


def export_heads(heads: Heads, fusions: dict[str, Fusion], model: Path, file: Path) -> None:
    """Write the heads, the regressions and the trunk's features of the reference views into one `.npz` file."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    for view, networks in heads.items():
        exported = [network.export() for network in networks]
        for layer in exported[0]:
            arrays[f"{view}.{layer}"] = np.stack([one[layer] for one in exported]).astype(np.float16)
    reference = Trunk(model).features(*reference_views())
    arrays["reference.maps"] = reference.maps.astype(np.float16)
    arrays["reference.vectors"] = reference.vectors.astype(np.float16)
    save_fusions(file, fusions, **arrays)


def save_fusions(file: Path, fusions: dict[str, Fusion], **arrays: npt.NDArray[Any]) -> None:
    """Write regressions by name, and other arrays beside them, into one `.npz` file; its folder is made."""
    for name, fusion in fusions.items():
        arrays |= fusion.arrays(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(file, allow_pickle=False, **arrays)


def head_data(samples: SampleSet, view: str, chosen: npt.NDArray[np.int64]) -> HeadData:
    """The chosen samples, every copy of them, as one head trains on them."""
    maps = torch.from_numpy(np.asarray(samples.maps[view][:, chosen])).flatten(0, 1)
    vectors = torch.from_numpy(np.asarray(samples.vectors[view][:, chosen])).flatten(0, 1)
    labels = np.tile(samples.labels[chosen], len(samples.maps[view]))
    return HeadData(maps, vectors, torch.from_numpy(labels))


def _plain(samples: SampleSet, view: str, chosen: npt.NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(samples.maps[view][0][chosen]), torch.from_numpy(samples.vectors[view][0][chosen])


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
