"""The dashboard's files as browsers want them: compressed once, kept in memory as long as the file is the same."""

from __future__ import annotations

import asyncio
import gzip
import os
from pathlib import Path
from typing import Final

COMPRESSED_SUFFIXES: Final = frozenset(
    {".css", ".html", ".js", ".json", ".map", ".svg", ".txt", ".webmanifest", ".xml"}
)
"""Pictures and fonts are compressed already."""
WORTH_BYTES: Final = 1_024
FILE_MAX_BYTES: Final = 5_000_000
KEPT_MAX: Final = 64


def accepts_gzip(header: str) -> bool:
    """Whether a request's Accept-Encoding takes gzip (RFC 9110, section 12.5.3)."""
    wanted = {}
    for part in header.lower().split(","):
        coding, _, parameter = part.partition(";")
        name, _, value = parameter.strip().partition("=")
        try:
            wanted[coding.strip()] = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            wanted[coding.strip()] = 0.0
    return wanted.get("gzip", wanted.get("*", 0.0)) > 0


class CompressedFiles:
    """Compresses files when first asked for them."""

    def __init__(self) -> None:
        self._kept: dict[tuple[Path, int, int], bytes] = {}

    async def get(self, file: Path, found: os.stat_result) -> bytes | None:
        """A file's bytes compressed with gzip; None where that is not worth it.

        Args:
            file: of the dashboard.
            found: what the system says of it now: a file that is built anew is compressed anew.

        Raises:
            OSError: it cannot be read.
        """
        if file.suffix not in COMPRESSED_SUFFIXES or not WORTH_BYTES <= found.st_size <= FILE_MAX_BYTES:
            return None
        key = (file, found.st_mtime_ns, found.st_size)
        body = self._kept.get(key)
        if body is None:
            body = await asyncio.to_thread(lambda: gzip.compress(file.read_bytes(), mtime=0))
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            self._kept[key] = body
        return body
