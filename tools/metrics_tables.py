"""The tables of docs/metrics.md, made from what the services register."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric
from redis.asyncio import Redis

from libs.common.camera_state import ViewCondition
from libs.common.leases import Leases
from libs.common.monitoring.metrics import DROPPED, LeaseCollector, Stage
from libs.common.redis_clock import RedisClock
from libs.common.redis_memory import RedisMemoryWatch
from services.detector import metrics as detector
from services.gateway import metrics as gateway
from services.ingest import metrics as ingest
from services.ingest.status import CameraStatus

CAMERA: Final = "a registered camera's id"
UNITS: Final = {"seconds": "s", "bytes": "bytes"}
STAGES: Final[Mapping[str, Mapping[str, Stage]]] = {
    "ingest": ingest.STAGES,
    "detector": detector.STAGES,
    "gateway": gateway.STAGES,
}
HOPS: Final[Mapping[str, Mapping[str, str]]] = {
    "ingest": ingest.HOPS,
    "detector": detector.HOPS,
    "gateway": gateway.HOPS,
}
IN_TABLES_BELOW: Final = {"stage", "outcome", "cause", "hop"}

WHEN_BAD: Final = {
    "lotcast_frames_total": "A stage that stands still while the one before it goes on: look at that service's log.",
    "lotcast_frames_dropped_total": "The cause, below, says why. Alert: DetectorBehind.",
    "lotcast_hop_seconds": "The hop that grew says where: `detect` and `detector_wait` want cores or a GPU, the others "
    "a faster Redis or network. Alert: PicturesLate.",
    "lotcast_redis_round_trip_seconds": "Is Redis's machine out of CPU (`redis-cli --latency`), or the network slow?",
    "lotcast_redis_failures_total": "Is Redis running and reached? A few at its restart are normal. Alert: RedisAway.",
    "lotcast_leases_held": "Fewer over all processes than cameras wanted: start one more, look at its log. Alert: "
    "CamerasUnowned.",
    "lotcast_leases_moved_total": "`lost` that grows: it stalls, or does not reach Redis, for longer than a lease.",
    "lotcast_members": "Processes that disagree are not on the same Redis.",
    "lotcast_camera_live": "`lotcast status` says why. Alert: CameraStalled.",
    "lotcast_camera_last_frame_timestamp_seconds": "Old: see `lotcast_camera_live`; this says since when.",
    "lotcast_camera_view_lost": "`moved`: draw the spaces anew, or turn the camera back; `frozen`: restart it; else "
    "wait for better weather, or clean the lens. `lotcast status` says more.",
    "lotcast_camera_frames_total": "Below the camera's `fps`: the camera or its network is slow.",
    "lotcast_camera_reconnects_total": "A few an hour: its network is weak, or somebody else reads it, too.",
    "lotcast_cameras": "`bad` above 0: the camera's entry is wrong; its status says what.",
    "lotcast_redis_memory_bytes": "Raise `REDIS_MAXMEMORY`, or keep fewer events. Alert: RedisMemory.",
    "lotcast_redis_memory_limit_bytes": "0: set one, or Redis takes the machine's memory.",
    "lotcast_redis_full": "1: history stops, pictures go on. Raise `REDIS_MAXMEMORY`, or register fewer cameras. "
    "Alert: RedisFull.",
    "lotcast_clock_skew_seconds": "Over 0.5: let this host and Redis's set their clocks by NTP. Frames are judged by "
    "Redis's clock and go on. Alert: ClockSkew.",
    "lotcast_redis_evicted_keys_total": "Must stay 0, or leases and cameras go. Set `maxmemory-policy noeviction`.",
    "lotcast_inference_seconds": "Grows with the load: more cores, a GPU, or a smaller model.",
    "lotcast_inference_batch_size": "",
    "lotcast_crops_total": "`too_many`: more than 140 changes an hour on one camera, the rest have no pictures; "
    "`redis_full`: see `lotcast_redis_full`.",
    "lotcast_viewers": "One gateway has nearly all: does the balancer spread them?",
    "lotcast_viewers_cut_off_total": "Those viewers' networks are slow; all at once: the gateway's.",
    "lotcast_viewers_refused_total": "`gateway`: start one more; `address`: raise "
    "`GATEWAY_CONNECTIONS_PER_ADDRESS`, or name the proxy that they come from in `GATEWAY_TRUSTED_PROXIES`.",
    "process_virtual_memory_bytes": "",
    "process_resident_memory_bytes": "Grows for hours: a leak; report it.",
    "process_start_time_seconds": "Changes by itself: the service ended; its log says why.",
    "process_cpu_seconds_total": "A rate of all cores: start one more process, on another machine.",
    "process_open_fds": "Near `process_max_fds`: raise the limit (`ulimit -n`).",
    "process_max_fds": "",
}
"""What to do; each metric has an entry."""


class _ACamera:
    """What ingest and the detector tell of, while nothing runs."""

    def statuses(self) -> Mapping[str, CameraStatus]:
        return {CAMERA: CameraStatus(asyncio.Event())}

    def listed(self) -> Mapping[str, int]:
        return {"wanted": 1, "disabled": 0, "bad": 0}

    def view_conditions(self) -> Mapping[str, ViewCondition]:
        return {CAMERA: "clear"}


def registries() -> dict[str, CollectorRegistry]:
    """What each service registers, by service; nothing is connected to."""
    of = {
        "ingest": ingest.IngestMetrics().registry,
        "detector": detector.DetectorMetrics().registry,
        "gateway": gateway.GatewayMetrics().registry,
    }
    redis = Redis()
    of["ingest"].register(LeaseCollector(Leases(redis, "ingest", "ingest")))
    of["ingest"].register(ingest.CameraCollector(_ACamera()))
    of["ingest"].register(RedisMemoryWatch(redis))
    of["detector"].register(LeaseCollector(Leases(redis, "detector", "detector")))
    of["detector"].register(detector.ViewCollector(_ACamera()))
    for service in ("ingest", "detector"):
        of[service].register(RedisClock(redis))
    return of


def metrics_tables() -> str:
    """All tables of the page.

    Raises:
        ValueError: `WHEN_BAD` lacks a metric, or has one that there is not.
    """
    found: dict[str, list[tuple[str, Metric]]] = {}
    for service, registry in registries().items():
        for metric in registry.collect():
            name = f"{metric.name}_total" if metric.type == "counter" else metric.name
            found.setdefault(name, []).append((service, metric))
    if wrong := found.keys() ^ WHEN_BAD.keys():
        raise ValueError(f"tools/metrics_tables.py: WHEN_BAD does not fit the metrics: {', '.join(sorted(wrong))}")
    ordered = sorted(found, key=lambda name: not name.startswith("lotcast_"))
    return "\n\n".join(
        [
            _table(
                ("metric", "of", "type", "labels", "unit", "what it is", "when it is bad"),
                (_metric_row(name, found[name]) for name in ordered),
            ),
            "## Stages\n\n`outcome` is one of those named here or `dropped`; `cause` says why.",
            _table(("stage", "of", "what", "outcomes", "causes of a drop"), _stage_rows()),
            "## Hops",
            _table(("hop", "of", "what"), _hop_rows()),
        ]
    )


def _metric_row(name: str, told: Sequence[tuple[str, Metric]]) -> tuple[str, ...]:
    services = [service for service, _ in told]
    metric = told[0][1]
    unit = UNITS.get(metric.name.rpartition("_")[2], "")
    of = "all" if len(services) == len(STAGES) else ", ".join(services)
    labels = _labels([metric for _, metric in told])
    return f"`{name}`", of, metric.type, labels, unit, metric.documentation, WHEN_BAD[name]


def _labels(metrics: Iterable[Metric]) -> str:
    values: dict[str, dict[str, None]] = {}
    for metric in metrics:
        for sample in metric.samples:
            for label, value in sample.labels.items():
                values.setdefault(label, {})[value] = None
    values.pop("le", None)  # a histogram's own
    return "; ".join(f"`{label}`{_among(label, list(found))}" for label, found in values.items())


def _among(label: str, values: Sequence[str]) -> str:
    if label in IN_TABLES_BELOW:
        return ""
    if values == [CAMERA]:
        return f": {CAMERA}"
    return ": " + ", ".join(f"`{value}`" for value in values)


def _stage_rows() -> Iterable[tuple[str, ...]]:
    for service, stages in STAGES.items():
        for name, stage in stages.items():
            yield f"`{name}`", service, stage.about, _explained(stage.outcomes), _explained(stage.causes)


def _explained(texts: Mapping[str, str]) -> str:
    assert DROPPED not in texts
    return "; ".join(f"`{value}`: {text}" for value, text in texts.items())


def _hop_rows() -> Iterable[tuple[str, ...]]:
    for service, hops in HOPS.items():
        for name, text in hops.items():
            yield f"`{name}`", service, text


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(cells)} |" for cells in (head, *rows)]
    lines.insert(1, "|" + "---|" * len(head))
    return "\n".join(lines)
