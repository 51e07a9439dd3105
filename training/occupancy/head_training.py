"""Train heads: small networks on a trunk's pooled features. Needs torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional

BATCH: Final = 128
LEARNING_RATE: Final = 2e-3
WEIGHT_DECAY: Final = 0.05
AVERAGING: Final = 0.995
MIXUP: Final = 0.3
SMOOTHING: Final = 0.02


class HeadNetwork(nn.Module):
    """The network of one head, as it is trained."""

    def __init__(self, map_channels: int, vector_length: int) -> None:
        super().__init__()
        self.map_norm, self.map = nn.BatchNorm1d(map_channels), nn.Conv1d(map_channels, 48, 1)
        self.vector_norm, self.vector = nn.BatchNorm1d(vector_length), nn.Linear(vector_length, 64)
        self.joined, self.last = nn.Linear(48 * 16 + 64, 64), nn.Linear(64, 1)
        self.channel_dropout, self.dropout = nn.Dropout1d(0.1), nn.Dropout(0.3)

    def forward(self, maps: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        """(n,) logits."""
        from_maps = torch.relu(self.map(self.channel_dropout(self.map_norm(maps)))).flatten(1)
        from_vectors = torch.relu(self.vector(self.dropout(self.vector_norm(vectors))))
        joined = self.dropout(torch.cat([from_maps, from_vectors], dim=1))
        logits: torch.Tensor = self.last(self.dropout(torch.relu(self.joined(joined))))[:, 0]
        return logits

    def export(self) -> dict[str, npt.NDArray[np.float32]]:
        """Weights and biases of the four layers, the normalisation folded into the first two."""
        exported = {}
        for name, layer, norm in (
            ("map", self.map, self.map_norm),
            ("vector", self.vector, self.vector_norm),
            ("joined", self.joined, None),
            ("last", self.last, None),
        ):
            weight, bias = layer.weight.detach().reshape(layer.weight.shape[:2]), layer.bias.detach()
            if norm is not None:
                gain = norm.weight.detach() / torch.sqrt(norm.running_var + norm.eps)
                bias = bias + weight @ (norm.bias.detach() - norm.running_mean * gain)
                weight = weight * gain
            exported[f"{name}.weight"], exported[f"{name}.bias"] = weight.numpy(), bias.numpy()
        return exported


@dataclass(frozen=True)
class HeadData:
    """What one head trains on: (m, channels, 16) and (m, length) of a trunk, and (m,) labels 0..1."""

    maps: torch.Tensor
    vectors: torch.Tensor
    labels: torch.Tensor


def train_head(data: HeadData, epochs: int, seed: int) -> HeadNetwork:
    """Train one network.

    AdamW with a one-cycle learning rate (Smith and Topin, 2018), mixup (Zhang et al., 2018), smoothed labels; what
    comes out is the exponential moving average of the weights.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = HeadNetwork(data.maps.shape[1], data.vectors.shape[1])
    averaged: Any = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(AVERAGING), use_buffers=True
    )
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=WEIGHT_DECAY)
    steps = epochs * (len(data.labels) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=steps)
    for batch in _batches(len(data.labels), epochs, rng):
        maps, vectors, labels = data.maps[batch].float(), data.vectors[batch].float(), data.labels[batch]
        share = float(rng.beta(MIXUP, MIXUP))
        other = torch.from_numpy(rng.permutation(len(labels)))
        maps, vectors, labels = (
            share * whole + (1 - share) * whole[other]
            for whole in (maps, vectors, labels.clamp(SMOOTHING, 1 - SMOOTHING))
        )
        loss = functional.binary_cross_entropy_with_logits(network(maps, vectors), labels)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        schedule.step()
        averaged.update_parameters(network)
    trained: HeadNetwork = averaged.module.eval()
    return trained


def _batches(count: int, epochs: int, rng: np.random.Generator) -> Iterator[torch.Tensor]:
    for _ in range(epochs):
        order = torch.from_numpy(rng.permutation(count))
        for start in range(0, count - BATCH + 1, BATCH):
            yield order[start : start + BATCH]


def head_logits(network: HeadNetwork, maps: torch.Tensor, vectors: torch.Tensor) -> npt.NDArray[np.float64]:
    """(m,) logits of a trained network."""
    with torch.no_grad():
        parts = [
            network(maps[start : start + 1024].float(), vectors[start : start + 1024].float())
            for start in range(0, len(maps), 1024)
        ]
    logits: npt.NDArray[np.float64] = torch.cat(parts).numpy().astype(float)
    return logits
