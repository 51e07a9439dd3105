"""`lotcast probe`: does this camera work, before anyone adds it?"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from libs.common.cameras import hide_credentials
from libs.common.errors import ConfigurationError, SourceError
from libs.common.probe_queue import ProbeResult
from lotcast.camera_url import camera_url
from services.ingest import probe as ingest
from services.ingest.settings import IngestSettings


def probe(
    url: Annotated[str, typer.Argument(help="http://, rtsp://, v4l2:// or a video file or folder of pictures")],
    picture: Annotated[Path, typer.Option(help="where the first picture is saved")] = Path("probe.jpg"),
    seconds: Annotated[float, typer.Option(min=0.5, max=60, help="how long to count frames")] = ingest.WATCH_S,
) -> None:
    """Try a camera: what it is, its size, its frames per second, its first picture, or why it does not work."""
    checked = camera_url(url, "probe")
    _check_writable(picture)
    result = asyncio.run(ingest.probe(checked, IngestSettings.from_environment(), seconds))
    if not result.ok:
        raise SourceError(f"{hide_credentials(checked)}: {result.problem}")
    if result.picture is not None:
        try:
            picture.write_bytes(result.picture)
        except OSError as error:
            raise ConfigurationError(f"--picture {picture}: {error.strerror}") from None
    Console().print(_table(result, picture))


def _check_writable(picture: Path) -> None:
    """Refuse a place where the picture could not be saved, before anybody waits for a camera.

    Raises:
        ConfigurationError: the text names the option.
    """
    problem = None
    if picture.is_dir():
        problem = "is a folder"
    elif not picture.parent.is_dir():
        problem = f"the folder {picture.parent} does not exist"
    elif not os.access(picture if picture.exists() else picture.parent, os.W_OK):
        problem = "cannot be written"
    if problem is not None:
        raise ConfigurationError(f"--picture {picture}: {problem}")


def _table(result: ProbeResult, picture: Path) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("kind", result.kind)
    table.add_row("size", f"{result.width} x {result.height}")
    table.add_row("frames per second", f"{result.fps:.1f}")
    table.add_row("bytes a frame", f"{result.frame_bytes:,}")
    table.add_row("first picture after", f"{result.first_frame_ms} ms")
    table.add_row("first picture", str(picture))
    return table
