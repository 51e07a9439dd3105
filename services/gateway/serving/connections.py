"""How many connections each address has open, and how many it may have."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from libs.common.errors import ConfigurationError

KNOWN_ADDRESSES_MAX: Final = 4096
"""Addresses whose reading is remembered: each connection asks several times."""


@lru_cache(KNOWN_ADDRESSES_MAX)
def counted_as(address: str) -> str:
    """Under what name limits count an address: an IPv6 one by its /64, since who has one of those has all of them."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address  # a name from a proxy
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    return str(parsed.ipv4_mapped or ipaddress.ip_network((int(parsed), 64), strict=False))


class ConnectionCounter:
    """Connections of this process by the address of the peer.

    Attributes:
        refused: connections that were one too many.
    """

    def __init__(self, max_per_address: int, unlimited: Iterable[str]) -> None:
        """Start at zero.

        Args:
            max_per_address: more are refused.
            unlimited: addresses and networks, such as a reverse proxy's, that stand for many clients; `*` is all.

        Raises:
            ConfigurationError: one of them is neither.
        """
        self.refused = 0
        self._max = max_per_address
        networks = set(unlimited)
        self._is_off = "*" in networks
        try:
            self._unlimited = [ipaddress.ip_network(network, strict=False) for network in networks - {"*"}]
        except ValueError as error:
            raise ConfigurationError(f"GATEWAY_TRUSTED_PROXIES: {error}") from None
        self._open: Counter[str] = Counter()
        self._is_unlimited = lru_cache(KNOWN_ADDRESSES_MAX)(self._look_up)

    def __len__(self) -> int:
        return self._open.total()

    def has_room(self, address: str | None) -> bool:
        """Whether one more connection of an address would be taken."""
        return self._is_unlimited(address) or self._open[counted_as(address or "")] < self._max

    def enter(self, address: str | None) -> bool:
        """Count a connection; False, and not counted, if the address has as many as it may."""
        if not self.has_room(address):
            self.refused += 1
            return False
        if not self._is_unlimited(address):
            self._open[counted_as(address or "")] += 1
        return True

    def leave(self, address: str | None) -> None:
        """A counted connection has ended."""
        if self._is_unlimited(address):
            return
        name = counted_as(address or "")
        self._open[name] -= 1
        if self._open[name] <= 0:
            del self._open[name]

    def _look_up(self, address: str | None) -> bool:
        if self._is_off or address is None:
            return True
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False  # a name from a proxy; counted as it is
        return any(parsed in network for network in self._unlimited)
