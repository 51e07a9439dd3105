"""Tokens for the tests of who may do what."""

from __future__ import annotations

VIEWER, WORKER, ADMIN = "viewer-0123456789abcdef", "worker-0123456789abcdef", "admin-0123456789abcdef"
KIOSK = "kiosk+0123456789abcdef"
TOKENS = f"viewer:{VIEWER},kiosk:{KIOSK},worker:{WORKER},admin:{ADMIN}"
ALLOWED = "https://wall.example"
"""A page elsewhere whose scripts may use the gateway."""
UNKNOWN = "wrong-0123456789abcdef"


def bearer(token: str | None) -> dict[str, str]:
    """The header that shows a token; none without one."""
    return {"Authorization": f"Bearer {token}"} if token else {}
