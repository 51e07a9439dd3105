"""What the detector counts, for Prometheus."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, Literal, Protocol, get_args

from prometheus_client import Counter, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from libs.common.camera_state import ViewCondition
from libs.common.monitoring.metrics import FrameMetrics, RoundTripMetrics, Stage, new_registry

STAGES: Final = {
    "receive": Stage(
        "out of the camera's stream",
        {"newer": "a newer one waited there, too", "garbled": "a field is missing or has no sensible value"},
    ),
    "detect": Stage(
        "through the motion gate and the model",
        {
            "newer": "a newer one came before a worker was free",
            "too_old": "captured longer ago than `DETECTOR_FRAME_MAX_AGE_S`",
            "lease_lost": "another detector may have the camera now",
            "undecodable": "its JPEG is broken, or has too many pixels",
            "engine_failed": "the model gave an error",
            "failed": "the camera failed unexpectedly and rests for a while",
        },
        {"new": "the model ran", "still": "nothing moved, so the model rested", "blind": "it shows nothing"},
    ),
    "publish": Stage(
        "through tracking and drawing to Redis",
        {
            "lease_lost": "another detector may have the camera now",
            "redis_away": "Redis is away, or refuses it",
            "failed": "the camera failed unexpectedly; see its status and the log",
            "undecodable": "its JPEG is broken, or it could not be encoded",
        },
        {"ok": "drawn and published", "unwatched": "nobody watches, so it was not drawn"},
    ),
}
HOPS: Final = {
    "stream_to_detector": "from Redis having the frame (its clock) until the detector does",
    "detector_wait": "until a worker takes it",
    "detect": "decoding and inference",
    "publish": "tracking, drawing, encoding, and Redis's answer",
    "capture_to_publish": "the whole way from the capture until Redis has the annotated picture",
}
InferenceKind = Literal["frame", "inspection"]
INFERENCE_KINDS: Final[tuple[InferenceKind, ...]] = ("frame", "inspection")
CropsOutcome = Literal["written", "too_many", "redis_full", "redis_away", "lease_lost"]
"""What became of the pictures of a change."""
INFERENCE_BUCKETS_S: Final = (0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
"""Finer around what a model takes on a CPU, 10 to 100 ms."""
BATCH_BUCKETS: Final = (1, 2, 4, 8, 16, 32, 64)


class DetectorMetrics:
    """The detector's metrics in a registry of their own; may be used from the workers' threads.

    Attributes:
        registry: what `/metrics` shows.
        frames: by the stages and hops above.
        round_trips: to Redis, without the reads that wait for frames.
    """

    def __init__(self) -> None:
        self.registry = new_registry()
        self.frames = FrameMetrics(self.registry, STAGES, HOPS)
        self.round_trips = RoundTripMetrics(self.registry)
        seconds = Histogram(
            "lotcast_inference_seconds", "Time of one run of the model, over its whole batch.", ["kind"],
            buckets=INFERENCE_BUCKETS_S, registry=self.registry,
        )  # fmt: skip
        batch = Histogram(
            "lotcast_inference_batch_size", "Pictures, or tiles of one picture, in one run of the model.", ["kind"],
            buckets=BATCH_BUCKETS, registry=self.registry,
        )  # fmt: skip
        crops = Counter(
            "lotcast_crops", "Changes of spaces by what became of their pictures.", ["result"],
            registry=self.registry,
        )  # fmt: skip
        self._crops = {outcome: crops.labels(outcome) for outcome in get_args(CropsOutcome)}
        self._inference = {kind: (seconds.labels(kind), batch.labels(kind)) for kind in INFERENCE_KINDS}

    def count_crops(self, outcome: CropsOutcome, changes: int) -> None:
        """The pictures of so many changes came to that."""
        self._crops[outcome].inc(changes)

    def observe_inference(self, seconds: float, batch: int, kind: InferenceKind = "frame") -> None:
        """The model has run once.

        Args:
            seconds: how long.
            batch: over how many pictures.
            kind: whole frames, or tiles of one for judging the spaces.
        """
        took, size = self._inference[kind]
        took.observe(seconds)
        size.observe(batch)


class Views(Protocol):
    """Tells what this detector's cameras show of their lots."""

    def view_conditions(self) -> Mapping[str, ViewCondition]:
        """By camera id."""


class ViewCollector(Collector):
    """What the cameras of this process show of their lots, read when somebody asks."""

    def __init__(self, views: Views) -> None:
        self._views = views

    def collect(self) -> Iterator[Metric]:
        """The numbers now."""
        lost = GaugeMetricFamily(
            "lotcast_camera_view_lost",
            "1 while the spaces cannot be judged for that reason, though the camera sends pictures, else 0.",
            labels=["camera", "reason"],
        )
        for camera_id, condition in self._views.view_conditions().items():
            for reason in get_args(ViewCondition):
                if reason != "clear":
                    lost.add_metric([camera_id, reason], reason == condition)
        yield lost
