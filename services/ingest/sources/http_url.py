"""A camera's HTTP address, taken apart without changing what was typed. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote, unquote, urljoin, urlsplit

from libs.common.errors import SourceError

_PORTS: Final = {"http": 80, "https": 443}
UNUSABLE: Final = "the URL, or one that the camera redirects to, cannot be used for a request"
# All that may stand in a request line: what was typed is sent as typed, and only what would break the line is encoded.
_AS_TYPED: Final = "".join(map(chr, range(0x21, 0x7F)))


@dataclass(frozen=True, slots=True)
class HttpUrl:
    """Where to ask for what.

    Attributes:
        scheme: `http` or `https`.
        host: a name or an address, an IPv6 address without brackets.
        port: its port.
        target: path and query, as they are sent.
    """

    scheme: str
    host: str
    port: int
    target: str

    @property
    def is_tls(self) -> bool:
        return self.scheme == "https"

    @property
    def origin(self) -> tuple[str, str, int]:
        """Whom a password is for."""
        return self.scheme, self.host, self.port

    @property
    def host_header(self) -> str:
        """The value of the header Host."""
        try:
            name = self.host if self.host.isascii() else self.host.encode("idna").decode()
        except UnicodeError as error:
            raise SourceError(UNUSABLE) from error
        name = f"[{name.partition('%')[0]}]" if ":" in name else name
        return name if self.port == _PORTS[self.scheme] else f"{name}:{self.port}"

    def with_tls(self) -> HttpUrl:
        """The same place, over TLS."""
        return replace(self, scheme="https")

    def join(self, location: str) -> HttpUrl:
        """Where a redirect leads.

        Raises:
            SourceError: not to another HTTP address.
        """
        host = f"[{self.host}]" if ":" in self.host else self.host
        return parse_http_url(urljoin(f"{self.scheme}://{host}:{self.port}{self.target}", location.strip()))

    def __str__(self) -> str:
        return f"{self.scheme}://{self.host_header}{self.target.partition('?')[0]}"


def parse_http_url(text: str) -> HttpUrl:
    """Take an address apart.

    Raises:
        SourceError: it is none.
    """
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise SourceError(UNUSABLE) from error
    if parts.scheme not in _PORTS or not parts.hostname:
        raise SourceError(UNUSABLE)
    # `urlsplit` loses an empty query; the target is cut out of the text instead.
    rest = text.partition("://")[2].partition("#")[0]
    begin = min((at for at in (rest.find("/"), rest.find("?")) if at >= 0), default=len(rest))
    target = quote(rest[begin:], safe=_AS_TYPED)
    target = target if target.startswith("/") else f"/{target}"
    return HttpUrl(parts.scheme, unquote(parts.hostname), port or _PORTS[parts.scheme], target)


def read_login(text: str) -> tuple[str, str] | None:
    """User and password of a URL; None if it has none.

    Raises:
        SourceError: HTTP does not allow such a user.
    """
    parts = urlsplit(text)
    if parts.username is None:
        return None
    user, password = unquote(parts.username), unquote(parts.password or "")
    if ":" in user:
        raise SourceError("the URL's user name has a colon, which HTTP does not allow")
    return user, password
