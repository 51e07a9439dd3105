"""Pipeline that use OpenVINO for the first time at the same moment."""

from __future__ import annotations

import subprocess
import sys

PROCESSES = 6


def test_lanes_that_begin_together_do_not_wait_for_each_other_for_ever() -> None:
    """Without warming up, about every third process hung: so there are several."""
    command = [sys.executable, "-m", "tests.detector.first_look"]
    processes = [subprocess.Popen(command) for _ in range(PROCESSES)]
    try:
        assert [process.wait(60) for process in processes] == [0] * PROCESSES
    finally:
        for process in processes:
            process.kill()
