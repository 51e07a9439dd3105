"""Cameras from a YAML file or an environment variable into Redis; what is wrong is named with field and value."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from redis.asyncio import Redis

from libs.common import keys
from libs.common.cameras import Camera, CameraId, CameraUrl, MotionThreshold, hide_credentials
from libs.common.errors import ConfigurationError
from libs.common.spaces import ParkingSpace, SpaceList, dump_spaces


class CameraEntry(BaseModel):
    """A camera in a cameras file: like `Camera`, but the name may be left out, and spaces may be given."""

    model_config = ConfigDict(extra="forbid")

    id: CameraId
    url: CameraUrl
    name: str | None = None
    fps: Annotated[float, Field(gt=0, le=60)] = 10.0
    enabled: bool = True
    motion_threshold: MotionThreshold = None
    spaces: Annotated[list[ParkingSpace] | None, Field(max_length=1000)] = None

    def camera(self) -> Camera:
        """The entry as Redis holds it."""
        fields = self.model_dump(exclude={"spaces"})
        return Camera(**fields | {"name": self.name or self.id})


def describe_problem(error: ValidationError) -> str:
    """The first problem: `cameras.0.url: must start with …; it is 'ftp://…'`."""
    first = error.errors()[0]
    where = ".".join(str(step) for step in first["loc"]) or "entry"
    if first["type"] == "value_error" and not first["loc"]:
        return first["msg"].removeprefix("Value error, ")  # of the whole, and says itself which part of it
    value = first.get("input")
    shown = repr(hide_credentials(value) if isinstance(value, str) and "://" in value else value)
    return f"{where}: {first['msg'].removeprefix('Value error, ')}; it is {shown[:200]}"


def parse_cameras_file(text: str, name: str) -> list[CameraEntry]:
    """The entries of a cameras file.

    Args:
        text: YAML, `cameras: [{id, url, name?, fps?, enabled?, motion_threshold?, spaces?}]`.
        name: the file's, for messages.

    Raises:
        ConfigurationError: naming file, entry, field and value.
    """
    try:
        document: Any = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{name}: not YAML: {str(error).replace(chr(10), ' ')}") from None
    rows = document.get("cameras") if isinstance(document, dict) else None
    if not isinstance(rows, list):
        raise ConfigurationError(f"{name}: needs a list under `cameras:`")
    entries: list[CameraEntry] = []
    for number, row in enumerate(rows):
        where = f"{name}: camera {row.get('id', number + 1) if isinstance(row, dict) else number + 1}"
        try:
            entry = CameraEntry.model_validate(row)
            entry.camera()
            SpaceList(spaces=entry.spaces or [])
        except ValidationError as error:
            raise ConfigurationError(f"{where}: {describe_problem(error)}") from None
        _refuse_twice(entry, entries, where)
        entries.append(entry)
    return entries


def _refuse_twice(entry: CameraEntry, entries: Sequence[CameraEntry], where: str) -> None:
    if any(other.id == entry.id for other in entries):
        raise ConfigurationError(f"{where}: id: {entry.id!r} stands twice")


def parse_cameras_variable(text: str) -> list[CameraEntry]:
    """The entries of `INGEST_CAMERAS`, `NAME=URL,NAME=URL`.

    Raises:
        ConfigurationError: naming the entry, the field and the value.
    """
    entries: list[CameraEntry] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, separator, url = part.partition("=")
        if not separator:
            raise ConfigurationError(f"INGEST_CAMERAS: {hide_credentials(part)!r} is not NAME=URL")
        where = f"INGEST_CAMERAS: camera {name}"
        try:
            entry = CameraEntry(id=name, url=url)
        except ValidationError as error:
            raise ConfigurationError(f"{where}: {describe_problem(error)}") from None
        _refuse_twice(entry, entries, where)
        entries.append(entry)
    return entries


def read_entries(cameras_file: Path | None, cameras: str) -> list[CameraEntry]:
    """The cameras that the settings name.

    Raises:
        ConfigurationError: the file cannot be read, or an entry is wrong.
    """
    entries = parse_cameras_variable(cameras)
    if cameras_file is not None:
        try:
            text = cameras_file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"INGEST_CAMERAS_FILE: {cameras_file}: {error}") from None
        for entry in parse_cameras_file(text, str(cameras_file)):
            _refuse_twice(entry, entries, f"{cameras_file} beside INGEST_CAMERAS: camera {entry.id}")
            entries.append(entry)
    return entries


async def register(redis: Redis, entries: Sequence[CameraEntry]) -> None:
    """Write cameras into Redis, and their spaces where they are given; cameras that are there otherwise stay."""
    pipe = redis.pipeline(transaction=True)
    for entry in entries:
        pipe.hset(keys.CAMERAS, entry.id, entry.camera().model_dump_json())
        if entry.spaces is not None:
            pipe.set(keys.spaces(entry.id), dump_spaces(entry.spaces))
    if entries:
        await pipe.execute()
