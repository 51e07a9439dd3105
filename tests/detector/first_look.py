"""`python -m tests.detector.first_look`: a new process whose workers all look for the first time at the same moment."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np

from services.detector.engines.openvino import OpenVinoEngine, OpenVinoOptions
from services.detector.settings import DEMO_MODEL

LANES = 3


def main() -> None:
    """Look, once a worker, at a picture of another shape than the model's input."""
    sys.setswitchinterval(1.0)  # who has the lock of Python keeps it until it waits
    engine = OpenVinoEngine(DEMO_MODEL, OpenVinoOptions(streams=2, requests=LANES))
    together = Barrier(LANES)

    def look(_: int) -> int:
        together.wait()
        return len(engine.detect([np.zeros((480, 640, 3), np.uint8)], 0.1))

    with ThreadPoolExecutor(LANES) as pool:
        assert list(pool.map(look, range(LANES))) == [1] * LANES


if __name__ == "__main__":
    main()
