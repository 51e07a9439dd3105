"""Which IP addresses no camera can have that somebody may register from outside: where clouds keep their secrets."""

from __future__ import annotations

import ipaddress
from typing import Final

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_METADATA_ADDRESSES: Final = frozenset(
    ipaddress.ip_address(text)
    for text in ("169.254.169.254", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254")
)
_WITH_IPV4_INSIDE: Final = tuple(ipaddress.IPv6Network(text) for text in ("::/96", "64:ff9b::/96"))
"""IPv4-compatible addresses, and those that a NAT64 translates; the last 32 bits are the IPv4 address."""
_LOOPBACK: Final = ipaddress.IPv6Address("::1")


def is_refused_address(address: IPAddress) -> bool:
    """Whether an address is link-local, a cloud's metadata service, or none that a camera can have."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address != _LOOPBACK and any(address in network for network in _WITH_IPV4_INSIDE):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
        if inner is not None:
            return is_refused_address(inner)
    return address.is_link_local or address.is_multicast or address.is_unspecified or address in _METADATA_ADDRESSES
