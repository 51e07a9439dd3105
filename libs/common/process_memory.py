"""How a process uses memory where pictures come and go many times a second."""

from __future__ import annotations

import ctypes
import gc
import platform
from typing import Final

# Parameters of glibc's mallopt(3).
_M_TRIM_THRESHOLD: Final = -1
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8

KEPT_BYTES: Final = 256 << 20
"""Freed memory that goes back to the system only once there is more of it."""
PICTURE_BYTES_MAX: Final = 32 << 20
"""The most that glibc takes for a threshold; a picture of 3840x2160 has 24.9 MB."""


def keep_freed_memory(arenas: int) -> None:
    """Let memory that a picture had be there for the next one, instead of being given back and faulted in again.

    Does nothing where the C library is not glibc.

    Args:
        arenas: how many threads allocate pictures at once.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_TRIM_THRESHOLD, KEPT_BYTES)
    libc.mallopt(_M_MMAP_THRESHOLD, PICTURE_BYTES_MAX)
    libc.mallopt(_M_ARENA_MAX, arenas)  # a picture that one worker frees serves another


def freeze_loaded_objects() -> None:
    """Let the garbage collector look only at what is made from now on: modules and models stay."""
    gc.collect()
    gc.freeze()
