"""Which IP addresses no camera can have that somebody may register from outside: where clouds keep their secrets."""

from __future__ import annotations

import ipaddress
from typing import Final

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA_ADDRESSES: Final = frozenset(
    ipaddress.ip_address(text) for text in ("169.254.169.254", "100.100.100.200", "168.63.129.16", "fd00:ec2::254")
)


def is_refused_address(address: IPAddress) -> bool:
    """Whether an address is link-local, a cloud's metadata service, or none that a camera can have."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is not None:
            return is_refused_address(inner)
    return address.is_link_local or address.is_multicast or address.is_unspecified or address in _METADATA_ADDRESSES
