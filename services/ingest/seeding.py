"""Seed Redis with configured cameras. What somebody changed or deleted since then stays so.

Redis remembers which ids a cameras file has named (`lotcast:seeded`). An id that it remembers, or that is registered
already, is left alone, after any restart. Redis forgets the ids only together with the cameras themselves, and then
they are seeded again. `lotcast cameras apply` overrules all of this on purpose.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import ValidationError
from redis.asyncio import Redis

from libs.common import keys
from libs.common.cameras import Camera
from libs.common.spaces import dump_spaces
from services.ingest.cameras_file import CameraEntry

# One camera at a time, so that a process that ends halfway leaves no camera without its spaces.
_SEED: Final = """
if redis.call('SISMEMBER', KEYS[2], ARGV[1]) == 1 then return 0 end
redis.call('SADD', KEYS[2], ARGV[1])
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('DEL', KEYS[4])
if ARGV[3] ~= '' then redis.call('SET', KEYS[3], ARGV[3], 'NX') end
return 1
"""


async def seed(redis: Redis, entries: Sequence[CameraEntry]) -> list[str]:
    """Register the cameras that Redis does not know yet, with their spaces.

    Returns:
        The ids of those that were new.

    Raises:
        redis.RedisError: Redis is away, or full.
    """
    script = redis.register_script(_SEED)
    new = []
    for entry in entries:
        camera_keys = [keys.CAMERAS, keys.SEEDED, keys.spaces(entry.id), keys.deleted(entry.id)]
        spaces = b"" if entry.spaces is None else dump_spaces(entry.spaces)
        if await script(keys=camera_keys, args=[entry.id, entry.camera().model_dump_json(), spaces]):
            new.append(entry.id)
    return new


def changed_since(entries: Sequence[CameraEntry], stored: Mapping[bytes, bytes]) -> list[str]:
    """Ids of the configured cameras that Redis now holds otherwise, or not at all; pure.

    Args:
        entries: as configured.
        stored: the hash of cameras.
    """
    changed = []
    for entry in entries:
        try:
            is_same = Camera.model_validate_json(stored[entry.id.encode()]) == entry.camera()
        except (KeyError, ValidationError):
            is_same = False
        if not is_same:
            changed.append(entry.id)
    return changed
