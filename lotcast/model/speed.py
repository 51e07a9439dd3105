"""How many frames a second a model does on this machine, with some cameras at once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np

from services.detector.engines.base import Engine, Picture

CAMERAS: Final = (1, 4, 8)


def measure_speeds(engine: Engine, seconds: float, picture: Picture | None = None) -> dict[int, float]:
    """Frames a second over all cameras, by their number; each camera's next frame follows its last.

    Args:
        engine: loaded.
        seconds: of each measurement.
        picture: what every camera shows; noise of 1280x720 if None.
    """
    if picture is None:
        picture = np.random.default_rng(1).integers(0, 256, (720, 1280, 3), np.uint8)
    engine.detect([picture], 0.25)
    return {cameras: _measure(engine, cameras, seconds, picture) for cameras in CAMERAS}


def _measure(engine: Engine, cameras: int, seconds: float, picture: Picture) -> float:
    started = time.perf_counter()

    def watch(_: int) -> int:
        frames = 0
        while time.perf_counter() - started < seconds:
            engine.detect([picture], 0.25)
            frames += 1
        return frames

    with ThreadPoolExecutor(cameras) as pool:
        frames = sum(pool.map(watch, range(cameras)))
    return frames / (time.perf_counter() - started)
