"""Checks of the settings that say where Redis is and how it lets a process in."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import ValidationInfo

from libs.common.redis_address import SCHEMES, read_password
from libs.common.secrets import register_url

_UNREADABLE_URL: Final = (
    "is not a URL: host or port cannot be read; in a user's name or password write # / ? @ as %23 %2F %3F %40"
)


def check_redis_url(url: str) -> str:
    """The URL, if Redis may be there.

    Raises:
        ValueError: it is none; the text holds no part of it.
    """
    register_url(url)
    # Python's own texts quote what they stumbled over, which may be a piece of the password; these quote nothing.
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError:
        raise ValueError(_UNREADABLE_URL) from None
    if parts.scheme not in SCHEMES:
        raise ValueError("must start with redis://, rediss:// or unix://")
    if parts.scheme == "unix":
        if not parts.path:
            raise ValueError("names no socket; write unix:///path/to/redis.sock")
        return url
    if "@" in parts.path + parts.query + parts.fragment:
        raise ValueError(_UNREADABLE_URL)  # an unquoted / ? or # ended the host before the password did
    if not re.fullmatch(r"/?\d*", parts.path) or parts.fragment:
        raise ValueError("must end with the database's number, like redis://HOST:PORT/0")
    if port == 0:
        raise ValueError("names no port")
    if not host and parts.netloc:
        raise ValueError("names no host")
    return url


def check_password_file(file: Path | None, info: ValidationInfo) -> Path | None:
    """The file, if it holds a password and the URL has none.

    Raises:
        ValueError: it cannot be read, or the URL has a password, too.
    """
    if file is not None:
        try:
            read_password(file)
        except OSError as error:
            raise ValueError(f"{file} cannot be read: {error.strerror}") from None
        if urlsplit(info.data.get("redis_url", "")).password:
            raise ValueError("REDIS_URL has a password, too; keep one of them")
    return file


def check_ca_file(file: Path | None, info: ValidationInfo) -> Path | None:
    """The file, if it holds certificates and the URL asks for TLS.

    Raises:
        ValueError: it cannot be read, holds no certificate, or nothing would be checked against it.
    """
    if file is not None:
        if urlsplit(info.data.get("redis_url", "rediss:")).scheme != "rediss":
            raise ValueError("REDIS_URL does not begin with rediss://, so nothing would be checked")
        try:
            ssl.create_default_context(cafile=file)
        except ssl.SSLError:
            raise ValueError(f"{file} holds no certificate in PEM") from None
        except OSError as error:
            raise ValueError(f"{file} cannot be read: {error.strerror}") from None
    return file
