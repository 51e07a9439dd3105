"""Find cameras on the network: an ingest does it, since only ingest reaches cameras."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from libs.common.probe_queue import DiscoverResult, ask_to_discover
from services.gateway.api.cameras import check_url
from services.gateway.problems import problem_responses
from services.gateway.resources import Used

router = APIRouter(prefix="/api/cameras", tags=["cameras"])

Address = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.:\[\]-]{1,255}$")]
Word = Annotated[str, StringConstraints(max_length=128)]


class CameraSearch(BaseModel):
    """Where to look for cameras."""

    model_config = ConfigDict(extra="forbid")

    addresses: Annotated[
        list[Address], Field(max_length=32, description="hosts, or host:port; empty: all that answer a multicast")
    ] = []
    user: Annotated[Word, Field(description="for the cameras' ONVIF services")] = ""
    password: Annotated[Word, Field(description="that user's")] = ""


@router.post("/discover", responses=problem_responses(400, 413, 422, 503))
async def discover_cameras(asked: CameraSearch, used: Used) -> DiscoverResult:
    """Find ONVIF cameras on the network of an ingest, with their names, sizes and addresses. Takes up to 25 s.

    The addresses in the answer hold neither user nor password.
    """
    for address in asked.addresses:
        await check_url(used, f"http://{address}/")
    return await ask_to_discover(used.redis, asked.addresses, asked.user, asked.password)
