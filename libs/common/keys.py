"""Every Redis key and channel name, made here and nowhere else.

The camera id stands in literal braces, so that all keys of one camera share a slot in Redis Cluster.
"""

from __future__ import annotations

from typing import Final, Literal

Role = Literal["ingest", "detector", "gateway"]

CAMERAS: Final = "lotcast:cameras"
"""Hash: camera id → camera JSON."""

SEEDED: Final = "lotcast:seeded"
"""Set: ids of cameras that a cameras file has named; what was changed or deleted since then stays so."""

BROADCASTERS: Final = "lotcast:broadcasters"
"""Sorted set: camera id by the time of its last viewer message (seconds since the epoch)."""

WATCHED: Final = "lotcast:watched"
"""Sorted set: id of a camera that somebody watches by when that began (seconds since the epoch)."""

UNREGISTERED: Final = "lotcast:unregistered"
"""Sorted set: id of a camera that nobody registered by the time of its last picture from a worker (seconds)."""

GATEWAYS: Final = "lotcast:gateways"
"""Pub/sub channel that every gateway listens to: `deleted CAM` says that a camera's picture must not be shown again."""

GPUS: Final = "lotcast:gpus"
"""Sorted set: `GPU detector`, the GPU by its UUID, by the detector's last heartbeat (seconds since the epoch)."""

DETECTOR_GROUP: Final = "detectors"
"""Consumer group of the detectors on every frame stream."""

PROBES: Final = "lotcast:probes"
"""List: addresses that somebody wants an ingest to try, as JSON; expires."""

PROBE_WORKER: Final = "lotcast:probe:desk"
"""String: there while an ingest takes such addresses; expires."""


def frames(camera_id: str) -> str:
    """Stream of raw frames, newest few only."""
    return f"lotcast:{{{camera_id}}}:frames"


def live(camera_id: str) -> str:
    """Pub/sub channel of viewer messages (msgpack)."""
    return f"lotcast:{{{camera_id}}}:live"


def latest(camera_id: str) -> str:
    """String: the last viewer message (msgpack); expires."""
    return f"lotcast:{{{camera_id}}}:latest"


def count(camera_id: str) -> str:
    """Integer: viewer messages published so far."""
    return f"lotcast:{{{camera_id}}}:count"


def spaces(camera_id: str) -> str:
    """String: JSON list of the camera's parking spaces."""
    return f"lotcast:{{{camera_id}}}:spaces"


def occupancy(camera_id: str) -> str:
    """Hash: space id → JSON of state and since when."""
    return f"lotcast:{{{camera_id}}}:occupancy"


def events(camera_id: str) -> str:
    """Stream of occupancy changes."""
    return f"lotcast:{{{camera_id}}}:events"


def log(camera_id: str) -> str:
    """Stream: the metadata of about one frame a second, trimmed by age."""
    return f"lotcast:{{{camera_id}}}:log"


def counts(camera_id: str) -> str:
    """Stream: occupied, free and unknown spaces and vehicles, at a change and once a minute; a day is kept."""
    return f"lotcast:{{{camera_id}}}:counts"


def crops(camera_id: str, event_id: str) -> str:
    """String: small pictures of a space before and after a change (msgpack); expires."""
    return f"lotcast:{{{camera_id}}}:crops:{event_id}"


def view(camera_id: str) -> str:
    """Hash: hour of the day (UTC, two digits) or `newest` → a clear picture of the lot (msgpack), to compare with."""
    return f"lotcast:{{{camera_id}}}:view"


def proposals(camera_id: str) -> str:
    """String: spaces that seem to be there, and where vehicles have stood (JSON); expires."""
    return f"lotcast:{{{camera_id}}}:proposals"


def plain(camera_id: str) -> str:
    """Pub/sub channel of viewer messages with the camera's own picture; published only while somebody subscribes."""
    return f"lotcast:{{{camera_id}}}:plain"


def small(camera_id: str) -> str:
    """Pub/sub channel of viewer messages 480 pixels wide; published only while somebody subscribes."""
    return f"lotcast:{{{camera_id}}}:small"


def deleted(camera_id: str) -> str:
    """String: the camera was deleted; nobody writes its keys until the id is registered again, which removes this.

    It is none of the camera's keys (`lotcast:{CAM}:…`), of which a deletion leaves nothing.
    """
    return f"lotcast:deleted:{camera_id}"


def viewers(camera_id: str) -> str:
    """Hash: gateway id → viewers connected there."""
    return f"lotcast:{{{camera_id}}}:viewers"


def status(camera_id: str) -> str:
    """Hash: what ingest and the detector report about the camera."""
    return f"lotcast:{{{camera_id}}}:status"


def last_track_id(camera_id: str) -> str:
    """Integer: the greatest track id that the camera ever had."""
    return f"lotcast:{{{camera_id}}}:last_track_id"


def probe_answer(probe_id: str) -> str:
    """List of one: what an ingest found out (msgpack); expires."""
    return f"lotcast:probe:{probe_id}"


def lease(role: Role, camera_id: str) -> str:
    """Lock: the process of `role` that owns the camera now."""
    return f"lotcast:lease:{role}:{{{camera_id}}}"


def members(role: Role) -> str:
    """Sorted set: live processes of a role by last heartbeat (seconds since the epoch)."""
    return f"lotcast:members:{role}"


def load(role: Role, member: str) -> str:
    """Hash: what a process costs and carries; expires."""
    return f"lotcast:load:{role}:{member}"


def of_camera(camera_id: str) -> tuple[str, ...]:
    """All keys that hold something of one camera, for deleting it whole."""
    return (
        frames(camera_id),
        latest(camera_id),
        count(camera_id),
        spaces(camera_id),
        occupancy(camera_id),
        events(camera_id),
        log(camera_id),
        counts(camera_id),
        view(camera_id),
        viewers(camera_id),
        status(camera_id),
        last_track_id(camera_id),
        proposals(camera_id),
    )
