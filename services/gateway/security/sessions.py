"""Session cookies: a role and an end, signed; nothing is kept, so every gateway that knows the token takes them."""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Final

from services.gateway.security.tokens import Grant, Role

COOKIE: Final = "lotcast_session"


KIOSK_COOKIE_AGE_S: Final = 400 * 86_400
"""A kiosk's cookie is kept as long as browsers keep any; each look at the session begins that anew."""
_NEVER: Final = "never"


def make_session(grant: Grant, ends_at_s: int | None) -> str:
    """The cookie's value: `role.end.signature`.

    Args:
        grant: of the token that the session is traded for.
        ends_at_s: until when it is good, seconds since the epoch; None: until its token is taken away, for kiosks only.
    """
    content = f"{grant.role}.{_NEVER if ends_at_s is None else ends_at_s}"
    return f"{content}.{_sign(content, grant.session_key)}"


def read_session(value: str, now_s: float, grants: Iterable[Grant]) -> Role | None:
    """The role of a session; None if it is over, was changed, or its token is not among `grants`."""
    content, _, signature = value.rpartition(".")
    told_role, _, ends_at_s = content.partition(".")
    found: Role | None = None
    for grant in grants:
        is_signed = hmac.compare_digest(
            signature.encode("utf-8", "replace"), _sign(content, grant.session_key).encode()
        )
        # Who holds a token can sign with it whatever he likes: it is good for the token's own role only.
        if is_signed and told_role == grant.role:
            found = grant.role
    if ends_at_s == _NEVER:
        return found if found == "kiosk" else None
    is_number = ends_at_s.isdecimal() and len(ends_at_s) <= 12
    return found if is_number and int(ends_at_s) > now_s else None


def session_cookie(value: str, max_age_s: int, *, secure: bool) -> str:
    """The Set-Cookie header's value; an age of 0 ends the session in the browser."""
    parts = [f"{COOKIE}={value}", "Path=/", f"Max-Age={max_age_s}", "HttpOnly", "SameSite=Strict"]
    return "; ".join([*parts, "Secure"] if secure else parts)


def _sign(content: str, key: bytes) -> str:
    return hmac.new(key, content.encode("utf-8", "replace"), "sha256").hexdigest()
