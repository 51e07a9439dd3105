"""Session cookies: a role and an end, signed; nothing is kept, so every gateway with the same tokens takes them."""

from __future__ import annotations

import hmac
from typing import Final, cast, get_args

from services.gateway.security.tokens import Role

COOKIE: Final = "lotcast_session"


def make_session(role: Role, ends_at_s: int, key: bytes) -> str:
    """The cookie's value: `role.end.signature`.

    Args:
        role: what the session may do.
        ends_at_s: until when it is good, seconds since the epoch.
        key: `TokenSet.session_key`.
    """
    content = f"{role}.{ends_at_s}"
    return f"{content}.{_sign(content, key)}"


def read_session(value: str, now_s: float, key: bytes) -> Role | None:
    """The role of a session; None if it is over, was changed, or was signed with other tokens."""
    content, _, signature = value.rpartition(".")
    if not hmac.compare_digest(signature.encode("utf-8", "replace"), _sign(content, key).encode()):
        return None
    role, _, ends_at_s = content.partition(".")
    if role not in get_args(Role) or not ends_at_s.isdecimal() or int(ends_at_s) <= now_s:
        return None
    return cast(Role, role)


def session_cookie(value: str, max_age_s: int, *, secure: bool) -> str:
    """The Set-Cookie header's value; an age of 0 ends the session in the browser."""
    parts = [f"{COOKIE}={value}", "Path=/", f"Max-Age={max_age_s}", "HttpOnly", "SameSite=Strict"]
    return "; ".join([*parts, "Secure"] if secure else parts)


def _sign(content: str, key: bytes) -> str:
    return hmac.new(key, content.encode("utf-8", "replace"), "sha256").hexdigest()
