"""The bridge for workers that post their pictures: the same routes, bodies and answers as in the system replaced."""

from __future__ import annotations

import asyncio
import base64
import binascii
import time
from typing import Final

from fastapi import APIRouter, HTTPException

from services.gateway.api.models import BroadcastAnswer, Broadcaster, BroadcastRequest, BroadcastStatus
from services.gateway.problems import BridgeProblem
from services.gateway.resources import Used

DEADLINE_S: Final = 0.9
"""A worker hears within a second whether its picture was published."""

router = APIRouter(prefix="/api", tags=["bridge"])

_ERRORS: Final = {
    400: {"model": BridgeProblem, "description": "Empty camera id, bad base64, or not a JPEG"},
    413: {"model": BridgeProblem, "description": "Too large"},
    422: {"model": BridgeProblem, "description": "Not the schema"},
    503: {"model": BridgeProblem, "description": "Redis is away; Retry-After says when to try again"},
}


@router.post("/broadcast-detection", responses=_ERRORS)  # type: ignore[arg-type]
async def broadcast_detection(request: BroadcastRequest, used: Used) -> BroadcastAnswer:
    """Publish a worker's picture to the camera's viewers."""
    started = time.perf_counter()
    jpeg = _decode(request, used)
    async with asyncio.timeout(DEADLINE_S):
        viewers = await used.broadcasts.publish(request.camera_id, jpeg, request.metadata)
    used.metrics.bridge_frames.labels("published").inc()
    used.metrics.bridge_seconds.observe(time.perf_counter() - started)
    return BroadcastAnswer(
        success=True,
        viewers=viewers,
        camera_id=request.camera_id,
        frame_size=len(jpeg),
        timestamp=request.metadata.get("timestamp"),
    )


@router.get("/broadcast-status", responses={503: _ERRORS[503]})
async def broadcast_status(used: Used) -> BroadcastStatus:
    """The cameras that are broadcast or watched, over all gateways."""
    broadcasters = [Broadcaster.model_validate(row) for row in await used.broadcasts.active()]
    return BroadcastStatus(
        broadcasters=broadcasters,
        total_viewers=sum(broadcaster.viewers for broadcaster in broadcasters),
        active_cameras=len(broadcasters),
    )


def _decode(request: BroadcastRequest, used: Used) -> bytes:
    """The posted JPEG.

    Raises:
        HTTPException: 400 or 413, as the contract says.
    """
    problem, status = None, 400
    jpeg = b""
    if not request.camera_id:
        problem = "camera_id is required"
    else:
        try:
            jpeg = base64.b64decode(request.frame_base64, validate=True)
        except (binascii.Error, ValueError) as error:
            problem = f"Invalid base64 data: {error}"
    if problem is None and not jpeg.startswith(b"\xff\xd8\xff"):
        problem = "frame_base64 is not a JPEG"
    if problem is None and len(jpeg) > used.settings.frame_max_bytes:
        problem, status = f"the picture is longer than {used.settings.frame_max_bytes} bytes", 413
    if problem is not None:
        used.metrics.bridge_frames.labels("refused").inc()
        raise HTTPException(status, problem)
    return jpeg
