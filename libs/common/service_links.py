"""Variables that Kubernetes and Docker set for a service or container of the same name as one of ours.

A Kubernetes Service called `gateway` gives every pod beside it `GATEWAY_SERVICE_HOST`, `GATEWAY_SERVICE_PORT`,
`GATEWAY_PORT=tcp://10.0.0.1:8069`, `GATEWAY_PORT_8069_TCP_ADDR` and more; Docker's links add `GATEWAY_NAME` and
`GATEWAY_ENV_…`. They look like settings and are none. They are recognised by name and value together, so that a
mistyped setting is still an error. See "Discovering Services" in the documentation of Kubernetes and "Legacy container
links" in that of Docker.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_PROTOCOL: Final = "(?:tcp|udp|sctp)"
_SHAPES: Final = tuple(
    (re.compile(name), re.compile(value, re.IGNORECASE))
    for name, value in (
        (r"SERVICE_HOST", r"[\w.:-]+"),
        (r"SERVICE_PORT(_[A-Z0-9_]+)?", r"\d{1,5}"),
        (r"PORT", rf"{_PROTOCOL}://\S+"),
        (r"PORT_\d+_(TCP|UDP|SCTP)(_START|_END)?", rf"{_PROTOCOL}://\S+"),
        (r"PORT_\d+_(TCP|UDP|SCTP)_PROTO", _PROTOCOL),
        (r"PORT_\d+_(TCP|UDP|SCTP)_PORT(_START|_END)?", r"\d{1,5}"),
        (r"PORT_\d+_(TCP|UDP|SCTP)_ADDR", r"[\w.:-]+"),
        (r"NAME", r"/[^/\s]+/[^/\s]+"),
        (r"ENV_\w+", r"[\s\S]*"),
    )
)


def is_service_link(name: str, value: str) -> bool:
    """Whether an environment variable was set for a service of this name by Kubernetes or Docker.

    Args:
        name: of the variable, in capitals.
        value: of the variable.
    """
    # Every place where a suffix may begin is tried: the service's own name may hold such a word (`gateway-port`).
    starts = (match.end() for match in re.finditer("_", name))
    return any(
        shape.fullmatch(name, start) and content.fullmatch(value) for start in starts for shape, content in _SHAPES
    )


def service_links(environment: Mapping[str, str], prefix: str) -> list[str]:
    """Names of the variables with this prefix that are service links, in order."""
    return sorted(
        name
        for name, value in environment.items()
        if prefix and name.upper().startswith(prefix) and is_service_link(name.upper(), value)
    )
