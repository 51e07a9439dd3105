"""A camera as it is registered: the shape in `lotcast:cameras`, in YAML and in the API."""

from __future__ import annotations

import re
from typing import Annotated, Final
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

CAMERA_ID_PATTERN: Final = r"^[A-Za-z0-9_.-]{1,64}$"
URL_SCHEMES: Final = frozenset({"http", "https", "rtsp", "rtsps", "file", "v4l2"})
HIDDEN_PASSWORD: Final = "***"

CameraId = Annotated[str, StringConstraints(pattern=CAMERA_ID_PATTERN)]

_QUERY_SECRET = re.compile(
    r"(?P<name>(?<![^&;])[A-Za-z_-]*(?:pas|pwd|psw|secret|token|auth|key)[A-Za-z_-]*)=(?P<value>[^&;]*)", re.IGNORECASE
)

# Programs read `%2e`, `\` or a space in a host differently: one would check another address than the next one opens.
# Letters beyond ASCII are names in other languages; an IPv6 address may name its zone after a `%`.
_HOST = re.compile(r"[\w.-]+|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+(%[\w.-]+)?")

_CAMERA_ID = re.compile(CAMERA_ID_PATTERN + r"\Z")


def is_camera_id(text: str) -> bool:
    """Whether `text` may name a camera: 1 to 64 of letters, digits, `_`, `.` and `-`."""
    return _CAMERA_ID.match(text) is not None


def _check_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # Python's own text quotes what it stumbled over, and that may be a piece of the password.
        raise ValueError(
            "is not a URL: host or port cannot be read; in a user's name or password write # / ? as %23 %2F %3F"
        ) from None
    if parts.scheme not in URL_SCHEMES:
        known = ", ".join(f"{scheme}://" for scheme in sorted(URL_SCHEMES))
        raise ValueError(f"must start with one of {known}")
    if parts.scheme == "file":
        # `file:http://…` would be an address for whoever opens the file.
        if not parts.path.startswith("/") or parts.netloc not in ("", "localhost"):
            raise ValueError("names no file on this machine; write file:///path/to/clip.mp4")
    elif parts.scheme == "v4l2":
        if not parts.path.startswith("/dev/"):
            raise ValueError("names no device; write v4l2:///dev/video0")
    elif not parts.hostname:
        raise ValueError("names no host")
    elif port == 0:
        raise ValueError("has port 0")
    elif not _HOST.fullmatch(parts.hostname) or "\\" in parts.netloc:
        raise ValueError("has characters in its host that no host has")
    return url


MotionThreshold = Annotated[
    Annotated[float, Field(strict=True, ge=0, le=255, allow_inf_nan=False)] | None,
    Field(description="change of grey that counts as motion; 0: the model sees every frame; null: as the detector's"),
]

CameraUrl = Annotated[str, StringConstraints(min_length=1, max_length=2048), AfterValidator(_check_url)]


class Camera(BaseModel):
    """One camera to be read by ingest."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: CameraId
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128)]
    url: CameraUrl
    fps: Annotated[float, Field(gt=0, le=60, description="frames per second at most; more are dropped")] = 10.0
    enabled: bool = True
    motion_threshold: MotionThreshold = None

    def is_read_like(self, other: Camera | None) -> bool:
        """Whether reading both is the same: the other fields are for the detector and for people."""
        return other is not None and (self.url, self.fps) == (other.url, other.fps)


def hide_credentials(url: str) -> str:
    """The URL with its password, if any, replaced by `***`; for every log line and answer.

    Many cameras want the password in the query (`?user=admin&pwd=…`), so what looks like one there is replaced too.
    """
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return "(not a URL)"
    query = _QUERY_SECRET.sub(rf"\g<name>={HIDDEN_PASSWORD}", parts.query)
    netloc = parts.netloc
    if password is not None:
        netloc = f"{parts.username or ''}:{HIDDEN_PASSWORD}@{netloc.rpartition('@')[2]}"
    if (netloc, query) == (parts.netloc, parts.query):
        return url
    return urlunsplit(parts._replace(netloc=netloc, query=query))


def keep_credentials(url: str, previous_url: str) -> str:
    """Put the password back into a URL that came from `hide_credentials` and was sent back unchanged there.

    Args:
        url: as a client sent it, perhaps with `***` for the password.
        previous_url: as it is stored, with the real password.

    Returns:
        `url`, with the stored password where the client left it hidden for the same user and host.
    """
    new, old = urlsplit(url), urlsplit(previous_url)
    if (new.scheme, new.username, new.hostname, new.port) != (old.scheme, old.username, old.hostname, old.port):
        return url
    if new.password == HIDDEN_PASSWORD and old.password is not None:
        new = new._replace(netloc=old.netloc)
    secrets = {match["name"].lower(): match["value"] for match in _QUERY_SECRET.finditer(old.query)}

    def restored(match: re.Match[str]) -> str:
        is_hidden = match["value"] == HIDDEN_PASSWORD
        return f"{match['name']}={secrets.get(match['name'].lower(), HIDDEN_PASSWORD)}" if is_hidden else match[0]

    return urlunsplit(new._replace(query=_QUERY_SECRET.sub(restored, new.query)))
