"""Register, change and delete cameras and their spaces: each change is one step in Redis, all of it or none.

A version is the SHA-1 of the text that Redis holds, so that a script can compare it with what is stored at that moment.
It is shown as the ETag and guards against changes that somebody else has made in between; it protects nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from typing import Any, Final, Literal

from redis.asyncio import Redis

from libs.common import keys
from libs.common.cameras import Camera
from libs.common.space_changes import REPLACE_SPACES
from libs.common.spaces import ParkingSpace, dump_spaces

Outcome = Literal["done", "missing", "stale", "taken"]
"""What became of a change: nothing was changed where the camera is missing, its id taken, or the version stale."""

_OUTCOMES: Final[dict[int, Outcome]] = {1: "done", 0: "missing", -1: "stale", -2: "taken"}

CROPS_MAX: Final = 4000
"""How many events back a deletion looks for pictures; pictures expire after an hour."""

# In the scripts: KEYS[1] is the hash of cameras, ARGV[1] the id.

_ADD: Final = """
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then return -2 end
redis.call('DEL', KEYS[2])
return 1
"""

_CHANGE: Final = """
local stored = redis.call('HGET', KEYS[1], ARGV[1])
if not stored then return 0 end
if redis.sha1hex(stored) ~= ARGV[3] then return -1 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
"""

# KEYS: cameras, spaces, occupancy, events. ARGV: id, the new spaces, the expected versions or `*`, the new ids.
_SET_SPACES: Final = f"""{REPLACE_SPACES}
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 0 then return 0 end
local stored = redis.call('GET', KEYS[2]) or ''
if ARGV[3] ~= '*' and not string.find(ARGV[3], redis.sha1hex(stored), 1, true) then return -1 end
local new_ids = {{}}
for at = 4, #ARGV do new_ids[#new_ids + 1] = ARGV[at] end
replace_spaces(KEYS[2], KEYS[3], KEYS[4], ARGV[2], new_ids)
return 1
"""

# ARGV: id, the prefix of its crops' keys, the events, the marker of the deletion, the gateways' channel, how many
# events to look through, then all other keys of the camera. They are no KEYS, since some of them may only be deleted.
_DELETE: Final = """#!lua flags=allow-oom
if redis.call('HDEL', KEYS[1], ARGV[1]) == 0 then return 0 end
local now = redis.call('TIME')
redis.call('SET', ARGV[4], now[1])
local crops = redis.pcall('XREVRANGE', ARGV[3], '+', (now[1] - 3700) * 1000, 'COUNT', ARGV[6])
if not crops.err then
    for _, event in ipairs(crops) do redis.call('DEL', ARGV[2] .. event[1]) end
end
for at = 7, #ARGV do redis.call('DEL', ARGV[at]) end
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('PUBLISH', ARGV[5], 'deleted ' .. ARGV[1])
return 1
"""


def version_of(stored: bytes | None) -> str:
    """The version of what Redis holds; a key that is absent has one, too."""
    return hashlib.sha1(stored or b"", usedforsecurity=False).hexdigest()


class Registration:
    """Changes what is registered; raises `redis.RedisError` when Redis is away or refuses a change."""

    def __init__(self, redis: Redis) -> None:
        self._add = redis.register_script(_ADD)
        self._change = redis.register_script(_CHANGE)
        self._set_spaces = redis.register_script(_SET_SPACES)
        self._delete = redis.register_script(_DELETE)

    async def add(self, camera: Camera) -> Outcome:
        """Register a camera; `taken` if there is one of that id. An id that was deleted may be used again."""
        answer: Any = await self._add(
            keys=[keys.CAMERAS, keys.deleted(camera.id)], args=[camera.id, camera.model_dump_json()]
        )
        return _OUTCOMES[answer]

    async def change(self, camera: Camera, version: str) -> Outcome:
        """Replace a camera's entry if it still has that version."""
        args = [camera.id, camera.model_dump_json(), version]
        answer: Any = await self._change(keys=[keys.CAMERAS], args=args)
        return _OUTCOMES[answer]

    async def set_spaces(
        self, camera_id: str, spaces: Sequence[ParkingSpace], versions: Collection[str] | None = None
    ) -> Outcome:
        """Replace a camera's spaces; what is known of those that remain stays.

        Args:
            camera_id: whose.
            spaces: all of them.
            versions: the stored spaces must have one of these; None replaces whatever is there.
        """
        remain = [space.space_id for space in spaces]
        answer: Any = await self._set_spaces(
            keys=[keys.CAMERAS, keys.spaces(camera_id), keys.occupancy(camera_id), keys.events(camera_id)],
            args=[camera_id, dump_spaces(spaces), "*" if versions is None else " ".join(versions), *remain],
        )
        return _OUTCOMES[answer]

    async def delete(self, camera_id: str) -> Outcome:
        """Delete a camera with all that Redis holds of it, and end its leases, so that nobody writes it again."""
        held = [keys.lease("ingest", camera_id), keys.lease("detector", camera_id), *keys.of_camera(camera_id)]
        answer: Any = await self._delete(
            keys=[keys.CAMERAS, keys.BROADCASTERS],
            args=[
                camera_id,
                keys.crops(camera_id, ""),
                keys.events(camera_id),
                keys.deleted(camera_id),
                keys.GATEWAYS,
                CROPS_MAX,
                *held,
            ],
        )
        return _OUTCOMES[answer]
