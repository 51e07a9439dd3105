"""What became of one camera's frames: counted for the camera's status and for Prometheus at the same time."""

from __future__ import annotations

from collections import Counter
from typing import Final

from libs.common.clock import running_s
from libs.common.monitoring.metrics import FrameMetrics
from libs.common.rate import RateMeter
from services.detector.motion import GateVerdict

LOG_AGAIN_S: Final = 60.0
LOGGED_ERRORS_MAX: Final = 32


class FrameCounters:
    """Counts one camera's frames.

    Attributes:
        frames: that went through the whole pipeline.
        dropped: by cause, as in `metrics.STAGES`.
        verdicts: of the motion gate.
        error: the last failure; empty once a frame has gone through.
        inference_ms: the model's time for the last frame it examined.
        latency_ms: from capture to publishing of the last picture.
        rate: frames a second through the whole pipeline.
        is_rendered: whether the last picture came from the demo's simulated cameras; None before the first.
    """

    def __init__(self, metrics: FrameMetrics) -> None:
        self.frames = 0
        self.dropped: Counter[str] = Counter()
        self.verdicts: Counter[GateVerdict] = Counter()
        self.error = ""
        self.inference_ms = 0.0
        self.latency_ms = 0
        self.rate = RateMeter()
        self.is_rendered: bool | None = None
        self._metrics = metrics
        self._logged_s: dict[str, float] = {}

    def took(self, hop: str, milliseconds: int) -> None:
        """A frame took so long over a hop."""
        self._metrics.took(hop, max(0, milliseconds) / 1000)

    def drop(self, stage: str, cause: str) -> None:
        """A frame ended at a stage."""
        self.dropped[cause] += 1
        self._metrics.drop(stage, cause)

    def fail(self, stage: str, cause: str, error: str) -> bool:
        """A frame ended at a stage with an error.

        Returns:
            True if the log should have a line: the same error had none in the last minute.
        """
        self.drop(stage, cause)
        self.error = error
        now_s = running_s()
        if now_s - self._logged_s.get(error, float("-inf")) < LOG_AGAIN_S:
            return False
        if len(self._logged_s) >= LOGGED_ERRORS_MAX:
            self._logged_s.clear()
        self._logged_s[error] = now_s
        return True

    def detected(self, verdict: GateVerdict, inference_ms: float) -> None:
        """A frame went through the motion gate and, where the verdict is `new`, the model."""
        self.verdicts[verdict] += 1
        self._metrics.count("detect", verdict)
        if verdict == "new":
            self.inference_ms = inference_ms

    def published(self, *, shown: bool) -> None:
        """A frame went through the whole pipeline; `shown`: with its picture."""
        self._metrics.count("publish", "ok" if shown else "unwatched")
        self.frames += 1
        self.rate.tick()
        self.error = ""
