"""What happens on a lot: which spaces are taken now, what changed, and how full it was."""

from __future__ import annotations

import time
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query

from libs.common import keys
from libs.common.bus import as_bytes, as_text
from libs.common.spaces import OccupancyEvent
from services.gateway.api.cameras import KnownCamera
from services.gateway.api.models import EventListing, EventView, History, HistoryPoint, Occupancy
from services.gateway.camera_views import count_spaces, safe_spaces, space_views
from services.gateway.problems import problem_responses
from services.gateway.resources import Used

router = APIRouter(prefix="/api/cameras/{camera_id}", tags=["occupancy"])

HISTORY_POINTS_MAX = 600
HISTORY_ENTRIES_MAX = 4000


@router.get("/occupancy", responses=problem_responses(404, 422, 503))
async def get_occupancy(camera_id: KnownCamera, used: Used) -> Occupancy:
    """Every space's state now; the unknown are in no count of the free."""
    text = await used.redis.get(keys.spaces(camera_id))
    known: Any = await used.redis.hgetall(keys.occupancy(camera_id))
    views = space_views(safe_spaces(None if text is None else as_bytes(text)), known)
    return Occupancy(camera_id=camera_id, spaces=views, **count_spaces(views).model_dump())


@router.get("/events", responses=problem_responses(404, 422, 503))
async def get_events(
    camera_id: KnownCamera,
    used: Used,
    limit: Annotated[int, Query(ge=1, le=1000, description="at most this many")] = 100,
    before: Annotated[
        str | None, Query(pattern=r"^\d{1,16}(-\d{1,16})?$", description="only those before this id")
    ] = None,
) -> EventListing:
    """Changes of the spaces' states, newest first."""
    newest = "+" if before is None else f"({before}"
    rows: Any = await used.redis.xrevrange(keys.events(camera_id), max=newest, count=limit)
    events = [event for event_id, fields in rows if (event := _event(as_text(event_id), fields)) is not None]
    return EventListing(events=events, next=as_text(rows[-1][0]) if len(rows) == limit else None)


@router.get("/history", responses=problem_responses(404, 422, 503))
async def get_history(
    camera_id: KnownCamera,
    used: Used,
    seconds: Annotated[int, Query(ge=1, le=86_400, description="how far back")] = 3600,
) -> History:
    """The counts over time, from the detection log, in at most 600 points."""
    since_ms = round((time.time() - seconds) * 1000)
    rows: Any = await used.redis.xrange(keys.log(camera_id), min=since_ms, count=HISTORY_ENTRIES_MAX)
    step = max(1, -(-len(rows) // HISTORY_POINTS_MAX))
    points = []
    for entry_id, fields in rows[::step]:
        point = _point(as_text(entry_id), fields)
        if point is not None:
            points.append(point)
    return History(points=points)


def _point(entry_id: str, fields: dict[bytes, bytes]) -> HistoryPoint | None:
    """An entry of the log; None if somebody wrote there what is none."""
    try:
        metadata = orjson.loads(fields[b"metadata"])
        return HistoryPoint(
            timestamp=int(entry_id.partition("-")[0]) / 1000,
            vehicle_count=metadata.get("vehicle_count", 0),
            occupied_spaces=metadata.get("occupied_spaces", 0),
            total_spaces=metadata.get("total_spaces", 0),
        )
    except (KeyError, ValueError, AttributeError):
        return None


def _event(event_id: str, fields: dict[bytes, bytes]) -> EventView | None:
    """An entry of the events; None if somebody wrote there what is none."""
    try:
        values = {name.decode(): value.decode() for name, value in fields.items()}
        change = OccupancyEvent.model_validate(values)
    except ValueError:
        return None
    return EventView(id=event_id, at=change.at_ms / 1000, **change.model_dump(exclude={"at_ms"}))
