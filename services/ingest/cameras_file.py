"""Cameras from a YAML file or an environment variable; an error names the field and the value."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from libs.common.cameras import FPS, Camera, CameraId, CameraName, CameraUrl, FramesPerSecond, MotionThreshold
from libs.common.errors import ConfigurationError
from libs.common.spaces import ParkingSpace, SpaceList
from libs.common.validation import describe_invalid


class CameraEntry(BaseModel):
    """A camera in a cameras file: like `Camera`, but the name is optional, and spaces may be given."""

    model_config = ConfigDict(extra="forbid")

    id: CameraId
    url: CameraUrl
    name: CameraName | None = None
    fps: FramesPerSecond = FPS
    enabled: bool = True
    motion_threshold: MotionThreshold = None
    spaces: Annotated[list[ParkingSpace] | None, Field(max_length=1000)] = None

    def camera(self) -> Camera:
        """The entry as Redis holds it."""
        fields = self.model_dump(exclude={"spaces"})
        return Camera(**fields | {"name": self.name or self.id})


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
        raise ConfigurationError(f"{name}: not YAML: {_describe_yaml_error(error)}") from None
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
            raise ConfigurationError(f"{where}: {describe_invalid(error)}") from None
        _refuse_twice(entry, entries, where)
        entries.append(entry)
    return entries


def _describe_yaml_error(error: yaml.YAMLError) -> str:
    """What is wrong and where, without the line itself: it may hold a password."""
    problem = getattr(error, "problem", None) or "it cannot be read"
    mark = getattr(error, "problem_mark", None)
    return problem if mark is None else f"{problem} in line {mark.line + 1}, column {mark.column + 1}"


def _refuse_twice(entry: CameraEntry, entries: Sequence[CameraEntry], where: str) -> None:
    if any(other.id == entry.id for other in entries):
        raise ConfigurationError(f"{where}: id: {entry.id!r} stands twice")


def parse_cameras_variable(text: str) -> list[CameraEntry]:
    """The entries of `INGEST_CAMERAS`, `NAME=URL,NAME=URL`.

    Raises:
        ConfigurationError: naming the entry, the field and the value.
    """
    entries: list[CameraEntry] = []
    parts = filter(None, (part.strip() for part in text.split(",")))
    for number, part in enumerate(parts, 1):
        name, separator, url = part.partition("=")
        if not separator:
            raise ConfigurationError(
                f"INGEST_CAMERAS: entry {number} is not NAME=URL; write a comma in a URL or password as %2C"
            )
        where = f"INGEST_CAMERAS: camera {name}"
        try:
            entry = CameraEntry(id=name, url=url)
        except ValidationError as error:
            raise ConfigurationError(f"{where}: {describe_invalid(error)}") from None
        _refuse_twice(entry, entries, where)
        entries.append(entry)
    return entries


def read_cameras_file(file: Path) -> list[CameraEntry]:
    """The entries of a cameras file on disk.

    Raises:
        ConfigurationError: the file cannot be read, or an entry is wrong.
    """
    try:
        text = file.read_text("utf-8")
    except UnicodeDecodeError:
        raise ConfigurationError(f"{file}: not a text file in UTF-8") from None
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror or error}") from None
    return parse_cameras_file(text, str(file))


def read_entries(cameras_file: Path | None, cameras: str) -> list[CameraEntry]:
    """The cameras that the settings name.

    Raises:
        ConfigurationError: the file cannot be read, or an entry is wrong.
    """
    entries = parse_cameras_variable(cameras)
    if cameras_file is not None:
        try:
            from_file = read_cameras_file(cameras_file)
        except ConfigurationError as error:
            raise ConfigurationError(f"INGEST_CAMERAS_FILE: {error}") from None
        for entry in from_file:
            _refuse_twice(entry, entries, f"{cameras_file} beside INGEST_CAMERAS: camera {entry.id}")
            entries.append(entry)
    return entries
