"""`lotcast probe`: does this camera work, before anyone adds it?"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from libs.common.cameras import Camera, hide_credentials
from libs.common.errors import ConfigurationError, SourceError
from libs.common.probe_queue import ProbeResult
from services.ingest import probe as ingest
from services.ingest.settings import IngestSettings


def probe(
    url: Annotated[str, typer.Argument(help="http://, rtsp://, v4l2:// or a video file or folder of pictures")],
    picture: Annotated[Path, typer.Option(help="where the first picture is saved")] = Path("probe.jpg"),
    seconds: Annotated[float, typer.Option(min=0.5, max=60, help="how long to count frames")] = ingest.WATCH_S,
) -> None:
    """Try a camera: what it is, its size, its frames per second, its first picture, or why it does not work."""
    checked = checked_url(url)
    result = asyncio.run(ingest.probe(checked, IngestSettings.from_environment(), seconds))
    if not result.ok:
        raise SourceError(f"{hide_credentials(checked)}: {result.problem}")
    if result.picture is not None:
        try:
            picture.write_bytes(result.picture)
        except OSError as error:
            raise ConfigurationError(f"--picture {picture}: {error.strerror}") from None
    Console().print(_table(result, picture))


def checked_url(text: str) -> str:
    """A camera's URL, or the URL of a file's path.

    Raises:
        ConfigurationError: it is neither.
    """
    if not urlsplit(text).scheme:
        path = Path(text).expanduser()
        if not path.exists():
            raise ConfigurationError(f"{text!r}: no such file, and no URL either")
        text = path.resolve().as_uri()
    try:
        return Camera(id="probe", name="probe", url=text).url
    except ValidationError as error:
        problem = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"{hide_credentials(text)}: the URL {problem}") from None


def _table(result: ProbeResult, picture: Path) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_row("kind", result.kind)
    table.add_row("size", f"{result.width} x {result.height}")
    table.add_row("frames per second", f"{result.fps:.1f}")
    table.add_row("bytes a frame", f"{result.frame_bytes:,}")
    table.add_row("first picture after", f"{result.first_frame_ms} ms")
    table.add_row("first picture", str(picture))
    return table
