"""Try a camera before it is added: an ingest does it, since only ingest reads cameras."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from libs.common.cameras import CameraId, keep_credentials
from libs.common.probe_queue import ProbeResult, ask
from services.gateway.api.cameras import check_url, refuse_hidden
from services.gateway.api.models import ApiCameraUrl
from services.gateway.problems import problem_responses
from services.gateway.resources import Used

router = APIRouter(prefix="/api/cameras", tags=["cameras"])


class CameraProbe(BaseModel):
    """The address to try."""

    model_config = ConfigDict(extra="forbid")

    url: ApiCameraUrl
    camera_id: Annotated[
        CameraId | None,
        Field(description="a registered camera: its password stands in for `***` if the address is its own"),
    ] = None


@router.post("/probe", responses=problem_responses(400, 413, 422, 503))
async def probe_camera(asked: CameraProbe, used: Used) -> ProbeResult:
    """Try an address: what it is, its size and speed, its first picture, or why it does not work. Takes up to 25 s."""
    await check_url(used, asked.url)
    url = asked.url
    if asked.camera_id is not None and (camera := await used.views.entry(asked.camera_id)) is not None:
        url = keep_credentials(url, camera.url)
    refuse_hidden(url)
    return await ask(used.redis, url)
