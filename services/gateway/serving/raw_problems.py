"""Errors that no route makes, in the form of those that routes make (`services.gateway.problems`)."""

from __future__ import annotations

from typing import Final

import orjson

PROBLEM_TYPE: Final = "application/problem+json"


def problem_body(status: int, phrase: str, detail: str) -> bytes:
    """The body: `title`, `status`, `detail`."""
    return orjson.dumps({"title": phrase, "status": status, "detail": detail})


def problem_answer(status: int, phrase: str, detail: str, *headers: str) -> bytes:
    """A whole HTTP answer that ends the connection.

    Args:
        status: of the answer.
        phrase: that goes with it, also the problem's title.
        detail: for people.
        headers: further ones, as `name: value`.
    """
    body = problem_body(status, phrase, detail)
    lines = [
        f"HTTP/1.1 {status} {phrase}",
        f"content-type: {PROBLEM_TYPE}",
        f"content-length: {len(body)}",
        "connection: close",
        "x-content-type-options: nosniff",
        *headers,
    ]
    return "\r\n".join(lines).encode("ascii") + b"\r\n\r\n" + body
