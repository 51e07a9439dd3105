"""`lotcast discover`: which cameras are on this network?"""

from __future__ import annotations

import asyncio
import re
import sys
from typing import Annotated
from urllib.parse import quote, urlsplit, urlunsplit

import typer

from libs.common.errors import ConfigurationError, SourceError
from libs.common.probe_queue import DiscoverResult, FoundCamera
from services.ingest.discovery import discover as ingest
from services.ingest.settings import IngestSettings


def discover(
    addresses: Annotated[
        list[str] | None, typer.Argument(help="ask these hosts, where multicast does not reach; HOST or HOST:PORT")
    ] = None,
    user: Annotated[str, typer.Option(help="of the cameras' ONVIF services; the password is asked for")] = "",
    password: Annotated[
        str, typer.Option(envvar="LOTCAST_CAMERA_PASSWORD", show_envvar=True, help="better not on the command line")
    ] = "",
    seconds: Annotated[float, typer.Option(min=0.5, max=30, help="how long to wait for answers")] = ingest.LISTEN_S,
) -> None:
    """Find ONVIF cameras on the local network and print `--camera` lines for them.

    The lines hold the password that you give. Exit code 1 if no camera was found.
    """
    if user and not password:
        if not sys.stdin.isatty():
            raise ConfigurationError("--user needs a password: set LOTCAST_CAMERA_PASSWORD")
        password = typer.prompt("Password", hide_input=True, err=True)
    for address in addresses or []:
        if not re.fullmatch(r"[\w.:\[\]-]{1,255}", address):
            raise ConfigurationError(f"{address!r} is not HOST or HOST:PORT")
    result = asyncio.run(ingest.discover(IngestSettings.from_environment(), addresses or (), user, password, seconds))
    if result.problem:
        raise SourceError(result.problem)
    for line in describe(result, user, password):
        sys.stdout.write(line + "\n")


def describe(result: DiscoverResult, user: str, password: str) -> list[str]:
    """The lines that are printed: a comment for each camera, and a `--camera` option for each of its streams."""
    lines: list[str] = []
    names: set[str] = set()
    for camera in result.cameras:
        lines.append(f"# {camera.address}  {camera.name or 'unknown model'}")
        if camera.problem:
            lines.append(f"#   {camera.problem}; try again with --user NAME" if not user else f"#   {camera.problem}")
        for stream in camera.streams:
            size = f"{stream.width}x{stream.height}" if stream.width else "unknown size"
            lines.append(f"#   profile {stream.profile}: {size}")
            for kind, url in (("", stream.rtsp_url), ("-still", stream.snapshot_url)):
                if url:
                    name = _name(camera, stream.profile + kind, names)
                    lines.append(f"--camera '{name}={_with_login(url, user, password)}'")
    return lines


def _name(camera: FoundCamera, ending: str, taken: set[str]) -> str:
    """A camera id that none of the others has."""
    base = re.sub(r"[^A-Za-z0-9_.-]+", "-", f"{camera.name or camera.address}-{ending}").strip("-")[:56] or "camera"
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    taken.add(name)
    return name


def _with_login(url: str, user: str, password: str) -> str:
    if not user:
        return url
    parts = urlsplit(url)
    login = f"{quote(user, safe='')}:{quote(password, safe='')}@"
    return urlunsplit(parts._replace(netloc=login + parts.netloc.rpartition("@")[2]))
