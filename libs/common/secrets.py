"""Secrets of this process: registered when they are read, replaced wherever something is printed or answered.

Masking by a URL's structure (`libs.common.cameras`) knows where passwords usually stand. This knows the passwords
themselves, so that one in an unusual place, in an exception or in another package's log line does not show either.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote, quote_plus, unquote, unquote_plus

HIDDEN: Final = "***"
LENGTH_MIN: Final = 6
"""Shorter values are not replaced: they would turn up in harmless words."""
REGISTERED_MAX: Final = 20_000
"""More push out those that were registered longest ago: passwords may change for years."""


class SecretRegistry:
    """Values that must not be printed, in every form in which they may turn up."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, None] = OrderedDict()
        self._pattern: re.Pattern[str] | None = None
        self._is_stale = False

    def register(self, value: str | None) -> None:
        """Hide a value from now on; nothing happens if it is None or shorter than six characters."""
        if value is None or len(value) < LENGTH_MIN:
            return
        if value in self._values:
            self._values.move_to_end(value)
            return
        self._values[value] = None
        if len(self._values) > REGISTERED_MAX:
            self._values.popitem(last=False)
        self._is_stale = True

    def mask(self, text: str) -> str:
        """The text with every registered value replaced by `***`."""
        if self._is_stale:
            forms = {form for value in self._values for form in _forms(value)}
            # The longest first: one value may be part of another.
            self._pattern = re.compile("|".join(map(re.escape, sorted(forms, key=len, reverse=True))))
            self._is_stale = False
        return text if self._pattern is None else self._pattern.sub(HIDDEN, text)


def _forms(value: str) -> Iterator[str]:
    """A value as it may be printed: as it is, percent-encoded and decoded, and escaped as in JSON and in `repr`."""
    spellings = {value, unquote(value), unquote_plus(value)}
    for spelling in tuple(spellings):
        for safe in ("", "/", "!$&'()*+,;=:@", "!$&'()*+,;=:@/?"):
            encoded = quote(spelling, safe=safe)
            # Hexadecimal digits may be written small: %2f.
            spellings |= {encoded, re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), encoded)}
        spellings.add(quote_plus(spelling))
    for spelling in spellings:
        if len(spelling) >= LENGTH_MIN:
            yield from _escaped(spelling)
            for once in _escaped(spelling):
                yield from _escaped(once)  # the repr of an object in a line of JSON


def _escaped(text: str) -> tuple[str, ...]:
    return (
        text,
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        repr(text)[1:-1],
        repr(text.encode("utf-8", "surrogateescape"))[2:-1],
    )


_AUTHORITY: Final = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://(?P<login>.*)@", re.DOTALL)


def register_url(url: str) -> None:
    """Hide the password before a URL's last `@`, also where the URL is malformed, because the password has `/` in it.

    What a camera's path, query or fragment may hold is `libs.common.cameras`' to find.
    """
    if (found := _AUTHORITY.match(url)) is not None:
        login = found["login"]
        register_secret(login.partition(":")[2])
        # Without its user, a password with `:` in it could be cut anywhere.
        for rest in login.split(":")[1:]:
            register_secret(rest)


_registry = SecretRegistry()
register_secret = _registry.register
"""Hide a value in everything that this process prints or answers."""
mask_secrets = _registry.mask
"""A text as it may be printed or answered."""
