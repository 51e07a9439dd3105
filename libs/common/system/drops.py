"""Where frames ended before anybody saw them, and why, as services tell it in Redis. Pure.

A camera's status has what ingest and the detector left out of that camera. A process's load has all that the process
left out, by stage and cause, as its `/metrics` has it (docs/metrics.md).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from libs.common import keys

DROPS_MAX: Final = 100
"""Kinds of drops that are read of a process; there are fewer than twenty."""

_OF_CAMERA: Final[Mapping[str, tuple[keys.Role, str]]] = {
    "ingest_dropped": ("ingest", "surplus"),
    "ingest_bad_frames": ("ingest", "garbled"),
    "detector_skipped": ("detector", "newer"),
    "detector_too_old": ("detector", "too_old"),
    "detector_undecodable": ("detector", "undecodable"),
    "detector_garbled": ("detector", "garbled"),
    "detector_failed": ("detector", "failed"),
    "detector_unpublished": ("detector", "redis_away"),
    "detector_disowned": ("detector", "lease_lost"),
}
"""Fields of a camera's status, with who left a frame out and why."""


@dataclass(frozen=True, slots=True)
class Drop:
    """Frames that ended at one place for one cause.

    Attributes:
        where: the role (of a camera's drops) or the stage (of a process's).
        cause: as in docs/metrics.md.
        frames: how many, since the process that counts began or took the camera.
    """

    where: str
    cause: str
    frames: int


def drops_of_camera(status: Mapping[str, str]) -> list[Drop]:
    """What was left out of one camera; causes that have not occurred are left out.

    Args:
        status: the hash `lotcast:{CAM}:status`.
    """
    found = []
    for field, (role, cause) in _OF_CAMERA.items():
        frames = status.get(field, "")
        if frames.isdecimal() and len(frames) <= 15 and int(frames) > 0:
            found.append(Drop(role, cause, int(frames)))
    return found


def drops_to_text(counted: Mapping[tuple[str, str], int]) -> str:
    """A process's drops as its load has them; those that have not occurred are left out.

    Args:
        counted: frames by stage and cause.
    """
    return json.dumps([[stage, cause, frames] for (stage, cause), frames in counted.items() if frames > 0])


def drops_from_text(text: str | None) -> list[Drop]:
    """A process's drops; none where it told none, or somebody else wrote there."""
    try:
        rows = json.loads(text or "[]")
        return [Drop(str(stage), str(cause), int(frames)) for stage, cause, frames in rows[:DROPS_MAX]]
    except (ValueError, TypeError, KeyError, OverflowError):
        return []
