"""What the gateway counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

LATENCY_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)


class GatewayMetrics:
    """The gateway's metrics in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.viewers = Gauge("lotcast_gateway_viewers", "Viewers connected now.", registry=self.registry)
        self.frames_received = Counter(
            "lotcast_gateway_frames_received", "Viewer messages received from Redis.", registry=self.registry
        )
        self.frames_sent = Counter(
            "lotcast_gateway_frames_sent", "Pictures sent to viewers.", ["format"], registry=self.registry
        )
        self.frames_skipped = Counter(
            "lotcast_gateway_frames_skipped", "Pictures replaced by a newer one while a viewer was busy.",
            registry=self.registry,
        )  # fmt: skip
        self.viewers_cut_off = Counter(
            "lotcast_gateway_viewers_cut_off", "Viewers closed because they could not take a picture in time.",
            registry=self.registry,
        )  # fmt: skip
        self.bridge_frames = Counter(
            "lotcast_gateway_bridge_frames", "Pictures posted by workers.", ["outcome"], registry=self.registry
        )
        self.bridge_seconds = Histogram(
            "lotcast_gateway_bridge_seconds", "Time to take a posted picture and publish it.",
            buckets=LATENCY_BUCKETS_S, registry=self.registry,
        )  # fmt: skip
