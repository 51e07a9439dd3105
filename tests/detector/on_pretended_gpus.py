"""`python -m tests.detector.on_pretended_gpus COUNT`: a detector that takes the CPU for one of so many GPUs."""

from __future__ import annotations

import asyncio
import sys

from libs.common.bus import process_id
from libs.common.logging import configure_logging
from services.detector.__main__ import run_on_gpu
from services.detector.gpus import Gpu
from services.detector.settings import DetectorSettings


def main() -> None:
    """Run until a signal."""
    settings = DetectorSettings.from_environment()
    configure_logging(settings, "detector")
    gpus = [Gpu("cpu", f"GPU-{number}", "pretended") for number in range(int(sys.argv[1]))]
    asyncio.run(run_on_gpu(settings, gpus, process_id("detector")))


if __name__ == "__main__":
    main()
