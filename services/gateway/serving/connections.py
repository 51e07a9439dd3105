"""How many connections each address has open, and how many it may have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection


class ConnectionCounter:
    """Connections of this process by the address of the peer.

    Attributes:
        refused: connections that were one too many.
    """

    def __init__(self, max_per_address: int, unlimited: Collection[str]) -> None:
        """Start at zero.

        Args:
            max_per_address: more are refused.
            unlimited: addresses, such as a reverse proxy's, that stand for many clients.
        """
        self.refused = 0
        self._max = max_per_address
        self._unlimited = frozenset(unlimited)
        self._open: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._open.total()

    def enter(self, address: str | None) -> bool:
        """Count a connection; False, and not counted, if the address has as many as it may."""
        if address is None or address in self._unlimited:
            return True
        if self._open[address] >= self._max:
            self.refused += 1
            return False
        self._open[address] += 1
        return True

    def leave(self, address: str | None) -> None:
        """A counted connection has ended."""
        if address is None or address in self._unlimited:
            return
        self._open[address] -= 1
        if self._open[address] <= 0:
            del self._open[address]
