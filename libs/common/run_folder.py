"""Folders of the systems that `lotcast up` and `lotcast demo` run on this machine: one each, for as long as it runs.

A folder holds what must not stay behind (cameras with their passwords, the demo's data) and a file that tells
`lotcast status` where the system is. Its owner holds a lock on it, which ends with the process, however that ends; the
next start removes folders that nobody holds any more. Only the user may look in (modes 0700 and 0600).
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Final

from libs.common.errors import ConfigurationError

LOCK: Final = "lock"
ABOUT: Final = "system.json"


@dataclass(frozen=True, slots=True)
class RunningSystem:
    """A system that runs here.

    Attributes:
        redis_url: of its Redis, with the password if that is in the URL.
        dashboard: its address.
        data: the folder of its data; None if it keeps none.
        redis_password_file: as in `REDIS_PASSWORD_FILE`; None without one.
        redis_ca_file: as in `REDIS_CA_FILE`; None without one.
    """

    redis_url: str
    dashboard: str
    data: str | None = None
    redis_password_file: str | None = None
    redis_ca_file: str | None = None


def base_folder() -> Path:
    """Where this user's folders are; made if need be.

    Raises:
        ConfigurationError: it belongs to somebody else, who could look in, or cannot be made.
    """
    base = Path(tempfile.gettempdir()) / f"lotcast-{os.getuid()}"
    try:
        base.mkdir(mode=0o700, exist_ok=True)
        about = base.lstat()
    except OSError as error:
        raise ConfigurationError(f"cannot keep temporary files in {base}: {error.strerror}; set TMPDIR") from None
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid():
        raise ConfigurationError(f"{base} belongs to somebody else; remove it, or set TMPDIR to another place")
    if stat.S_IMODE(about.st_mode) != 0o700:
        base.chmod(0o700)
    return base


@contextmanager
def run_folder() -> Iterator[Path]:
    """A new folder for a system that starts; removed at the end. Removes those of dead processes first.

    Raises:
        ConfigurationError: it cannot be made.
    """
    base = base_folder()
    with _locked(base / LOCK):
        remove_dead(base)
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=base))
        held = _open(folder / LOCK)
        fcntl.flock(held, fcntl.LOCK_EX)
    with held:
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def remove_dead(base: Path) -> None:
    """Remove the folders that nobody holds; the caller holds the lock of `base`."""
    for folder in base.glob("run-*"):
        if not _is_held(folder):
            shutil.rmtree(folder, ignore_errors=True)


def write_private(file: Path, text: str) -> None:
    """Write a file that only the user may read."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as opened:
        opened.write(text)


def tell(folder: Path, system: RunningSystem) -> None:
    """Say where the system is that runs in `folder`."""
    write_private(folder / ABOUT, json.dumps(asdict(system)))


def running_systems() -> list[RunningSystem]:
    """The systems that this user runs here now, in no order.

    Raises:
        ConfigurationError: the folders cannot be looked into.
    """
    found = []
    for folder in base_folder().glob("run-*"):
        try:
            system = RunningSystem(**json.loads((folder / ABOUT).read_text("utf-8")))
        except (OSError, ValueError, TypeError):
            continue  # it is only starting, or ending
        if _is_held(folder):
            found.append(system)
    return found


def _is_held(folder: Path) -> bool:
    try:
        with (folder / LOCK).open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _open(file: Path) -> IO[str]:
    return os.fdopen(os.open(file, os.O_RDWR | os.O_CREAT, 0o600), "r+")


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    with _open(file) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
