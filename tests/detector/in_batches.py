"""`python -m tests.detector.in_batches COUNT`: a detector whose model seems to take so many pictures at once."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

import supervision as sv

from libs.common.bus import process_id
from libs.common.logging import configure_logging
from services.detector.__main__ import run
from services.detector.engines.base import Engine, Picture
from services.detector.engines.loading import load_engine
from services.detector.settings import DetectorSettings


class PretendedBatches:
    """A real engine that says of itself that it gains by batches."""

    def __init__(self, engine: Engine, batch_max: int) -> None:
        self.batch_max = batch_max
        self.description = engine.description
        self.input_size = engine.input_size
        self.sizes: list[int] = []
        self._engine = engine

    def detect(self, pictures: Sequence[Picture], confidence: float) -> list[sv.Detections]:
        self.sizes.append(len(pictures))
        return self._engine.detect(pictures, confidence)


def main() -> None:
    """Run until a signal."""
    settings = DetectorSettings.from_environment()
    configure_logging(settings, "detector")
    engine = PretendedBatches(load_engine(settings), int(sys.argv[1]))
    asyncio.run(run(settings, engine, process_id("detector")))


if __name__ == "__main__":
    main()
