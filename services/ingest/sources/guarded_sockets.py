"""Connections that go where the URL says, and not, by a redirect or a changing name, to a cloud's metadata service."""

from __future__ import annotations

import ipaddress
import socket

from libs.common.addresses import is_refused_address
from services.ingest.sources.resolver import AddressInfo


class RefusedAddress(OSError):
    """The way to a camera leads to an address that no camera has."""


def make_socket(info: AddressInfo, written_host: str | None) -> socket.socket:
    """A socket for an address, after redirects and name resolution.

    Args:
        info: the address, as `socket.getaddrinfo` gives it.
        written_host: the host in the registered URL. An address that stands there was chosen by an admin, and is let
            through.

    Raises:
        RefusedAddress: no camera has this address.
    """
    family, kind, protocol, _, sockaddr = info
    address = ipaddress.ip_address(str(sockaddr[0]).partition("%")[0])
    if is_refused_address(address) and str(address) != written_host:
        raise RefusedAddress(f"{address} is no camera's address")
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)
    return made
