"""The options of a source, behind the `#` of a camera's URL; they are never sent to the camera. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from libs.common.errors import SourceError

INSECURE: Final = "insecure"
"""The option that takes any TLS certificate."""
ACCEPT_ANY: Final = f"#{INSECURE} at the end of the URL accepts any"


@dataclass(frozen=True, slots=True)
class Address:
    """A URL, taken apart.

    Attributes:
        url: without the options.
        options: by name; an option without a value has "".
    """

    url: str
    options: Mapping[str, str]

    def number(self, name: str) -> float | None:
        """An option's value as a number above 0; None if it is not given.

        Raises:
            SourceError: it is no such number.
        """
        text = self.options.get(name)
        if text is None:
            return None
        try:
            value = float(text)
        except ValueError:
            value = 0.0
        if not 0 < value < 1000:
            raise SourceError(f"the URL's option {name}={text} is not a number above 0")
        return value


def parse_address(url: str, allowed: Collection[str]) -> Address:
    """Split `rtsp://host/main#transport=udp` or `file:///clip.mp4#once&fps=5`.

    Args:
        url: as registered.
        allowed: names of the options that the source knows.

    Raises:
        SourceError: an option is unknown.
    """
    base, _, fragment = url.partition("#")
    options = dict(parse_qsl(fragment, keep_blank_values=True))
    for name in options:
        if name not in allowed:
            raise SourceError(f"the URL's option #{name} is unknown; there are {', '.join(sorted(allowed)) or 'none'}")
    return Address(base, options)
