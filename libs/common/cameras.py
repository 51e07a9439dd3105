"""A camera as it is registered: the shape in `lotcast:cameras`, in YAML and in the API."""

from __future__ import annotations

import re
from typing import Annotated, Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

CAMERA_ID_PATTERN: Final = r"^[A-Za-z0-9_.-]{1,64}$"
URL_SCHEMES: Final = frozenset({"http", "https", "rtsp", "rtsps", "file"})
HIDDEN_PASSWORD: Final = "***"

CameraId = Annotated[str, StringConstraints(pattern=CAMERA_ID_PATTERN)]

_CAMERA_ID = re.compile(CAMERA_ID_PATTERN + r"\Z")


def is_camera_id(text: str) -> bool:
    """Whether `text` may name a camera: 1 to 64 of letters, digits, `_`, `.` and `-`."""
    return _CAMERA_ID.match(text) is not None


def _check_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"is not a URL: {error}") from None
    if parts.scheme not in URL_SCHEMES:
        known = ", ".join(f"{scheme}://" for scheme in sorted(URL_SCHEMES))
        raise ValueError(f"must start with one of {known}")
    if parts.scheme == "file":
        if not parts.path:
            raise ValueError("names no file; write file:///path/to/clip.mp4")
    elif not parts.hostname:
        raise ValueError("names no host")
    elif port == 0:
        raise ValueError("has port 0")
    return url


CameraUrl = Annotated[str, StringConstraints(min_length=1, max_length=2048), AfterValidator(_check_url)]


class Camera(BaseModel):
    """One camera to be read by ingest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: CameraId
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128)]
    url: CameraUrl
    fps: Annotated[float, Field(gt=0, le=60, description="frames per second at most; more are dropped")] = 10.0
    enabled: bool = True


def hide_credentials(url: str) -> str:
    """The URL with its password, if any, replaced by `***`; for every log line and answer."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(not a URL)"
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    shown = SplitResult(parts.scheme, f"{parts.username or ''}:{HIDDEN_PASSWORD}@{host}", *parts[2:])
    return urlunsplit(shown)


def keep_credentials(url: str, previous_url: str) -> str:
    """Put the password back into a URL that came from `hide_credentials` and was sent back unchanged there.

    Args:
        url: as a client sent it, perhaps with `***` for the password.
        previous_url: as it is stored, with the real password.

    Returns:
        `url`, with the stored password where the client left it hidden for the same user and host.
    """
    new, old = urlsplit(url), urlsplit(previous_url)
    if new.password != HIDDEN_PASSWORD or old.password is None:
        return url
    if (new.scheme, new.username, new.hostname, new.port) != (old.scheme, old.username, old.hostname, old.port):
        return url
    return urlunsplit(new._replace(netloc=old.netloc))
