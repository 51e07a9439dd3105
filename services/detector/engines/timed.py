"""An engine that tells how long the model runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import supervision as sv

from services.detector.engines.base import Engine, EngineWrapper, Picture, in_batches


class TimedEngine(EngineWrapper):
    """Runs another engine, one batch after the other, and tells of each how long it took."""

    def __init__(self, engine: Engine, observe: Callable[[float, int], None]) -> None:
        """Wrap an engine.

        Args:
            engine: does the work.
            observe: is told of each run of the model that did not fail: seconds, with the wait for another thread's run
                where the engine does one at a time; pictures.
        """
        super().__init__(engine)
        self._observe = observe

    def detect(self, pictures: Sequence[Picture], confidence: float) -> list[sv.Detections]:
        """Find the vehicles in each picture; see `Engine.detect`."""
        found: list[sv.Detections] = []
        for batch in in_batches(pictures, self._engine.batch_max):
            started = time.perf_counter()
            found += self._engine.detect(batch, confidence)
            self._observe(time.perf_counter() - started, len(batch))
        return found
