"""`lotcast up` and `lotcast demo`: everything on this machine, until Ctrl-C."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer

from deploy.local.demo import demo_installation
from deploy.local.embedded import Installation, run_installation
from libs.common.cameras import Camera, is_camera_id
from libs.common.errors import ConfigurationError
from lotcast.camera_url import camera_url
from lotcast.model.choice import choose_model
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
        str | None, typer.Option(help="detection model: a path, or a name of `lotcast model list` [DETECTOR_MODEL]")
    ] = None,
    fps: Annotated[float, typer.Option(min=0.1, max=60, help="frames a second read from each camera, at most")] = 10.0,
    data: Annotated[Path, typer.Option(help="where spaces, occupancy and events are kept")] = Path("lotcast-data"),
) -> None:
    """Run the whole system on cameras of your own."""
    cameras = [parse_camera(text, fps) for text in camera or []]
    cameras += entries_of_file(cameras_file)
    if not cameras:
        named = "" if cameras_file is None else f" {cameras_file} names none."
        raise ConfigurationError(
            f"which cameras?{named} Name them with --camera NAME=URL, or in a file with --cameras-file"
        )
    names = [entry["id"] for entry in cameras]
    for name in names:
        if names.count(name) > 1:
            raise ConfigurationError(f"--camera {name}=…: this name is given twice")
    if str(data) in ("", "."):
        raise ConfigurationError("--data: name a folder of its own, like lotcast-data")
    chosen = choose_model(model, data)
    environment = dict(chosen.environment)
    asyncio.run(run_installation(Installation(cameras, data, detector_environment=environment, notice=chosen.notice)))


def entries_of_file(cameras_file: Path | None) -> list[dict[str, Any]]:
    """The entries of a cameras file; none without one.

    Raises:
        ConfigurationError: it cannot be read, or an entry is wrong; the text names the option.
    """
    try:
        return [entry.model_dump(exclude_none=True) for entry in read_entries(cameras_file, "")]
    except ConfigurationError as error:
        raise ConfigurationError(f"--cameras-file: {str(error).removeprefix('INGEST_CAMERAS_FILE: ')}") from None


def parse_camera(text: str, fps: float) -> dict[str, Any]:
    """A `--camera` argument as an entry of a cameras file.

    Raises:
        ConfigurationError: it is not NAME=URL, or a part of it is wrong; the text names it and holds no password.
    """
    name, separator, url = text.partition("=")
    if not separator or "://" in name:
        raise ConfigurationError(
            "--camera: write NAME=URL, for example gate=rtsp://192.0.2.7/stream"
            + (f"; {text!r} has no =" if "@" not in text and "://" not in text else "")
        )
    if not is_camera_id(name):
        raise ConfigurationError(
            f"--camera: {name!r} cannot name a camera: a NAME is 1 to 64 letters (a to z), digits, `_`, `.` and `-`"
        )
    camera = Camera(id=name, name=name, url=camera_url(url, f"--camera {name}=…"), fps=fps)
    return camera.model_dump()
