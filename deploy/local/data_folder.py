"""The folder in which the embedded Redis keeps its data: made if need be, and used by one server at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from libs.common.errors import ConfigurationError


@contextmanager
def claimed(folder: Path) -> Iterator[Path]:
    """Hold the folder while in here; two servers appending to one file would spoil it.

    Raises:
        ConfigurationError: it cannot be written, or another Lotcast uses it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # cameras' addresses in it may hold passwords
        lock = (folder / "lotcast.lock").open("a")
    except OSError as error:
        raise ConfigurationError(
            f"cannot keep data in {folder}: {error.strerror}; --data names another place"
        ) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with this process, however that ends
        except OSError:
            raise ConfigurationError(f"{folder} is in use by another Lotcast; --data names another place") from None
        yield folder.resolve()
