"""Train the heads of rung 1 that tell whether something stands before a space. Needs torch."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from services.detector.judge.judge import load_arrays
from training.occupancy.head_training import HeadData, HeadNetwork, train_head
from training.occupancy.samples import VIEWS, SampleSet
from training.occupancy.teacher import head_data

EPOCHS: Final = 14
SEED: Final = 3


def train_hidden_heads(sets: Sequence[SampleSet]) -> dict[str, HeadNetwork]:
    """A head for each view; the labels of the samples say whether each is hidden."""
    heads = {}
    for view in VIEWS:
        data = [head_data(one, view, np.arange(len(one.labels))) for one in sets]
        whole = HeadData(
            torch.cat([one.maps for one in data]),
            torch.cat([one.vectors for one in data]),
            torch.cat([one.labels for one in data]),
        )
        heads[view] = train_head(whole, EPOCHS, SEED)
        sys.stdout.write(f"{view}: trained to see what hides a space, on {len(whole.labels)} samples\n")
        sys.stdout.flush()
    return heads


def add_hidden_heads(file: Path, heads: dict[str, HeadNetwork]) -> None:
    """Put the heads into a weights file, beside what is there, in place of those that were."""
    arrays: dict[str, npt.NDArray[Any]] = {
        name: value for name, value in load_arrays(file).items() if not name.startswith("hidden.")
    }
    for view, network in heads.items():
        for layer, values in network.export().items():
            arrays[f"hidden.{view}.{layer}"] = values[None].astype(np.float16)
    np.savez_compressed(file, allow_pickle=False, **arrays)
