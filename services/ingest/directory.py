"""The cameras in Redis: those to read, those that are disabled, and those whose entry is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from libs.common import keys
from libs.common.bus import as_bytes
from libs.common.cameras import Camera, is_camera_id
from libs.common.logging import get_logger
from libs.common.validation import describe_invalid
from services.ingest.cameras_file import CameraEntry
from services.ingest.seeding import changed_since, seed

_log = get_logger("directory")


@dataclass(frozen=True, slots=True)
class Listing:
    """What the hash of cameras says.

    Attributes:
        wanted: the cameras to read, by id.
        disabled: ids of cameras that somebody switched off.
        bad: what is wrong with an entry, by id.
    """

    wanted: Mapping[str, Camera] = field(default_factory=dict)
    disabled: frozenset[str] = frozenset()
    bad: Mapping[str, str] = field(default_factory=dict)

    def __contains__(self, camera_id: str) -> bool:
        return camera_id in self.wanted or camera_id in self.disabled or camera_id in self.bad


def read_listing(entries: Mapping[bytes, bytes]) -> Listing:
    """Sort the entries of the hash; pure.

    Args:
        entries: camera id → camera JSON, as anybody may have written them with redis-cli.
    """
    wanted, disabled, bad = {}, set(), {}
    for key, text in entries.items():
        camera_id = key.decode("utf-8", "replace")
        try:
            camera = Camera.model_validate_json(text)
        except ValidationError as error:
            bad[camera_id] = describe_invalid(error)
            continue
        if camera.id != camera_id:
            bad[camera_id] = f"id: the entry says {camera.id!r} and stands under {camera_id!r}"
        elif camera.enabled:
            wanted[camera_id] = camera
        else:
            disabled.add(camera_id)
    return Listing(wanted, frozenset(disabled), bad)


class CameraDirectory:
    """Looks the cameras up, seeds the configured ones, and reports a bad entry once."""

    def __init__(self, redis: Redis, entries: Sequence[CameraEntry]) -> None:
        """Prepare.

        Args:
            redis: the bus.
            entries: the configured cameras; seeded at the first look-up, and again after Redis has lost its data.
        """
        self._redis = redis
        self._entries = entries
        self._is_first = True
        self._said: dict[str, str] = {}
        self._seed_problem = ""

    async def look_up(self) -> Listing:
        """The cameras now.

        Raises:
            redis.RedisError: Redis is away.
        """
        if self._entries:
            await self._seed_if_needed()
        entries = {as_bytes(key): as_bytes(text) for key, text in (await self._redis.hgetall(keys.CAMERAS)).items()}
        if self._is_first and (changed := changed_since(self._entries, entries)):
            _log.info("registered cameras differ from the configured ones and stay so", cameras=changed,
                      advice="`lotcast cameras apply FILE` shows and makes the changes")  # fmt: skip
        self._is_first = False
        listing = read_listing(entries)
        for camera_id, problem in listing.bad.items():
            if self._said.get(camera_id) != problem:
                _log.error("bad camera entry; it is not read", camera=camera_id, problem=problem)
        self._said = dict(listing.bad)
        # A status key can only be made of a proper id.
        return Listing(
            listing.wanted, listing.disabled, {one: text for one, text in listing.bad.items() if is_camera_id(one)}
        )

    async def _seed_if_needed(self) -> None:
        if not self._is_first and await self._redis.exists(keys.SEEDED):
            return
        try:
            new = await seed(self._redis, self._entries)
        except ResponseError as error:  # Redis is full, or refuses: the cameras that it knows are still read
            if str(error) != self._seed_problem:
                _log.error("cannot register the configured cameras; trying again", problem=str(error))
            self._seed_problem = str(error)
            return
        self._seed_problem = ""
        if new:
            _log.info("registered configured cameras", cameras=new)
