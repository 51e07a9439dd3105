"""`lotcast up` and `lotcast demo`: everything on this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from pydantic import ValidationError

from deploy.local.demo import demo_installation
from deploy.local.embedded import Installation, run_installation
from libs.common.cameras import Camera, hide_credentials
from libs.common.errors import ConfigurationError
from services.ingest.cameras_file import read_entries


def demo() -> None:
    """Run the demo: two simulated cameras on a rendered parking lot, through the whole system."""
    asyncio.run(run_installation(demo_installation()))


def up(
    camera: Annotated[
        list[str] | None,
        typer.Option(
            help="NAME=URL: http://, rtsp://, a video file or a folder of pictures; may be given several times"
        ),
    ] = None,
    cameras_file: Annotated[
        Path | None,
        typer.Option(envvar="INGEST_CAMERAS_FILE", show_envvar=False, help="YAML of cameras [INGEST_CAMERAS_FILE]"),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="detection model: a path, or a name that Ultralytics knows [DETECTOR_MODEL]")
    ] = None,
    fps: Annotated[float, typer.Option(min=0.1, max=60, help="frames a second read from each camera, at most")] = 10.0,
    data: Annotated[Path, typer.Option(help="where spaces, occupancy and events are kept")] = Path("lotcast-data"),
) -> None:
    """Run the whole system on cameras of your own."""
    cameras = [parse_camera(text, fps) for text in camera or []]
    cameras += [entry.model_dump(exclude_none=True) for entry in read_entries(cameras_file, "")]
    if not cameras:
        raise ConfigurationError("which cameras? Name them with --camera NAME=URL, or in a file with --cameras-file")
    names = [entry["id"] for entry in cameras]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"--camera {name}=…: this name is given twice")
    environment = {} if model is None else {"DETECTOR_MODEL": _absolute_if_file(model)}
    asyncio.run(run_installation(Installation(cameras, data, detector_environment=environment)))


def parse_camera(text: str, fps: float) -> dict[str, Any]:
    """A `--camera` argument as an entry of a cameras file.

    Raises:
        ConfigurationError: it is not NAME=URL, or a part of it is wrong; the text names it.
    """
    name, separator, url = text.partition("=")
    if not separator:
        raise ConfigurationError(f"--camera {text!r}: write NAME=URL, for example gate=rtsp://192.0.2.7/stream")
    if not urlsplit(url).scheme:
        file = Path(url).expanduser()
        if not file.exists():
            raise ConfigurationError(f"--camera {text!r}: no such file, and no URL either")
        url = file.resolve().as_uri()
    try:
        camera = Camera(id=name, name=name, url=url, fps=fps)
    except ValidationError as error:
        first = error.errors()[0]
        field, value = ("NAME", name) if first["loc"][0] in ("id", "name") else ("URL", hide_credentials(url))
        problem = first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"--camera {name}=…: {field}: {problem}; it is {value!r}") from None
    return camera.model_dump()


def _absolute_if_file(model: str) -> str:
    path = Path(model).expanduser()
    return str(path.resolve()) if path.exists() else model
