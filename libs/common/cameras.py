"""A camera as it is registered: the shape in `lotcast:cameras`, in YAML and in the API."""

from __future__ import annotations

import re
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from libs.common.camera_urls import hide_credentials as hide_credentials
from libs.common.camera_urls import is_torn, secrets_in
from libs.common.camera_urls import keep_credentials as keep_credentials
from libs.common.secrets import register_secret, register_url

CAMERA_ID_PATTERN: Final = r"^[A-Za-z0-9_.-]{1,64}$"
URL_SCHEMES: Final = frozenset({"http", "https", "rtsp", "rtsps", "file", "v4l2"})

CameraId = Annotated[str, StringConstraints(pattern=CAMERA_ID_PATTERN)]

# Programs read `%2e`, `\` or a space in a host differently: one would check another address than the next one opens.
# Letters beyond ASCII are names in other languages; an IPv6 address may name its zone after a `%`.
_HOST = re.compile(r"[\w.-]+|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+(%[\w.-]+)?")

_CAMERA_ID = re.compile(CAMERA_ID_PATTERN + r"\Z")


def is_camera_id(text: str) -> bool:
    """Whether `text` may name a camera: 1 to 64 of letters, digits, `_`, `.` and `-`."""
    return _CAMERA_ID.match(text) is not None


def _check_url(url: str) -> str:
    register_url(url)
    for secret in secrets_in(url):
        register_secret(secret)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        # Python's own text quotes what it stumbled over, and that may be a piece of the password.
        raise ValueError(
            "is not a URL: host or port cannot be read; in a user's name or password write # / ? as %23 %2F %3F"
        ) from None
    if is_torn(url):
        raise ValueError("may have its password cut in two: write / ? # in it as %2F %3F %23, and @ in a path as %40")
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

CameraName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128, pattern=r"\S")]
FPS: Final = 10.0
FramesPerSecond = Annotated[
    float, Field(gt=0, le=60, allow_inf_nan=False, description="frames per second at most; more are dropped")
]

CameraUrl = Annotated[str, StringConstraints(min_length=1, max_length=2048), AfterValidator(_check_url)]


class Camera(BaseModel):
    """One camera as Redis holds it; a field that a later version added is passed over."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: CameraId
    name: CameraName
    url: CameraUrl
    fps: FramesPerSecond = FPS
    enabled: bool = True
    motion_threshold: MotionThreshold = None

    def is_read_like(self, other: Camera | None) -> bool:
        """Whether reading both is the same: the other fields are for the detector and for people."""
        return other is not None and (self.url, self.fps) == (other.url, other.fps)


def parse_camera(text: bytes | str) -> Camera | None:
    """A camera from its entry in Redis; None if that is unreadable."""
    try:
        return Camera.model_validate_json(text)
    except ValidationError:
        return None
