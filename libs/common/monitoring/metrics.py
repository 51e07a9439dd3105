"""What every service counts, under the same names: frames, latencies, round trips to Redis, leases.

A name's label values are all declared when the metric is made. So each series is there, at zero, from the start, and
nothing that comes from outside can make another one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from typing import Final, Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from libs.common import keys

LATENCY_BUCKETS_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""From a hop within one machine to a picture that nobody would call live."""

DROPPED: Final = "dropped"


def new_registry() -> CollectorRegistry:
    """A registry with the numbers of the process itself: CPU time, memory, file descriptors."""
    disable_created_metrics()  # type: ignore[no-untyped-call] # a series for each one, telling when it began
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    return registry


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a frame's way through a service; its texts stand in docs/metrics.md.

    Attributes:
        about: what the stage is.
        causes: why a frame may end here, with a word on each.
        outcomes: how it may end well, with a word on each.
    """

    about: str
    causes: Mapping[str, str]
    outcomes: Mapping[str, str] = field(default_factory=lambda: {"ok": "it goes on"})


class FrameMetrics:
    """Frames by stage and outcome, drops by cause, and how long each hop takes; safe to use from several threads."""

    def __init__(self, registry: CollectorRegistry, stages: Mapping[str, Stage], hops: Mapping[str, str]) -> None:
        """Begin at zero.

        Args:
            registry: where they are registered.
            stages: of this service, in a frame's order.
            hops: of this service, with a word on where each begins and ends, for docs/metrics.md.
        """
        frames = Counter("lotcast_frames", "Frames by stage and how they left it.", ["stage", "outcome"],
                         registry=registry)  # fmt: skip
        dropped = Counter("lotcast_frames_dropped", "Frames that ended at a stage, by cause.", ["stage", "cause"],
                          registry=registry)  # fmt: skip
        latency = Histogram("lotcast_hop_seconds", "Time that a frame took over a hop.", ["hop"],
                            buckets=LATENCY_BUCKETS_S, registry=registry)  # fmt: skip
        self._frames = {
            (name, outcome): frames.labels(name, outcome)
            for name, stage in stages.items()
            for outcome in (*stage.outcomes, DROPPED)
        }
        self._dropped = {
            (name, cause): dropped.labels(name, cause) for name, stage in stages.items() for cause in stage.causes
        }
        self._latency = {hop: latency.labels(hop) for hop in hops}

    def count(self, stage: str, outcome: str = "ok", frames: int = 1) -> None:
        """Frames have left a stage well."""
        self._frames[stage, outcome].inc(frames)

    def drop(self, stage: str, cause: str, frames: int = 1) -> None:
        """Frames have ended at a stage."""
        self._frames[stage, DROPPED].inc(frames)
        self._dropped[stage, cause].inc(frames)

    def dropped(self) -> dict[tuple[str, str], int]:
        """Frames that ended in this process so far, by stage and cause."""
        return {
            place: int(sample.value)
            for place, counter in self._dropped.items()
            for metric in counter.collect()
            for sample in metric.samples
        }

    def took(self, hop: str, seconds: float) -> None:
        """A frame has taken a hop; where two machines' clocks disagree it may seem to have gone back in time: 0."""
        self._latency[hop].observe(max(0.0, seconds))


class RoundTripMetrics:
    """Requests to Redis as the service sees them: the wait for a connection is part of it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "lotcast_redis_round_trip_seconds", "Time from a request, or a pipeline of them, to Redis's answer.",
            buckets=LATENCY_BUCKETS_S, registry=registry,
        )  # fmt: skip
        self._failures = Counter(
            "lotcast_redis_failures", "Requests to Redis that got no answer in time.", registry=registry
        )

    def __call__(self, seconds: float, answered: bool) -> None:
        """One request is over."""
        if answered:
            self._seconds.observe(seconds)
        else:
            self._failures.inc()


class LeaseNumbers(Protocol):
    """The part of `libs.common.leases.Leases` that is told of; naming that class here would make an import cycle."""

    @property
    def role(self) -> keys.Role: ...
    @property
    def moved(self) -> Mapping[str, int]: ...
    @property
    def members(self) -> Sequence[str]: ...

    def held(self) -> Sized:
        """The cameras that this process owns now."""


class LeaseCollector(Collector):
    """The leases of this process, read when somebody asks."""

    def __init__(self, leases: LeaseNumbers) -> None:
        self._leases = leases

    def collect(self) -> Iterator[Metric]:
        """The numbers now."""
        held = GaugeMetricFamily("lotcast_leases_held", "Cameras that this process owns now.", labels=["role"])
        held.add_metric([self._leases.role], len(self._leases.held()))
        moved = CounterMetricFamily(
            "lotcast_leases_moved", "Cameras that came to this process or left it, by how.", labels=["role", "how"]
        )
        for how, times in self._leases.moved.items():
            moved.add_metric([self._leases.role, how], times)
        members = GaugeMetricFamily(
            "lotcast_members", "Live processes of the role, as this one sees it.", labels=["role"]
        )
        members.add_metric([self._leases.role], len(self._leases.members))
        yield from (held, moved, members)
