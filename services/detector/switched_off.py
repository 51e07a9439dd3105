"""Close what is still open of cameras that were switched off while no detector had them.

A detector that has a camera closes it itself (`camera_manager.py`). This is for one that was switched off after its
detector had gone and before the next one took it: its spaces would stay occupied or free, with no event to end that.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from redis.asyncio import Redis

from libs.common import keys
from libs.common.space_changes import CLOSE_SPACE

# KEYS: the detector's lease, occupancy, events. ARGV: the camera's id, how many events are kept, cameras, spaces; these
# two are no KEYS, since a detector may only read them, and Redis wants more for a key that a script names.
# A camera that is leased is left to its owner; one that was deleted has nothing to close.
_CLOSE: Final = f"""{CLOSE_SPACE}
if redis.call('GET', KEYS[1]) then return -1 end
if redis.call('HEXISTS', ARGV[3], ARGV[1]) == 0 then return 0 end
local names, at_ms, closed = names_of(ARGV[4]), now_ms(), 0
local known = redis.call('HGETALL', KEYS[2])
for at = 1, #known, 2 do
    local id = known[at]
    local event = closing_event(id, names[id], known[at + 1], at_ms, 'camera off')
    if event then
        redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[2], '*', unpack(event))
        redis.call('HSET', KEYS[2], id, '{{"state":"unknown","since_ms":' .. at_ms .. ',"reason":"camera off"}}')
        closed = closed + 1
    end
end
return closed
"""


class SwitchedOff:
    """The cameras that are off; looks at each once, when it is no longer leased."""

    def __init__(self, redis: Redis, events_keep: int) -> None:
        """Know of none yet.

        Args:
            redis: the bus.
            events_keep: how many events of a camera stay, about.
        """
        self._close = redis.register_script(_CLOSE)
        self._events_keep = events_keep
        self._closed: set[str] = set()

    async def close(self, camera_ids: Collection[str]) -> None:
        """Make the spaces of cameras unknown, each with an event, where nobody has done so.

        Args:
            camera_ids: all cameras that are off now; one that is switched on and off again is looked at again.

        Raises:
            redis.RedisError: Redis is away, or refuses.
        """
        self._closed &= set(camera_ids)
        for camera_id in sorted(set(camera_ids) - self._closed):
            closed = await self._close(
                keys=[keys.lease("detector", camera_id), keys.occupancy(camera_id), keys.events(camera_id)],
                args=[camera_id, self._events_keep, keys.CAMERAS, keys.spaces(camera_id)],
            )
            if int(closed) >= 0:
                self._closed.add(camera_id)
