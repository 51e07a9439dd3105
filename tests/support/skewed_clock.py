"""`python -m tests.support.skewed_clock SECONDS MODULE …`: run a module whose wall clock is ahead of the true time."""

from __future__ import annotations

import runpy
import sys
import time

if __name__ == "__main__":
    ahead_s, module = float(sys.argv[1]), sys.argv[2]
    true_time, true_time_ns = time.time, time.time_ns
    time.time = lambda: true_time() + ahead_s
    time.time_ns = lambda: true_time_ns() + round(ahead_s * 1_000_000_000)
    sys.argv = [module, *sys.argv[3:]]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
