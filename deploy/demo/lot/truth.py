"""The truth beside a clip: which vehicles each frame shows, and which spaces are occupied when."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from deploy.demo.lot.scene import SeenVehicle


@dataclass(frozen=True)
class Truth:
    """What really happens in a clip that loops for ever.

    Attributes:
        clip: its name.
        fps: frames a second.
        size: (width, height) pixels.
        frames: in one loop.
        space_ids: every space of the lot.
        vehicles: per frame, the vehicles that a detector should see.
        occupied: space id → intervals of frames [start, end).
    """

    clip: str
    fps: int
    size: tuple[int, int]
    frames: int
    space_ids: tuple[str, ...]
    vehicles: list[list[dict[str, Any]]]
    occupied: dict[str, list[tuple[int, int]]]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read `CLIP.truth.json`."""
        raw = json.loads(path.read_text("utf-8"))
        return cls(
            clip=raw["clip"],
            fps=raw["fps"],
            size=(raw["width"], raw["height"]),
            frames=raw["frames"],
            space_ids=tuple(raw["space_ids"]),
            vehicles=raw["vehicles"],
            occupied={space: [(start, end) for start, end in spans] for space, spans in raw["occupied"].items()},
        )

    def vehicle_count(self, frame: int) -> int:
        """How many vehicles a detector should see in a frame."""
        return len(self.vehicles[frame % self.frames])

    def occupied_spaces(self, frame: int) -> frozenset[str]:
        """Ids of the spaces in which a vehicle stands in a frame."""
        at = frame % self.frames
        return frozenset(
            space for space, spans in self.occupied.items() if any(start <= at < end for start, end in spans)
        )

    @cached_property
    def changes(self) -> list[tuple[int, str, bool]]:
        """(frame, space id, now occupied) of every change in one loop, in order; the loop's seam is no change."""
        found = []
        for space, spans in self.occupied.items():
            for start, end in spans:
                if start > 0 or not any(other_end == self.frames for _, other_end in spans):
                    found.append((start, space, True))
                if end < self.frames or not any(other_start == 0 for other_start, _ in spans):
                    found.append((end % self.frames, space, False))
        whole = {space for space, spans in self.occupied.items() if spans == [(0, self.frames)]}
        return sorted(change for change in found if change[1] not in whole)

    def seconds_to_nearest_change(self, frame: int, space_id: str | None = None) -> float:
        """Seconds between a frame and the nearest change (of one space, or of any), over the loop's seam too."""
        at = frame % self.frames
        gaps = [
            min((at - changed) % self.frames, (changed - at) % self.frames)
            for changed, space, _ in self.changes
            if space_id in (None, space)
        ]
        return min(gaps) / self.fps if gaps else float("inf")


def describe_vehicles(seen: list[SeenVehicle]) -> list[dict[str, Any]]:
    """The entries of one frame: only those that a detector should see."""
    return [
        {"id": one.number, "class": one.vehicle_class, "box": list(one.box), "visible": round(one.visible, 2)}
        for one in seen
        if one.counts
    ]


def intervals(occupied: list[set[str]]) -> dict[str, list[tuple[int, int]]]:
    """Per space the intervals [start, end) of frames in which it is in `occupied`."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for frame, spaces in enumerate(occupied):
        for space in spaces:
            rows = spans.setdefault(space, [])
            if rows and rows[-1][1] == frame:
                rows[-1] = rows[-1][0], frame + 1
            else:
                rows.append((frame, frame + 1))
    return dict(sorted(spans.items()))
