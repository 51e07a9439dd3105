"""What is wrong with a value, in one line that shows no password: for log lines, answers and statuses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from libs.common.camera_urls import hide_credentials

SHOWN_MAX: Final = 120
"""Longer values are cut."""


def describe_invalid(error: ValidationError) -> str:
    """The first problem, with field and value: `fps: Input should be less than or equal to 60; it is 99`."""
    return describe_errors(error.errors(include_url=False))


def describe_errors(errors: Sequence[Mapping[str, Any]], whole: str = "entry") -> str:
    """The same of a list of errors as pydantic and FastAPI make it; where they say `body`, that is left out.

    Args:
        errors: at least one.
        whole: what the value is called where no field of it is at fault.
    """
    first = errors[0]
    where = ".".join(str(step) for step in first["loc"] if step != "body")
    message = str(first["msg"]).removeprefix("Value error, ")
    if not where and first["type"] == "value_error":
        return message  # of the whole, and says itself which part of it
    shown = "" if first["type"] in ("extra_forbidden", "json_invalid") else _shown(first.get("input"))
    return f"{where or whole}: {message}" + (f"; it is {shown}" if shown else "")


def _shown(value: Any) -> str:
    """A value as it may be shown; empty for what may hold a password: whole objects, logins, assignments."""
    if isinstance(value, str):
        if "://" in value:
            value = hide_credentials(value)
        elif "@" in value or "=" in value:
            return ""
    elif not _is_plain(value):
        return ""
    text = repr(value)
    return text if len(text) <= SHOWN_MAX else text[: SHOWN_MAX - 3] + "..."


def _is_plain(value: Any) -> bool:
    """Whether it is a number, or numbers only: nothing in it can be a password."""
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, bool | int | float)
