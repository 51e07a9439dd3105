"""What all parts of one detector process share."""

from __future__ import annotations

from dataclasses import dataclass

from libs.common.redis_clock import RedisClock
from libs.common.redis_memory import RedisMemoryWatch
from services.detector.metrics import DetectorMetrics
from services.detector.settings import DetectorSettings


@dataclass(frozen=True, slots=True)
class DetectorProcess:
    """One detector process.

    Attributes:
        name: that no other process has; stands in messages and in Redis.
        settings: of this service.
        metrics: for Prometheus.
        clock: Redis's clock, by which all ages are judged.
        memory: how full Redis is.
    """

    name: str
    settings: DetectorSettings
    metrics: DetectorMetrics
    clock: RedisClock
    memory: RedisMemoryWatch
