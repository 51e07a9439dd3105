"""Which camera addresses the API takes: schemes from a list, and no way to where clouds keep their secrets."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from libs.common.addresses import IPAddress, is_refused_address

RESOLVE_WITHIN_S: Final = 1.0
METADATA_NAMES: Final = frozenset({"metadata", "metadata.google.internal", "metadata.goog", "instance-data"})


def url_problem(url: str, schemes: Collection[str]) -> str | None:
    """What is wrong with a camera's URL as it is written; None if nothing is.

    Args:
        url: has passed `libs.common.cameras.CameraUrl`.
        schemes: those allowed.
    """
    parts = urlsplit(url)
    if parts.scheme not in schemes:
        return f"scheme {parts.scheme!r} is not among {', '.join(sorted(schemes))}"
    if parts.hostname is None:
        return None
    name = parts.hostname.rstrip(".").lower()
    if name in METADATA_NAMES:
        return f"host {name!r} is a metadata service"
    address = _written_address(name)
    if address is not None and is_refused_address(address):
        return f"address {name!r} is link-local, a metadata service, or no camera's"
    return None


async def resolved_url_problem(url: str) -> str | None:
    """What is wrong with where a camera's host name leads; None if nothing is, or the name is not known now.

    This is a check for the careless; ingest connects later, and the name may lead elsewhere then.
    """
    name = urlsplit(url).hostname
    if name is None or _written_address(name) is not None:
        return None
    try:
        async with asyncio.timeout(RESOLVE_WITHIN_S):
            found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError):
        return None
    for *_, sockaddr in found:
        if is_refused_address(ipaddress.ip_address(str(sockaddr[0]).partition("%")[0])):
            return f"host {name!r} leads to a link-local or metadata address"
    return None


def _written_address(name: str) -> IPAddress | None:
    """An address in any form that a resolver takes for one, such as `0xa9fea9fe` or `169.254.43518`."""
    try:
        return ipaddress.ip_address(name.partition("%")[0])
    except ValueError:
        pass
    try:
        return ipaddress.ip_address(socket.inet_aton(name))
    except (OSError, ValueError):
        return None
