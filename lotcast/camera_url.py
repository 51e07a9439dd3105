"""A camera as people name it on a command line: a URL, or the path of a file or a folder."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from libs.common.cameras import Camera, hide_credentials
from libs.common.errors import ConfigurationError
from services.ingest.sources.picture_folder import SUFFIXES


def camera_url(text: str, option: str) -> str:
    """A camera's URL, or the URL of a path.

    Args:
        text: what was typed.
        option: where, for messages; what is shown of the text has no password.

    Raises:
        ConfigurationError: it is neither, or names a folder without pictures.
    """
    if not text.strip():
        raise ConfigurationError(
            f"{option}: the URL is empty; write one, like rtsp://192.0.2.7/stream, or a file's path"
        )
    if not _has_scheme(text):
        text = _url_of_path(text, option)
    try:
        return Camera(id="camera", name="camera", url=text).url
    except ValidationError as error:
        problem = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"{option}: URL: {problem}; it is {hide_credentials(text)!r}") from None


def _has_scheme(text: str) -> bool:
    # Python takes `gate:81/stream` for a URL with the scheme `gate`.
    try:
        return bool(urlsplit(text).scheme) and "://" in text
    except ValueError:
        return True  # the check of URLs says what is wrong with it


def _url_of_path(text: str, option: str) -> str:
    path = Path(text).expanduser()
    try:
        if path.is_dir() and not any(file.suffix.lower() in SUFFIXES for file in path.iterdir()):
            raise ConfigurationError(
                f"{option}: there is no picture in the folder {path}; known are {', '.join(sorted(SUFFIXES))}"
            )
        if path.exists():
            return path.resolve().as_uri()
    except OSError as error:
        raise ConfigurationError(f"{option}: {_shown(text)} cannot be read: {error.strerror}") from None
    hint = "; an address begins with http:// or rtsp://" if re.match(r"[\w.@:-]+(:\d+)?(/|$)", text) else ""
    raise ConfigurationError(f"{option}: {_shown(text)}: no such file, and no URL either{hint}")


def _shown(text: str) -> str:
    """The text, unless it may hold a password: `user:password@host/stream` is a URL that lacks its scheme."""
    return "what is given" if "@" in text else repr(text)
