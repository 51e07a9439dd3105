"""What happens on a lot: which spaces are taken now, what changed, and how full it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from libs.common import keys
from libs.common.bus import as_text
from libs.common.spaces import OccupancyEvent
from services.gateway.api.cameras import KnownCamera
from services.gateway.api.models import EventListing, EventView, History, HistoryPoint, Occupancy
from services.gateway.camera_views import count_views
from services.gateway.problems import problem_responses
from services.gateway.resources import Used

router = APIRouter(prefix="/api/cameras/{camera_id}", tags=["occupancy"])

EVENTS_MAX: Final = 1000
HISTORY_POINTS_MAX: Final = 600
HISTORY_ENTRIES_MAX: Final = 4000
"""Entries of about 60 bytes that one call reads: a day has 1,440, one a minute, and one for each change."""
_ID_PART_MAX: Final = 2**64 - 1
"""Of a stream's ids; 19 digits, which the API takes, never exceed it."""


@router.get("/occupancy", responses=problem_responses(404, 422, 503))
async def get_occupancy(camera_id: KnownCamera, used: Used) -> Occupancy:
    """Every space's state now; a space is unknown once no frame has been examined for ten seconds.

    Reads one status, the spaces and their states: at most 1,000 of each.
    """
    views = await used.views.spaces(camera_id)
    return Occupancy(camera_id=camera_id, spaces=views, **count_views(views).model_dump())


@router.get("/events", responses=problem_responses(404, 422, 503))
async def get_events(
    camera_id: KnownCamera,
    used: Used,
    limit: Annotated[int, Query(ge=1, le=EVENTS_MAX, description="at most this many")] = 100,
    before: Annotated[
        str | None, Query(pattern=r"^[0-9]{1,19}(-[0-9]{1,19})?$", description="only those before this id")
    ] = None,
) -> EventListing:
    """Changes of the spaces' states, newest first. Reads as many entries as it returns: at most 1,000."""
    newest = "+" if before is None else _before(before)
    if newest is None:
        return EventListing(events=[], next=None)
    rows: Any = await used.redis.xrevrange(keys.events(camera_id), max=newest, count=limit)
    events = [event for event_id, fields in rows if (event := _event(as_text(event_id), fields)) is not None]
    return EventListing(events=events, next=as_text(rows[-1][0]) if len(rows) == limit else None)


@router.get("/history", responses=problem_responses(404, 422, 503))
async def get_history(
    camera_id: KnownCamera,
    used: Used,
    seconds: Annotated[int, Query(ge=1, le=86_400, description="how far back")] = 3600,
) -> History:
    """The counts over time in at most 600 points, the newest always among them.

    Reads at most 4,000 small entries, the newest of the time that was asked for.
    """
    since_ms = used.clock.now_ms() - seconds * 1000
    rows: Any = await used.redis.xrevrange(keys.counts(camera_id), min=since_ms, count=HISTORY_ENTRIES_MAX)
    step = max(1, -(-len(rows) // HISTORY_POINTS_MAX))
    points = [point for entry_id, fields in rows[::step] if (point := _point(as_text(entry_id), fields)) is not None]
    return History(points=points[::-1])


def _before(event_id: str) -> str | None:
    """The greatest id that an entry before this one may have; None if there cannot be any."""
    milliseconds, _, number = event_id.partition("-")
    at, count = int(milliseconds), int(number or 0)
    if count:
        return f"{at}-{count - 1}"
    return f"{at - 1}-{_ID_PART_MAX}" if at else None


def _point(entry_id: str, fields: Mapping[bytes, bytes]) -> HistoryPoint | None:
    """An entry of the counts; None if somebody wrote there what is none."""
    try:
        occupied, free, unknown, vehicles = (
            int(fields[name]) for name in (b"occupied", b"free", b"unknown", b"vehicles")
        )
    except (KeyError, ValueError):
        return None
    return HistoryPoint(
        timestamp=int(entry_id.partition("-")[0]) / 1000,
        vehicle_count=vehicles,
        occupied_spaces=occupied,
        free_spaces=free,
        unknown_spaces=unknown,
        total_spaces=occupied + free + unknown,
    )


def _event(event_id: str, fields: Mapping[bytes, bytes]) -> EventView | None:
    """An entry of the events; None if somebody wrote there what is none."""
    try:
        values = {name.decode(): value.decode() for name, value in fields.items()}
        reason = values.pop("reason", None)
        change = OccupancyEvent.model_validate(values)
    except ValueError:
        return None
    shown = change.model_dump(exclude={"at_ms", "reason"})
    return EventView(id=event_id, at=change.at_ms / 1000, reason=reason, **shown)
