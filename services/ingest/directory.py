"""The cameras as they stand in Redis: those to read, those disabled, and those whose entry is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import ValidationError
from redis.asyncio import Redis

from libs.common import keys
from libs.common.bus import as_bytes, as_text
from libs.common.cameras import Camera, is_camera_id
from libs.common.logging import get_logger
from services.ingest.cameras_file import CameraEntry, describe_problem, register

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
            bad[camera_id] = describe_problem(error)
            continue
        if camera.id != camera_id:
            bad[camera_id] = f"id: the entry says {camera.id!r} and stands under {camera_id!r}"
        elif camera.enabled:
            wanted[camera_id] = camera
        else:
            disabled.add(camera_id)
    return Listing(wanted, frozenset(disabled), bad)


class CameraDirectory:
    """Looks the cameras up, and says once what is wrong with an entry."""

    def __init__(self, redis: Redis, entries: Sequence[CameraEntry]) -> None:
        """Prepare.

        Args:
            redis: the bus.
            entries: the configured cameras, to be registered again should Redis come back empty.
        """
        self._redis = redis
        self._entries = entries
        self._redis_run_id: str | None = None
        self._said: dict[str, str] = {}

    async def look_up(self) -> Listing:
        """The cameras now.

        Raises:
            redis.RedisError: Redis is away.
        """
        await self._restore_if_emptied()
        entries = await self._redis.hgetall(keys.CAMERAS)
        listing = read_listing({as_bytes(key): as_bytes(text) for key, text in entries.items()})
        for camera_id, problem in listing.bad.items():
            if self._said.get(camera_id) != problem:
                _log.error("bad camera entry; it is not read", camera=camera_id, problem=problem)
        self._said = dict(listing.bad)
        # A status key can only be made of a proper id.
        return Listing(
            listing.wanted, listing.disabled, {one: text for one, text in listing.bad.items() if is_camera_id(one)}
        )

    async def _restore_if_emptied(self) -> None:
        """Register the configured cameras again where Redis was started anew and kept nothing.

        Cameras that somebody removed stay removed: then it is the same server.
        """
        if not self._entries:
            return
        run_id = as_text((await self._redis.info("server"))["run_id"])
        if self._redis_run_id not in (None, run_id) and not await self._redis.exists(keys.CAMERAS):
            _log.warning("redis came back empty; registering the configured cameras again")
            await register(self._redis, self._entries)
        self._redis_run_id = run_id
