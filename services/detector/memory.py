"""How this process holds its memory: pictures come and go many times a second, everything else stays."""

from __future__ import annotations

import ctypes
import gc
import platform
from typing import Final

from services.detector.engines.loading import core_count

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
    libc.mallopt(_M_ARENA_MAX, core_count())  # a picture that one lane frees serves another


def keep_what_was_loaded() -> None:
    """Let the garbage collector look only at what is made from now on: modules and the model stay for good."""
    gc.collect()
    gc.freeze()
