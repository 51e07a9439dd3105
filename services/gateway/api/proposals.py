"""Spaces that seem to be there, for whoever marks a camera's spaces."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from libs.common import keys
from libs.common.bus import as_bytes
from libs.common.proposals import SpaceProposal, load_proposals
from services.gateway.api.cameras import KnownCamera
from services.gateway.problems import problem_responses
from services.gateway.resources import Used

router = APIRouter(prefix="/api/cameras/{camera_id}", tags=["cameras"])


class SpaceProposals(BaseModel):
    """Spaces that seem to be there, the surest first; those that are marked already may be among them."""

    proposals: list[SpaceProposal]
    places: Annotated[int, Field(description="at so many spots of the picture vehicles were seen standing")]
    updated_at: Annotated[
        float | None, Field(description="when that was concluded; seconds since the epoch; null: never yet")
    ]


@router.get("/space-proposals", responses=problem_responses(404, 422, 503))
async def get_space_proposals(camera_id: KnownCamera, used: Used) -> SpaceProposals:
    """Proposals for the camera's parking spaces, concluded from where vehicles stood; for admins, as marking spaces is.

    Reads one value of at most 300 proposals. There are none until some vehicles have stood for a minute.
    """
    text = await used.redis.get(keys.proposals(camera_id))
    stored = load_proposals(None if text is None else as_bytes(text))
    updated_at = stored.updated_ms / 1000 if stored.updated_ms else None
    return SpaceProposals(proposals=stored.proposals, places=len(stored.places), updated_at=updated_at)
