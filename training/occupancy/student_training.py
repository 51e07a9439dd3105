"""Train rung 2's network: from labels where there are some, and from rung 1, its teacher, everywhere. Needs torch."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from training.occupancy.network import Hints, OccupancyNetwork
from training.occupancy.samples import VIEWS, SampleSet

BATCH: Final = 64
LEARNING_RATE: Final = 3e-3
WEIGHT_DECAY: Final = 0.05
AVERAGING: Final = 0.995
HINT_WEIGHT: Final = 0.5
SMOOTHING: Final = 0.02


@dataclass(frozen=True)
class Lesson:
    """Samples to learn from.

    Attributes:
        samples: their views, and the teacher's features of them.
        targets: (copies, n) probabilities of being occupied; NaN where only the teacher's features are learned.
        chosen: which of the n are learned from.
        per_epoch: how many of them an epoch shows, each in one of its copies.
    """

    samples: SampleSet
    targets: npt.NDArray[np.float32]
    chosen: npt.NDArray[np.int64]
    per_epoch: int


@dataclass(frozen=True)
class Batch:
    """Views (n, 2, 128, 128, 3), corners (n, 2, 4, 2), targets (n,), and the teacher's maps and vectors by view."""

    views: torch.Tensor
    corners: torch.Tensor
    targets: torch.Tensor
    maps: list[torch.Tensor]
    vectors: list[torch.Tensor]


def train_student(
    lessons: Sequence[Lesson],
    epochs: int,
    seed: int,
    keep: Callable[[OccupancyNetwork, int], None],
) -> OccupancyNetwork:
    """Train.

    Args:
        lessons: what to learn from.
        epochs: passes.
        seed: of everything.
        keep: is given the averaged network after each epoch.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network, hints = OccupancyNetwork(), Hints()
    network.to(memory_format=torch.channels_last)
    averaged: Any = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGING), use_buffers=True
    )
    if shutil.which(os.environ.get("CXX", "g++")) is not None:
        # A third faster; torch translates it with this compiler. It replaces a method of this one network, which mypy
        # takes for a mistake. The averaged network, which is kept and exported, was copied before and has its own.
        network.pooled = torch.compile(network.pooled)  # type: ignore[method-assign]
    parameters = [*network.parameters(), *hints.parameters()]
    optimiser = torch.optim.AdamW(parameters, weight_decay=WEIGHT_DECAY)
    steps = epochs * (sum(lesson.per_epoch for lesson in lessons) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps, pct_start=0.15)
    scale = _scales(lessons[0].samples)
    for epoch in range(epochs):
        started, losses = time.monotonic(), []
        for batch in _epoch(lessons, rng):
            loss = _loss(network, hints, batch, scale)
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, 5.0)
            optimiser.step()
            schedule.step()
            averaged.update_parameters(network)
            losses.append(loss.item())
        sys.stdout.write(
            f"epoch {epoch + 1} of {epochs}: loss {np.mean(losses):.4f}, {time.monotonic() - started:.0f} s\n"
        )
        sys.stdout.flush()
        keep(averaged.module, epoch + 1)
    trained: OccupancyNetwork = averaged.module.eval()
    return trained


def _scales(samples: SampleSet) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """How much each of the teacher's features varies, by view."""
    found = {}
    for view in VIEWS:
        maps = np.asarray(samples.maps[view][0, :2000], np.float32)
        vectors = np.asarray(samples.vectors[view][0, :2000], np.float32)
        found[view] = (
            torch.from_numpy(maps.std(axis=(0, 2), keepdims=True) + 1e-3),
            torch.from_numpy(vectors.std(axis=0, keepdims=True) + 1e-3),
        )
    return found


def _loss(network: OccupancyNetwork, hints: Hints, batch: Batch, scales: Any) -> torch.Tensor:
    pictures = batch.views.float().permute(0, 1, 4, 2, 3).flip(2) / 255
    total = torch.zeros(())
    is_known = ~batch.targets.isnan()
    targets = batch.targets[is_known].clamp(SMOOTHING, 1 - SMOOTHING)
    for at, view in enumerate(VIEWS):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            picture = pictures[:, at].contiguous(memory_format=torch.channels_last)
            maps, vectors = network.pooled(picture, batch.corners[:, at])
        maps, vectors = maps.float(), vectors.float()
        logits = network.heads[at](maps, vectors)[:, 0]
        if len(targets):
            total = total + functional.binary_cross_entropy_with_logits(logits[is_known], targets)
        told_maps, told_vectors = hints(maps, vectors)
        map_scale, vector_scale = scales[view]
        total = total + HINT_WEIGHT * (
            functional.smooth_l1_loss(told_maps / map_scale, batch.maps[at] / map_scale)
            + functional.smooth_l1_loss(told_vectors / vector_scale, batch.vectors[at] / vector_scale)
        )
    return total


def _epoch(lessons: Sequence[Lesson], rng: np.random.Generator) -> Iterator[Batch]:
    """Batches of all lessons mixed."""
    places: list[tuple[int, int, int]] = []
    for number, lesson in enumerate(lessons):
        copies = len(lesson.targets)
        taken = rng.permutation(lesson.chosen)[: lesson.per_epoch]
        places += [(number, int(rng.integers(copies)), int(one)) for one in taken]
    order = rng.permutation(len(places))
    for start in range(0, len(order) - BATCH + 1, BATCH):
        yield _batch(lessons, [places[at] for at in order[start : start + BATCH]], rng)


def _batch(lessons: Sequence[Lesson], places: Sequence[tuple[int, int, int]], rng: np.random.Generator) -> Batch:
    sets = [(lessons[number].samples, copy, one) for number, copy, one in places]
    views = np.stack([np.stack([s.views[view][copy, one] for view in VIEWS]) for s, copy, one in sets])
    corners = np.stack([np.stack([s.corners[view][copy, one] for view in VIEWS]) for s, copy, one in sets])
    gain, offset = rng.uniform(0.8, 1.25, (len(sets), 1, 1, 1, 1)), rng.uniform(-20, 20, (len(sets), 1, 1, 1, 1))
    views = np.clip(views * gain.astype(np.float32) + offset.astype(np.float32), 0, 255).astype(np.uint8)
    return Batch(
        torch.from_numpy(views),
        torch.from_numpy(corners),
        torch.tensor([lessons[number].targets[copy, one] for number, copy, one in places]),
        [torch.from_numpy(np.stack([s.maps[view][copy, one] for s, copy, one in sets])).float() for view in VIEWS],
        [torch.from_numpy(np.stack([s.vectors[view][copy, one] for s, copy, one in sets])).float() for view in VIEWS],
    )
