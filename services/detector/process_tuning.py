"""How this process uses the machine's cores; its memory is in `libs/common/process_memory.py`."""

from __future__ import annotations

import os

from libs.common.logging import get_logger

_log = get_logger("process")


def use_batch_scheduling() -> None:
    """Let threads that wake up not interrupt those at work, here and in every thread that is made from now on.

    The workers and the model's threads are more than the cores: each interruption costs what the caches held. Services
    that answer somebody, on the same machine, get their turn before this one. Does nothing where the system has no such
    policy (sched(7), SCHED_BATCH) or forbids it.
    """
    if not hasattr(os, "SCHED_BATCH"):
        return
    try:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    except OSError as error:
        _log.info("the system schedules this process as any other", problem=str(error))
