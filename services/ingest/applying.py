"""Make Redis match a cameras file on purpose: what would change, and the change, guarded against concurrent edits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError
from redis.asyncio import Redis

from libs.common import keys
from libs.common.bus import as_bytes
from libs.common.cameras import Camera, hide_credentials
from libs.common.space_changes import REPLACE_SPACES
from libs.common.spaces import ParkingSpace, dump_spaces, load_spaces
from services.ingest.cameras_file import CameraEntry

# Writes only what the person has seen: if the camera or its spaces changed meanwhile, nothing is written.
# KEYS: cameras, seeded ids, spaces, deletion marker, occupancy, events. ARGV: id, what was seen of the camera and its
# spaces, the new camera, whether spaces are replaced, the new spaces, their ids.
_APPLY: Final = f"""{REPLACE_SPACES}
if (redis.call('HGET', KEYS[1], ARGV[1]) or '') ~= ARGV[2] then return 0 end
if (redis.call('GET', KEYS[3]) or '') ~= ARGV[3] then return 0 end
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('HSET', KEYS[1], ARGV[1], ARGV[4])
redis.call('DEL', KEYS[4])
if ARGV[5] == '1' then
    local new_ids = {{}}
    for at = 7, #ARGV do new_ids[#new_ids + 1] = ARGV[at] end
    replace_spaces(KEYS[3], KEYS[5], KEYS[6], ARGV[6], new_ids)
end
return 1
"""


@dataclass(frozen=True, slots=True)
class CameraChange:
    """What applying an entry changes.

    Attributes:
        entry: of the file.
        stored: the camera's JSON in Redis, as it was looked at; empty if there is none.
        stored_spaces: its spaces' JSON; empty if there are none.
        is_new: the camera is not registered.
        lines: what changes, in words, without passwords; empty if nothing does.
    """

    entry: CameraEntry
    stored: bytes
    stored_spaces: bytes
    is_new: bool
    lines: tuple[str, ...]


async def plan_changes(redis: Redis, entries: Sequence[CameraEntry]) -> tuple[list[CameraChange], list[str]]:
    """Compare a file with Redis.

    Returns:
        One change for each entry, in the file's order, and the ids of the registered cameras that the file does not
        name; applying leaves these alone.

    Raises:
        redis.RedisError: Redis is away.
    """
    stored = {as_bytes(key): as_bytes(text) for key, text in (await redis.hgetall(keys.CAMERAS)).items()}
    changes = []
    for entry in entries:
        spaces = as_bytes(await redis.get(keys.spaces(entry.id)) or b"")
        was_seeded = bool(await redis.sismember(keys.SEEDED, entry.id))
        changes.append(_compare(entry, stored.get(entry.id.encode(), b""), spaces, was_seeded))
    named = {entry.id for entry in entries}
    others = [camera_id for key in sorted(stored) if (camera_id := key.decode("utf-8", "replace")) not in named]
    return changes, others


async def apply_change(redis: Redis, change: CameraChange) -> bool:
    """Write one change.

    Returns:
        False if the camera or its spaces changed since they were looked at; then nothing was written.

    Raises:
        redis.RedisError: Redis is away, or full.
    """
    entry = change.entry
    spaces = b"" if entry.spaces is None else dump_spaces(entry.spaces)
    written = await redis.register_script(_APPLY)(
        keys=[
            keys.CAMERAS,
            keys.SEEDED,
            keys.spaces(entry.id),
            keys.deleted(entry.id),
            keys.occupancy(entry.id),
            keys.events(entry.id),
        ],
        args=[
            entry.id,
            change.stored,
            change.stored_spaces,
            entry.camera().model_dump_json(),
            int(entry.spaces is not None),
            spaces,
            *(space.space_id for space in entry.spaces or ()),
        ],
    )
    return bool(written)


def _compare(entry: CameraEntry, stored: bytes, stored_spaces: bytes, was_seeded: bool) -> CameraChange:
    wanted = entry.camera()
    if not stored:
        lines = [f"new: {hide_credentials(wanted.url)}" + (" (deleted since the file named it)" if was_seeded else "")]
        is_new = True
    else:
        is_new = False
        try:
            lines = _compare_cameras(Camera.model_validate_json(stored), wanted)
        except ValidationError:
            lines = ["the stored entry is broken and is replaced"]
    if entry.spaces is not None:
        lines += _compare_spaces(stored_spaces, entry.spaces)
    return CameraChange(entry, stored, stored_spaces, is_new, tuple(lines))


def _compare_cameras(old: Camera, new: Camera) -> list[str]:
    before, after = old.model_dump(), new.model_dump()
    return [
        f"{name}: {_shown(name, before[name])} → {_shown(name, after[name])}{_hidden_difference(name, before, after)}"
        for name in after
        if before[name] != after[name]
    ]


def _hidden_difference(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    same = name == "url" and hide_credentials(before[name]) == hide_credentials(after[name])
    return " (another password)" if same else ""


def _shown(name: str, value: Any) -> str:
    return hide_credentials(value) if name == "url" else repr(value)


def _compare_spaces(stored: bytes, new: Sequence[ParkingSpace]) -> list[str]:
    try:
        old = {space.space_id: space for space in load_spaces(stored or None)}
    except ValidationError:
        return [f"spaces: the stored ones are broken and are replaced by {len(new)}"]
    wanted = {space.space_id: space for space in new}
    parts = [
        f"{sign} {', '.join(ids)}"
        for sign, ids in (
            ("+", [one for one in wanted if one not in old]),
            ("-", [one for one in old if one not in wanted]),
            ("~", [one for one in wanted if one in old and old[one] != wanted[one]]),
        )
        if ids
    ]
    if not parts:
        return [] if list(old) == list(wanted) else ["spaces: another order"]
    return [f"spaces: {len(old)} → {len(wanted)}: {'; '.join(parts)}"]
