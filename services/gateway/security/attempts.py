"""How often each address has tried to log in lately."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final

WINDOW_S: Final = 60.0
ADDRESSES_MAX: Final = 10_000


class Attempts:
    """A sliding window of one minute for each address; the longest silent are forgotten first."""

    def __init__(self, max_per_minute: int) -> None:
        self._max = max_per_minute
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def allow(self, address: str, now_s: float) -> bool:
        """Count an attempt; False if the address has used up its minute's.

        Args:
            address: who tries.
            now_s: any clock that does not go back.
        """
        times = self._times.setdefault(address, deque())
        self._times.move_to_end(address)
        while times and now_s - times[0] >= WINDOW_S:
            times.popleft()
        if len(times) >= self._max:
            return False
        times.append(now_s)
        if len(self._times) > ADDRESSES_MAX:
            self._times.popitem(last=False)
        return True
