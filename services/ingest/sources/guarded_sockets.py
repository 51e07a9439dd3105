"""Connections that go where the URL says, and not, by a redirect or a changing name, to a cloud's metadata service."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from libs.common.addresses import is_refused_address


class RefusedAddress(OSError):
    """The way to a camera leads to an address that no camera has."""


def socket_factory(url: str) -> Callable[[Any], socket.socket]:
    """What aiohttp's connector makes its sockets with; it sees the address after redirects and name resolution.

    Args:
        url: of the camera. An address that stands in it was chosen by who registered it, and is let through.
    """
    written = urlsplit(url).hostname

    def make_socket(addr_info: Any) -> socket.socket:
        family, kind, protocol, _, sockaddr = addr_info
        address = ipaddress.ip_address(str(sockaddr[0]).partition("%")[0])
        if is_refused_address(address) and str(address) != written:
            raise RefusedAddress(f"{address} is no camera's address")
        return socket.socket(family, kind, protocol)

    return make_socket
