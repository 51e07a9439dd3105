"""What a soak has measured, and whether it is good enough. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

WARM_UP_S: Final = 30.0
"""Caches fill and allocators settle: nothing is judged before."""
CALM_AFTER_S: Final = 10.0
"""What is measured so soon after a detector was killed is not judged, but for how long the pictures stopped."""
GROWTH_MAX_BYTES: Final = 15_000_000
GROWTH_MAX_SHARE: Final = 0.10
"""A process may hold as much more in the last third of its life than in the first, in bytes and as a share."""
FPS_MIN_SHARE: Final = 0.9
"""Least of a camera's own rate that reaches a viewer, as the median over the calm time."""
LATENCY_MAX_MS: Final = 200.0
"""From capture to a viewer, the median of the 95th percentiles over the calm time."""
GAP_MAX_S: Final = 3.5
"""Longest time without a picture after a kill: 3 s for the hand-over, half a second for what the next frame takes."""


REDIS_MAX_BYTES_PER_CAMERA: Final = 15_000_000
"""What docs/operations.md says that a camera takes in Redis at most."""
REDIS_GROWTH_MAX_BYTES: Final = 3_000_000
"""The detection logs of cameras that begin without one grow for an hour: by about half a megabyte in twenty minutes."""


@dataclass(frozen=True, slots=True)
class CameraSample:
    """One camera over one interval, as a viewer saw it.

    Attributes:
        fps: frames a second.
        latency_ms: median of capture to viewer; None without frames.
        latency_p95_ms: 95th percentile.
    """

    fps: float
    latency_ms: float | None
    latency_p95_ms: float | None


@dataclass(frozen=True, slots=True)
class Sample:
    """One interval.

    Attributes:
        at_s: its end, since the beginning.
        memory_bytes: resident bytes by process, `NAME PID`.
        cameras: by camera id.
        redis_data_bytes: `used_memory` of Redis: its data and what it needs to serve it.
    """

    at_s: float
    memory_bytes: dict[str, int]
    cameras: dict[str, CameraSample]
    redis_data_bytes: int = 0


@dataclass(slots=True)
class Soak:
    """Everything that was measured.

    Attributes:
        rates: frames a second that each camera sends; 0: it stalls now and then, and is not judged by its rate.
        samples: in order.
        kills_s: when a detector was killed, since the beginning.
        gaps_s: per camera that does not stall, the longest time without a picture.
        ends_live: cameras whose pictures still came at the end.
    """

    rates: dict[str, float]
    samples: list[Sample] = field(default_factory=list)
    kills_s: list[float] = field(default_factory=list)
    gaps_s: dict[str, float] = field(default_factory=dict)
    ends_live: set[str] = field(default_factory=set)

    def calm(self) -> list[Sample]:
        """The samples that are judged by rate and latency."""
        return [
            sample
            for sample in self.samples
            if sample.at_s >= WARM_UP_S and not any(0 <= sample.at_s - kill < CALM_AFTER_S for kill in self.kills_s)
        ]

    def memory_of(self) -> dict[str, list[tuple[float, int]]]:
        """(seconds, bytes) by process."""
        series: dict[str, list[tuple[float, int]]] = {}
        for sample in self.samples:
            for process, size in sample.memory_bytes.items():
                series.setdefault(process, []).append((sample.at_s, size))
        return series


def growth(sizes: Sequence[int]) -> int:
    """Bytes by which the median of the last third exceeds that of the first; 0 for fewer than six samples."""
    third = len(sizes) // 3
    return round(statistics.median(sizes[-third:]) - statistics.median(sizes[:third])) if third >= 2 else 0


def problems_of(soak: Soak) -> list[str]:
    """What is not good enough, a sentence each; empty if all is well."""
    found = []
    for process, series in soak.memory_of().items():
        begins_s = series[0][0] + WARM_UP_S
        sizes = [size for at_s, size in series if at_s >= begins_s]
        more = growth(sizes)
        if more > GROWTH_MAX_BYTES and more > GROWTH_MAX_SHARE * sizes[0]:
            found.append(f"memory of {process} grows: {more / 1e6:.0f} MB from {sizes[0] / 1e6:.0f} MB")
    data = [sample.redis_data_bytes for sample in soak.samples if sample.at_s >= WARM_UP_S]
    bound = REDIS_MAX_BYTES_PER_CAMERA * len(soak.rates)
    if data and max(data) > bound:
        found.append(f"Redis's data take {max(data) / 1e6:.0f} MB, {bound / 1e6:.0f} MB are the bound")
    if growth(data) > REDIS_GROWTH_MAX_BYTES:
        found.append(f"Redis's data grow by {growth(data) / 1e6:.1f} MB")
    calm = soak.calm()
    for camera_id, rate in soak.rates.items():
        if camera_id not in soak.ends_live:
            found.append(f"{camera_id}: no picture came at the end")
        if not rate:
            continue
        seen = [sample.cameras[camera_id] for sample in calm if camera_id in sample.cameras]
        fps = median_of(one.fps for one in seen)
        if fps is None or fps < FPS_MIN_SHARE * rate:
            found.append(f"{camera_id}: {fps or 0:.1f} of {rate:g} frames/s")
        latency_ms = median_of(one.latency_p95_ms for one in seen)
        if latency_ms is None or latency_ms > LATENCY_MAX_MS:
            found.append(f"{camera_id}: 95th percentile of latency is {latency_ms or float('nan'):.0f} ms")
        if soak.gaps_s.get(camera_id, 0.0) > GAP_MAX_S:
            found.append(f"{camera_id}: no picture for {soak.gaps_s[camera_id]:.1f} s")
    return found


def median_of(values: Iterable[float | None]) -> float | None:
    """The median of those that are not None; None if there are none."""
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def summary(soak: Soak) -> str:
    """One line for people."""
    calm, parts = soak.calm(), []
    for camera_id, rate in soak.rates.items():
        seen = [sample.cameras[camera_id] for sample in calm if camera_id in sample.cameras]
        fps, p50 = median_of(one.fps for one in seen), median_of(one.latency_ms for one in seen)
        p95 = median_of(one.latency_p95_ms for one in seen)
        told = f"{camera_id} {fps or 0:.1f} frames/s, {p50 or 0:.0f} ms (95 %: {p95 or 0:.0f} ms)"
        parts.append(told if rate else f"{told}, stalling")
    total = [sum(sample.memory_bytes.values()) / 1e6 for sample in soak.samples] or [0.0]
    data = [sample.redis_data_bytes / 1e6 for sample in soak.samples] or [0.0]
    minutes = soak.samples[-1].at_s / 60 if soak.samples else 0.0
    gap_s = max(soak.gaps_s.values(), default=0.0)
    return (
        f"{minutes:.0f} minutes, a detector killed {len(soak.kills_s)} times, longest gap {gap_s:.1f} s; "
        f"{'; '.join(parts)}; memory of all processes {total[0]:.0f} to {total[-1]:.0f} MB; "
        f"Redis's data {data[0]:.1f} to {data[-1]:.1f} MB"
    )
