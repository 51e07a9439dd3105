"""Who may do what: pure rules on method, path, Host and Origin. What no rule allows is for admins."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from services.gateway.security.tokens import Role

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_ADMIN: Final = frozenset[Role]({"admin"})
_VIEWER: Final = frozenset[Role]({"viewer", "admin"})
_WATCHING: Final = frozenset[Role]({"viewer", "kiosk", "admin"})
_WORKER: Final = frozenset[Role]({"worker", "admin"})
_ANY: Final = frozenset[Role]({"viewer", "worker", "admin"})
MONITORED: Final = frozenset({"/healthz", "/readyz", "/metrics"})
"""What monitors ask for, by whatever address they know; these tell numbers only."""
_PUBLIC_API: Final = frozenset({"/api/session"})
_DEFAULT_PORTS: Final = {"http": 80, "ws": 80, "https": 443, "wss": 443}


def roles_for(method: str, path: str) -> frozenset[Role] | None:
    """The roles that may do this; None if everybody may.

    The dashboard's own files are no secret; everything that it shows is.
    """
    if path == "/metrics":
        return _VIEWER
    if path.startswith("/ws/"):
        return _WATCHING
    if not path.startswith("/api/") or path in _PUBLIC_API or method == "OPTIONS":
        return None
    if path == "/api/broadcast-detection":
        return _WORKER
    if path == "/api/broadcast-status":
        return _ANY
    if path == "/api/system" or method not in SAFE_METHODS:
        return _ADMIN
    if path.startswith("/api/cameras/") and path.endswith("/space-proposals"):
        return _ADMIN  # of use only to those who mark spaces
    return _WATCHING if path == "/api/cameras" or path.startswith("/api/cameras/") else _VIEWER


def is_loopback_host(host: str) -> bool:
    """Whether a Host header names this machine itself: a page elsewhere that had its name pointed here does not."""
    name = _split(f"//{host}")[0]
    if name is None:
        return False
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def is_origin_allowed(origin: str, host: str, allowed: Collection[str], *, is_tls: bool = False) -> bool:
    """Whether a page of `origin` may open WebSockets and change things.

    Args:
        origin: the Origin header.
        host: the Host header.
        allowed: further origins, such as `https://park.example`.
        is_tls: whether the request is known to have come by TLS; our own pages did, too, then. If it is not known, a
            proxy in front may have ended TLS without a word, and the scheme of our own pages is left open.
    """
    if origin in allowed:
        return True
    scheme = origin.partition("://")[0]
    if scheme not in (("https",) if is_tls else ("http", "https")):
        return False  # also `null`, and what no browser page has
    default = _DEFAULT_PORTS[scheme]
    name, port = _split(origin)
    own_name, own_port = _split(f"//{host}")
    return name is not None and (name, port or default) == (own_name, own_port or default)


def _split(url: str) -> tuple[str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.hostname, parts.port
    except ValueError:
        return None, None
