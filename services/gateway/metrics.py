"""What the gateway counts, for Prometheus; where several workers share the port, all of their numbers in one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from libs.common.monitoring.metrics import FrameMetrics, RoundTripMetrics, Stage, new_registry
from libs.common.redis_clock import SKEW_ABOUT, SKEW_METRIC
from services.gateway.hub.encoded_message import FORMS, Form

STAGES: Final = {
    "relay": Stage(
        "a message from Redis to this gateway's viewers",
        {
            "unwatched": "the camera's last viewer here has just gone",
            "older": "viewers have seen it or a newer one",
            "garbled": "no viewer message",
        },
    ),
    "send": Stage(
        "a picture to one viewer",
        {"newer": "the next one came while the viewer was busy, or sooner than it wants pictures"},
        {"ok": "it goes on", "still": "it shows what a live viewer sees already, who is told so instead"},
    ),
    "bridge": Stage(
        "a picture that a worker posts",
        {"refused": "answered 400, 413, 422 or 429", "redis_away": "answered 503: Redis is away, full, or refuses it"},
    ),
}
REFUSED: Final = {
    "gateway": "this gateway has as many viewers as it may",
    "address": "there are too many viewers at your address",
}
"""Whose limit refuses a viewer, and what the viewer is told."""
HOPS: Final = {
    "redis_to_gateway": "from the publication (the detector's or bridge's clock) until a gateway has the message",
    "gateway_to_sockets": "until every viewer of a gateway that can take it has been given the picture",
    "bridge_to_redis": "from a worker's post until Redis has the message",
}


class GatewayMetrics:
    """The gateway's metrics in a registry of their own.

    Attributes:
        registry: this process's own numbers; `as_text` has those of all workers.
        frames: by the stages and hops above.
        viewers: connected now, by what they want.
        live_viewers: connected now to `/ws/viewer/live`.
        viewers_cut_off: closed because they could not take a picture in time.
        viewers_refused: answered 503, by whose limit.
        clock_skew: this host's clock minus Redis's, in seconds.
        round_trips: to Redis, without the subscription.
    """

    def __init__(self) -> None:
        self.registry = new_registry()
        self.frames = FrameMetrics(self.registry, STAGES, HOPS)
        self.round_trips = RoundTripMetrics(self.registry)
        viewers = Gauge("lotcast_viewers", "Viewers connected now.", ["format"],
                        registry=self.registry, multiprocess_mode="livesum")  # fmt: skip
        self.viewers: dict[Form, Gauge] = {form: viewers.labels(form) for form in FORMS}
        self.live_viewers = viewers.labels("live")
        self.viewers_cut_off = Counter(
            "lotcast_viewers_cut_off", "Viewers closed because they could not take a picture in time.",
            registry=self.registry,
        )  # fmt: skip
        self.clock_skew = Gauge(SKEW_METRIC, SKEW_ABOUT, registry=self.registry, multiprocess_mode="mostrecent")
        refused = Counter("lotcast_viewers_refused", "Viewers refused because there are too many.", ["limit"],
                          registry=self.registry)  # fmt: skip
        self.viewers_refused = {limit: refused.labels(limit) for limit in REFUSED}

    def as_text(self) -> bytes:
        """All numbers in Prometheus's text format, over all workers; CPU and memory only where there is one worker."""
        folder = os.environ.get(_FOLDER)
        if folder is None:
            return generate_latest(self.registry)
        together = CollectorRegistry()
        MultiProcessCollector(together, folder)  # type: ignore[no-untyped-call]
        return generate_latest(together)


_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Where prometheus-client looks for the workers' files."""


@contextmanager
def shared_by_workers() -> Iterator[Path]:
    """A folder for the numbers of workers that share a port; gone at the end, as the numbers are."""
    with tempfile.TemporaryDirectory(prefix="lotcast-gateway-") as folder:
        yield Path(folder)


def share_numbers(folder: Path, place: int) -> None:
    """Keep this worker's numbers where the others find them; before any are made.

    They go by the worker's place, not its process: one that is started again counts on from where the last one in its
    place ended, so that no number ever falls, and there are no more files than places.

    Args:
        folder: common to all workers.
        place: this worker's, from 0; no two living ones have the same.
    """
    os.environ[_FOLDER] = str(folder)
    values.ValueClass = values.MultiProcessValue(lambda: place)  # type: ignore[no-untyped-call]


def forget_connections(folder: Path, place: int) -> None:
    """The worker in this place is dead, and its viewers are gone; what it has counted remains."""
    mark_process_dead(place, str(folder))  # type: ignore[no-untyped-call]
