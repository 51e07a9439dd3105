"""Versions of what is registered, as HTTP tells them: `ETag` in answers, `If-Match` in changes (RFC 9110, 13.1.1)."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from fastapi import Header

IfMatch = Annotated[
    str | None,
    Header(
        alias="If-Match",
        max_length=1024,
        description="change only what still has this version, the `ETag` of an earlier answer; otherwise 412",
    ),
]
"""A route's parameter; None if the client sets no condition."""

STALE: Final = "somebody else has changed it since you read it; read it again and repeat your change"

_TAG: Final = re.compile(r'(?:W/)?"([^"]*)"')
_ETAG_HEADER: Final = {
    "ETag": {"description": "the version, for `If-Match`", "schema": {"type": "string", "pattern": '^"[0-9a-f]{40}"$'}}
}


def expected_versions(if_match: str | None) -> frozenset[str] | None:
    """The versions of which the stored one must be one; None if any will do.

    A proxy that compresses answers makes tags weak (`W/"…"`); these are taken as well.
    """
    if if_match is None or if_match.strip() == "*":
        return None
    return frozenset(_TAG.findall(if_match))


def etag(version: str) -> str:
    """A version as the `ETag` header has it."""
    return f'"{version}"'


def with_version(responses: dict[int | str, dict[str, Any]], status: int = 200) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entries of a route whose answer with `status` carries an `ETag`."""
    return responses | {status: {"headers": _ETAG_HEADER}}
