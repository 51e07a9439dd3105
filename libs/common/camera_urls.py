"""Passwords in camera URLs, found by the URL's structure: hidden when it is shown, put back when it is sent back.

Cameras take their login in many places: before the host (`rtsp://user:password@host/`), in the query
(`?user=admin&pwd=…`), in the path (`/user=admin&password=…&channel=1`, `/user=admin_password=…_channel=1`), behind a
semicolon or in the fragment.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

HIDDEN_PASSWORD: Final = "***"
NOT_A_URL: Final = "(not a URL)"

_SECRET_WORDS: Final = ("pas", "pwd", "psw", "secret", "token", "auth", "key", "credential", "signature", "session")
_SECRET_NAMES: Final = frozenset({"p", "pw", "sid", "sig", "usr_pw", "loginuse_pw"})

# `name=value`. A name has no separators in it, but a value may: in the path it goes on over `/`, since a password may
# hold one; and `user=admin_password=…` names its password within the user's value.
_NAME: Final = r"(?P<name>[A-Za-z0-9_.%-]+)"
_IN_PATH: Final = re.compile(_NAME + r"=(?P<value>[^&;?#]*)")
_LOGIN: Final = re.compile(r":(?P<value>[^/@:&;?#]+)@")
"""A login within a URL's path or query, as of another URL: `?url=http://user:password@host`."""
_UNDERSCORED: Final = re.compile(r"_[A-Za-z]+=")
_ELSEWHERE: Final = re.compile(_NAME + r"=(?P<value>[^&;]*)")


@dataclass(frozen=True, slots=True)
class _Parts:
    """A URL whose user, password and host have been told apart."""

    split: SplitResult
    login: str | None
    address: str

    @property
    def user(self) -> str | None:
        return None if self.login is None else self.login.partition(":")[0]

    @property
    def password(self) -> str | None:
        return None if self.login is None or ":" not in self.login else self.login.partition(":")[2]


def hide_credentials(url: str) -> str:
    """The URL with each password in it replaced by `***`; for log lines, and for admins.

    A URL that cannot be taken apart for certain is not shown at all: a piece of the password could stand anywhere.
    """
    parts = _take_apart(url)
    if parts is None:
        return NOT_A_URL
    hidden = _with_assignments(parts.split, lambda name, value: HIDDEN_PASSWORD if value else value)
    if parts.password is not None:
        hidden = hidden._replace(netloc=f"{parts.user}:{HIDDEN_PASSWORD}@{parts.address}")
    return url if hidden == parts.split else urlunsplit(hidden)


def public_url(url: str) -> str:
    """The URL as viewers may see it: scheme, host and path, without user, password, query and fragment.

    A path that names values (`/user=admin&password=…`) or holds a login ends before the first of them.
    """
    parts = _take_apart(url)
    if parts is None:
        return NOT_A_URL
    shown: list[str] = []
    for step in parts.split.path.split("/"):
        if re.search(r"[=&;@:]|%(3d|26|3b|40|3a)", step, re.IGNORECASE):
            shown.append("")
            break
        shown.append(step)
    return f"{parts.split.scheme}://{parts.address}{'/'.join(shown)}"


def keep_credentials(url: str, previous_url: str) -> str:
    """Put the passwords back into a URL that was shown by `hide_credentials` and sent back.

    Args:
        url: as a client sent it, perhaps with `***` for a password.
        previous_url: as it is stored, with the real passwords.

    Returns:
        `url`, with the stored password wherever the client left it hidden, for the same user and host. For another
        host nothing is put back: whoever may edit a camera must not have its password sent elsewhere.
    """
    new, old = _take_apart(url), _take_apart(previous_url)
    if new is None or old is None:
        return url
    if (new.split.scheme, new.user, new.address.lower()) != (old.split.scheme, old.user, old.address.lower()):
        return url
    stored: dict[str, list[str]] = {}
    for name, value in _secrets(old.split):
        stored.setdefault(name, []).append(value)

    def restored(name: str, value: str) -> str:
        is_hidden = value == HIDDEN_PASSWORD and stored.get(name)
        return stored[name].pop(0) if is_hidden else value

    kept = _with_assignments(new.split, restored)
    if new.password == HIDDEN_PASSWORD and old.password is not None:
        kept = kept._replace(netloc=old.split.netloc)
    return url if kept == new.split else urlunsplit(kept)


def has_hidden_secret(url: str) -> bool:
    """Whether a password in the URL is still `***`."""
    return HIDDEN_PASSWORD in secrets_in(url)


def secrets_in(url: str) -> tuple[str, ...]:
    """The passwords in the URL, as they are written there; none where it cannot be taken apart.

    Of `password=…_channel=1` both readings are told: the password ends before the underscore, or has it.
    """
    parts = _take_apart(url)
    if parts is None:
        return ()
    found = [parts.password or ""]
    for _, value in _secrets(parts.split):
        found += [value, _UNDERSCORED.split(value)[0]]
    return tuple(dict.fromkeys(filter(None, found)))


def is_torn(url: str) -> bool:
    """Whether a `/`, `?` or `#` in a password may have torn the URL apart, so that nobody knows its host."""
    return _take_apart(url) is None


def _take_apart(url: str) -> _Parts | None:
    """The parts of a URL; None if a password may have been torn apart, for example by a `/` in it."""
    try:
        split = urlsplit(url)
        _ = split.port, split.hostname
    except ValueError:
        return None
    login, at, address = split.netloc.rpartition("@")
    if not at and split.netloc and "@" in url and _looks_torn(split):
        return None
    return _Parts(split, login if at else None, address)


def _looks_torn(split: SplitResult) -> bool:
    """Whether what stands before the first `/` may be a user and the beginning of a password: `rtsp://u:12/34@host`."""
    host, colon, _ = split.netloc.rpartition(":")
    return bool(colon) and "." not in host and not host.startswith("[")


def _is_secret(name: str) -> bool:
    plain = unquote(name).lower()
    return plain in _SECRET_NAMES or any(word in plain for word in _SECRET_WORDS)


def _secrets(split: SplitResult) -> Iterator[tuple[str, str]]:
    """The names, in lower case, and values of what looks like a password in path, query and fragment."""
    found: list[tuple[str, str]] = []

    def collect(name: str, value: str) -> str:
        found.append((name, value))
        return value

    _with_assignments(split, collect)
    return iter(found)


def _with_assignments(split: SplitResult, change: Callable[[str, str], str]) -> SplitResult:
    """The URL with the value of each secret replaced by what `change` makes of its name and itself."""

    def replaced(text: str, pattern: re.Pattern[str]) -> str:
        done, at = [], 0
        while (match := pattern.search(text, at)) is not None:
            if _is_secret(match["name"]):
                done += [text[at : match.start("value")], change(unquote(match["name"]).lower(), match["value"])]
                at = match.end()
            else:  # its value may hold further assignments
                done.append(text[at : match.start("value")])
                at = match.start("value")
        whole = "".join([*done, text[at:]])
        return _LOGIN.sub(lambda match: f":{change('@', match['value'])}@", whole)

    return split._replace(
        path=replaced(split.path, _IN_PATH),
        query=replaced(split.query, _ELSEWHERE),
        fragment=replaced(split.fragment, _ELSEWHERE),
    )
