"""Rung 2: one small convolutional network of our own, trunk and heads in one file. Needs torch.

Both views go through one trunk. Its maps at strides 8, 16 and 32 are pooled inside the space, as rung 1's are, and each
view has a head of its own. While it trains, the pooled maps are also asked to tell what the teacher's are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import torch
from torch import nn

from services.detector.judge.trunk import MAP_CHANNELS, VECTOR_LENGTH
from services.detector.judge.views import VIEW_PIXELS

CHANNELS: Final = (16, 32, 64, 96, 160)
"""Of the stages, from stride 2 to stride 32."""


class Residual(nn.Module):
    """A 3 by 3 convolution beside what it is given."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Maps of the same shape."""
        return torch.relu(maps + self.norm(self.convolution(maps)))


def _stage(channels_in: int, channels_out: int, residuals: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels_in, channels_out, 3, 2, 1, bias=False),
        nn.BatchNorm2d(channels_out),
        nn.ReLU(),
        *(Residual(channels_out) for _ in range(residuals)),
    )


def pooling_matrix(corners: torch.Tensor, cells: int, stride: int, finer: int = 1) -> torch.Tensor:
    """`services.detector.judge.views.pooling_weights`, inside of the network's graph."""
    side = VIEW_PIXELS // stride
    count = cells * finer
    steps = (torch.arange(count, dtype=torch.float32) + 0.5) / count
    down, across = steps[:, None].expand(count, count), steps[None, :].expand(count, count)
    blend = torch.stack([(1 - across) * (1 - down), across * (1 - down), across * down, (1 - across) * down], dim=-1)
    points = blend.reshape(1, -1, 4) @ corners  # n, samples, 2
    at = ((points + 0.5) / stride - 0.5).clamp(0, side - 1)
    hats = torch.relu(1 - (at[..., None] - torch.arange(side, dtype=torch.float32)).abs())  # n, samples, 2, side
    weights = hats[:, :, 1, :, None] * hats[:, :, 0, None, :]  # n, samples, rows, columns
    weights = weights.reshape(-1, cells, finer, cells, finer, side * side).mean(dim=(2, 4))
    return weights.reshape(-1, cells * cells, side * side).transpose(1, 2)


class ViewHead(nn.Module):
    """From the pooled maps of one view to a logit."""

    def __init__(self) -> None:
        super().__init__()
        channels = CHANNELS[2] + CHANNELS[3]
        self.channel_dropout, self.dropout = nn.Dropout1d(0.1), nn.Dropout(0.25)
        self.map, self.vector = nn.Conv1d(channels, 48, 1), nn.Linear(5 * CHANNELS[4], 64)
        self.joined, self.last = nn.Linear(48 * 16 + 64, 64), nn.Linear(64, 1)

    def forward(self, maps: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        """(n, 1) logits."""
        from_maps = torch.relu(self.map(self.channel_dropout(maps))).flatten(1)
        from_vectors = torch.relu(self.vector(self.dropout(vectors)))
        joined = self.dropout(torch.cat([from_maps, from_vectors], dim=1))
        logits: torch.Tensor = self.last(self.dropout(torch.relu(self.joined(joined))))
        return logits


class OccupancyNetwork(nn.Module):
    """Views and corners in, one logit a view out."""

    def __init__(self) -> None:
        super().__init__()
        self.early = nn.Sequential(_stage(3, CHANNELS[0], 0), _stage(CHANNELS[0], CHANNELS[1], 1))
        self.p3, self.p4 = _stage(CHANNELS[1], CHANNELS[2], 2), _stage(CHANNELS[2], CHANNELS[3], 2)
        self.p5 = _stage(CHANNELS[3], CHANNELS[4], 1)
        self.heads = nn.ModuleList([ViewHead(), ViewHead()])

    def pooled(self, view: torch.Tensor, corners: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Pooled maps (n, 160, 16) and vectors (n, 800) of views (n, 3, 128, 128), RGB 0..1."""
        p3 = self.p3(self.early((view - 0.45) * 4))
        p4 = self.p4(p3)
        p5 = self.p5(p4)
        p3, p4, p5 = p3.float().flatten(2), p4.float().flatten(2), p5.float().flatten(2)
        near = p3 @ pooling_matrix(corners, 4, 8, finer=2)
        far = p4 @ pooling_matrix(corners, 4, 16)
        whole = (p5 @ pooling_matrix(corners, 2, 32)).flatten(1)
        return torch.cat([near, far], dim=1), torch.cat([whole, p5.mean(dim=2)], dim=1)

    def forward(self, views: torch.Tensor, corners: torch.Tensor) -> torch.Tensor:
        """Judge.

        Args:
            views: (n, 2, 128, 128, 3) BGR bytes: upright, rectified.
            corners: (n, 2, 4, 2) pixels in the views.

        Returns:
            (n, 2) logits.
        """
        pictures = views.float().permute(0, 1, 4, 2, 3).flip(2) / 255
        logits = [head(*self.pooled(pictures[:, at], corners[:, at])) for at, head in enumerate(self.heads)]
        return torch.cat(logits, dim=1)


class Hints(nn.Module):
    """Reads the teacher's pooled features out of the student's; thrown away after training (Romero et al., 2015)."""

    def __init__(self) -> None:
        super().__init__()
        self.map = nn.Conv1d(CHANNELS[2] + CHANNELS[3], MAP_CHANNELS, 1)
        self.vector = nn.Linear(5 * CHANNELS[4], VECTOR_LENGTH)

    def forward(self, maps: torch.Tensor, vectors: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, 256, 16) and (n, 1280)."""
        return self.map(maps), self.vector(vectors)


def export_onnx(network: OccupancyNetwork, path: Path) -> None:
    """Write the network as ONNX with any number of spaces a run."""
    example: tuple[Any, ...] = (
        torch.zeros((2, 2, VIEW_PIXELS, VIEW_PIXELS, 3), dtype=torch.uint8),
        torch.tensor([[32.0, 32], [96, 32], [96, 96], [32, 96]]).expand(2, 2, 4, 2).contiguous(),
    )
    names = {"input_names": ["views", "corners"], "output_names": ["logits"]}
    torch.onnx.export(
        network.eval(),
        example,
        str(path),
        dynamic_axes={name: {0: "spaces"} for name in ("views", "corners", "logits")},
        opset_version=17,
        dynamo=False,
        **names,
    )
