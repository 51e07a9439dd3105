"""The detector's fields of a camera's status."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from services.detector.camera import CameraSession
from services.detector.process import DetectorProcess

DEMO_MARK: Final = b"lotcast-demo clip="
DEMO_NOTICE: Final = (
    "the demo's model knows the rendered demo only and finds nothing in real pictures; fetch one that does "
    "(lotcast model get yolox-nano) and name it in DETECTOR_MODEL"
)


def is_rendered(jpeg: bytes) -> bool:
    """Whether a picture comes from the demo's simulated cameras, which mark theirs in a comment at the beginning."""
    return jpeg[:4] == b"\xff\xd8\xff\xfe" and jpeg.startswith(DEMO_MARK, 6)


def status_fields(
    camera: CameraSession, process: DetectorProcess, skipped: int, state: str
) -> dict[str, str | int | float]:
    """What the detector tells about a camera; readers judge ages by Redis's clock.

    Args:
        camera: the camera.
        process: this process.
        skipped: frames that a newer one replaced before they were taken.
        state: of the camera here: `live` or `stopped`.
    """
    counters, settings = camera.counters, process.settings
    fields: dict[str, str | int | float] = {
        "detector_state": state,
        "detector_owner": process.name,
        "detector_fps": f"{counters.rate.per_second():.2f}",
        "detector_frames": counters.frames,
        "detector_skipped": skipped,
        "detector_too_old": counters.dropped["too_old"],
        "detector_still": counters.verdicts["still"],
        "detector_blind": counters.verdicts["blind"],
        "detector_undecodable": counters.dropped["undecodable"],
        "detector_garbled": counters.dropped["garbled"],
        "detector_failed": counters.dropped["failed"],
        "detector_unpublished": counters.dropped["redis_away"],
        "detector_disowned": counters.dropped["lease_lost"],
        "detector_events_pending": len(camera.outbox.events),
        "detector_events_dropped": camera.outbox.dropped,
        "detector_inference_ms": f"{counters.inference_ms:.1f}",
        "detector_latency_ms": counters.latency_ms,
        "detector_unknown_after_ms": round(settings.unknown_after_s * 1000),
        "detector_hold_ms": round(settings.hold_s * 1000),
        "detector_model": Path(settings.model).name,
        "detector_notice": DEMO_NOTICE if settings.model == "demo" and counters.is_rendered is False else "",
        "detector_skew_ms": process.clock.skew_ms or 0,
        "detector_view": camera.judging.view.condition,
        "detector_view_since_ms": camera.judging.view.since_ms,
        "detector_view_notice": camera.judging.view.notice,
        "detector_error": counters.error or process.clock.skew_problem() or process.memory.problem() or "",
        "detector_updated_at_ms": process.clock.now_ms(),
    }
    if camera.schedule.examined_at_ms is not None:
        fields["detector_examined_at_ms"] = camera.schedule.examined_at_ms
    return fields
