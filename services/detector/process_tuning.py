"""How this process uses the machine: its memory, where pictures come and go many times a second, and its cores."""

from __future__ import annotations

import ctypes
import gc
import os
import platform
from typing import Final

from libs.common.logging import get_logger
from services.detector.engines.loading import core_count

_log = get_logger("process")

# Parameters of glibc's mallopt(3).
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8

KEPT_BYTES: Final = 256 << 20
"""Freed memory that goes back to the system only once there is more of it."""
PICTURE_BYTES_MAX: Final = 32 << 20
"""The most that glibc takes for a threshold; a picture of 3840x2160 has 24.9 MB."""


def keep_freed_memory() -> None:
    """Let memory that a picture had be there for the next one, instead of being given back and faulted in again.

    Does nothing where the C library is not glibc.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
    libc.mallopt(_M_MMAP_THRESHOLD, PICTURE_BYTES_MAX)
    libc.mallopt(_M_ARENA_MAX, core_count())  # a picture that one worker frees serves another


def freeze_loaded_objects() -> None:
    """Let the garbage collector look only at what is made from now on: modules and the model stay for good."""
    gc.collect()
    gc.freeze()


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
