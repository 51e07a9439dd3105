"""Read what Redis has of a camera; what is not readable is taken as absent, with a line in the log."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError
from redis.asyncio import Redis

from libs.common import keys
from libs.common.bus import as_bytes
from libs.common.cameras import Camera
from libs.common.errors import MessageError
from libs.common.logging import get_logger
from libs.common.proposals import StoredProposals, load_proposals
from libs.common.redis_errors import RedisFault, classify, describe
from libs.common.spaces import ParkingSpace, SpaceStatus, load_spaces
from services.detector.view.reference import ViewReference

_log = get_logger("cameras")

NO_SPACES: Final = hashlib.sha1(b"", usedforsecurity=False).hexdigest()
"""The version of a camera without spaces in Redis."""


@dataclass(frozen=True, slots=True)
class StoredCamera:
    """What Redis keeps of a camera, for the detector that takes it over.

    Attributes:
        spaces: its parking spaces; none if they are unreadable.
        statuses: by space id, as the owner before left them.
        last_track_id: the greatest track id that the camera ever had.
        spaces_version: the SHA-1, hexadecimal, of the text that Redis has of the spaces.
        problem: what is wrong with the stored spaces; empty if nothing is.
        view: what the lot looked like, by the field of the stored hash; none that was made for other spaces.
        proposals: where vehicles have stood, and the spaces that this makes probable.
    """

    spaces: Sequence[ParkingSpace] = ()
    statuses: Mapping[str, SpaceStatus] = field(default_factory=dict)
    last_track_id: int = 0
    spaces_version: str = NO_SPACES
    problem: str = ""
    view: Mapping[str, ViewReference] = field(default_factory=dict)
    proposals: StoredProposals = field(default_factory=StoredProposals)


@dataclass(frozen=True, slots=True)
class StoredSpaces:
    """What a camera has in Redis now, looked at every second.

    Attributes:
        version: the SHA-1, hexadecimal, of the spaces.
        states: how many spaces have a state.
    """

    version: str
    states: int


async def read_enabled(redis: Redis) -> tuple[dict[str, Camera], set[str]]:
    """The enabled cameras by id, and the ids of those that are registered but off.

    Raises:
        redis.RedisError: Redis is away.
    """
    enabled, disabled = dict[str, Camera](), set[str]()
    for stored_id, text in (await redis.hgetall(keys.CAMERAS)).items():
        try:
            camera = Camera.model_validate_json(text)
            if camera.id.encode() != as_bytes(stored_id):
                continue
        except ValidationError:
            continue  # ingest, which reads the camera, says what is wrong with it
        if camera.enabled:
            enabled[camera.id] = camera
        else:
            disabled.add(camera.id)
    return enabled, disabled


async def read_versions(redis: Redis, camera_ids: Sequence[str]) -> dict[str, StoredSpaces]:
    """What the cameras have in Redis now, in one round trip. A key of another type counts as absent.

    Raises:
        redis.RedisError: Redis is away.
    """
    if not camera_ids:
        return {}
    pipe = redis.pipeline(transaction=False)
    for camera_id in camera_ids:
        pipe.get(keys.spaces(camera_id))
        pipe.hlen(keys.occupancy(camera_id))
    answers: list[Any] = await pipe.execute(raise_on_error=False)
    versions = {}
    for number, camera_id in enumerate(camera_ids):
        text, states = (_or_default(answer, None) for answer in answers[2 * number : 2 * number + 2])
        versions[camera_id] = StoredSpaces(_version_of(text), -1 if states is None else int(states))
    return versions


async def read_camera(redis: Redis, camera_id: str) -> StoredCamera:
    """Spaces, states, last track id and view of a camera, as they are at one moment.

    Raises:
        redis.RedisError: Redis is away.
    """
    pipe = redis.pipeline(transaction=True)
    pipe.get(keys.spaces(camera_id))
    pipe.hgetall(keys.occupancy(camera_id))
    pipe.get(keys.last_track_id(camera_id))
    pipe.get(keys.proposals(camera_id))
    pipe.time()
    pipe.hgetall(keys.view(camera_id))
    answers: list[Any] = await pipe.execute(raise_on_error=False)
    names = ("spaces", "occupancy", "last_track_id", "proposals", "time", "view")
    for answer, what in zip(answers, names, strict=True):
        if isinstance(answer, Exception):
            if classify(answer) is not RedisFault.OURS:
                raise answer
            _log.error("a key is unreadable and taken as absent", camera=camera_id, key=what, error=describe(answer))
    text, states, track_id, proposals, time, view = (_or_default(answer, None) for answer in answers)
    spaces, problem = _load_spaces(text)
    if problem:
        _log.error("bad spaces; working without them", camera=camera_id, problem=problem)
    seconds = time[0] if time else 0
    return StoredCamera(
        spaces, _load_statuses(camera_id, states or {}), _track_id(camera_id, track_id, seconds),
        _version_of(text), problem, _load_view(camera_id, view or {}, _version_of(text)), load_proposals(proposals),
    )  # fmt: skip


def _or_default(answer: Any, default: Any) -> Any:
    if isinstance(answer, Exception):
        if classify(answer) is not RedisFault.OURS:
            raise answer
        return default
    return answer


def _version_of(text: bytes | None) -> str:
    return hashlib.sha1(text or b"", usedforsecurity=False).hexdigest()


def _load_spaces(text: bytes | None) -> tuple[list[ParkingSpace], str]:
    """The spaces, or none and what is wrong."""
    try:
        return load_spaces(text), ""
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        return [], f"the stored spaces are unreadable: {where}: {first['msg']}; save the spaces again"


def _load_statuses(camera_id: str, stored: Mapping[bytes, bytes]) -> dict[str, SpaceStatus]:
    statuses = {}
    for space_id, text in stored.items():
        try:
            statuses[space_id.decode()] = SpaceStatus.model_validate_json(text)
        except ValueError:  # of pydantic and of Unicode
            _log.warning("unreadable occupancy is taken as unknown", camera=camera_id, space=repr(space_id))
    return statuses


def _load_view(camera_id: str, stored: Mapping[bytes, bytes], spaces_version: str) -> dict[str, ViewReference]:
    references = {}
    for name, packed in stored.items():
        try:
            reference = ViewReference.unpack(packed, spaces_version)
        except MessageError as error:
            _log.warning("an unreadable view is left out", camera=camera_id, problem=str(error))
            continue
        if reference is not None:
            references[name.decode(errors="replace")] = reference
    return references


def _track_id(camera_id: str, stored: bytes | None, now_s: int) -> int:
    if stored is None:
        return 0
    if stored.isdigit() and len(stored) < 19:
        return int(stored)
    _log.error("the last track id is unreadable; going on with one that was never used", camera=camera_id)
    return now_s
