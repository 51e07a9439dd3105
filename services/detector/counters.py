"""What became of one camera's frames: counted for the camera's status and for Prometheus at the same time."""

from __future__ import annotations

from collections import Counter

from libs.common.monitoring.metrics import FrameMetrics
from libs.common.rate import RateMeter
from services.detector.motion import GateVerdict


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
    """

    def __init__(self, metrics: FrameMetrics) -> None:
        self.frames = 0
        self.dropped: Counter[str] = Counter()
        self.verdicts: Counter[GateVerdict] = Counter()
        self.error = ""
        self.inference_ms = 0.0
        self.latency_ms = 0
        self.rate = RateMeter()
        self._metrics = metrics

    def took(self, hop: str, milliseconds: int) -> None:
        """A frame took so long over a hop."""
        self._metrics.took(hop, milliseconds / 1000)

    def drop(self, stage: str, cause: str) -> None:
        """A frame ended at a stage."""
        self.dropped[cause] += 1
        self._metrics.drop(stage, cause)

    def fail(self, stage: str, cause: str, error: Exception) -> bool:
        """A frame ended at a stage with an error.

        Returns:
            True if the error is another one than the last: worth a line in the log.
        """
        self.drop(stage, cause)
        is_new = self.error != str(error)
        self.error = str(error)
        return is_new

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
