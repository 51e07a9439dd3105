"""What ingest counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from libs.common.monitoring.metrics import FrameMetrics, RoundTripMetrics, Stage, new_registry
from services.ingest.status import CameraStatus

STAGES: Final = {
    "read": Stage(
        "a picture from a camera",
        {
            "surplus": "the camera sends more than its `fps`",
            "garbled": "no whole JPEG",
            "replaced": "a newer one came while the process was busy",
        },
    ),
    "write": Stage(
        "into the camera's stream",
        {
            "replaced": "a newer one came while Redis was slow",
            "lease_lost": "another ingest may have the camera now",
            "redis_away": "Redis is away, or refuses it",
        },
    ),
}
HOPS: Final = {"capture_to_stream": "from the picture's first byte, or the camera's own time, until Redis has it"}


class IngestMetrics:
    """Ingest's metrics in a registry of their own.

    Attributes:
        registry: what `/metrics` tells.
        frames: by the stages and hops above.
        round_trips: to Redis.
    """

    def __init__(self) -> None:
        self.registry = new_registry()
        self.frames = FrameMetrics(self.registry, STAGES, HOPS)
        self.round_trips = RoundTripMetrics(self.registry)


class Cameras(Protocol):
    """What the collector needs to know of the cameras; the camera manager provides it."""

    def statuses(self) -> Mapping[str, CameraStatus]:
        """The cameras that this process reads, by id."""

    def listed(self) -> Mapping[str, int]:
        """How many cameras stand in Redis, by kind."""


class CameraCollector(Collector):
    """The cameras that this process reads.

    Only registered cameras are read, which bounds the label's values. A camera that was given up is no longer listed.
    """

    def __init__(self, cameras: Cameras) -> None:
        self._cameras = cameras

    def collect(self) -> Iterator[Metric]:
        """The numbers now."""
        label = ["camera"]
        live = GaugeMetricFamily("lotcast_camera_live", "1 while the camera sends pictures, else 0.", labels=label)
        at = GaugeMetricFamily(
            "lotcast_camera_last_frame_timestamp_seconds",
            "When its last good picture came, since the epoch; 0 before the first.",
            labels=label,
        )
        frames = CounterMetricFamily("lotcast_camera_frames", "Pictures taken from the camera.", labels=label)
        reconnects = CounterMetricFamily(
            "lotcast_camera_reconnects", "Connections to the camera lost or refused.", labels=label
        )
        for camera_id, status in self._cameras.statuses().items():
            live.add_metric([camera_id], status.state == "live")
            at.add_metric([camera_id], status.last_frame_at_ms / 1000)
            frames.add_metric([camera_id], status.frames)
            reconnects.add_metric([camera_id], status.reconnects)
        listed = GaugeMetricFamily(
            "lotcast_cameras", "Cameras that stand in Redis: to be read, disabled, with an entry that is wrong.",
            labels=["kind"],
        )  # fmt: skip
        for kind, count in self._cameras.listed().items():
            listed.add_metric([kind], count)
        yield from (live, at, frames, reconnects, listed)
