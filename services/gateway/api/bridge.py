"""The bridge for workers that post their pictures: the same routes, bodies and answers as in the system replaced."""

from __future__ import annotations

import asyncio
import binascii
import time
from typing import Any, Final

import msgpack
import orjson
from fastapi import APIRouter, HTTPException, Request, Response
from pydantic import ValidationError

from libs.common.redis_errors import REDIS_ERRORS
from services.gateway.api.models import BroadcastAnswer, Broadcaster, BroadcastRequest, BroadcastStatus
from services.gateway.broadcasts import TooManyBroadcasts
from services.gateway.problems import BridgeProblem
from services.gateway.resources import Resources, Used

DEADLINE_S: Final = 0.85
"""A worker hears within a second whether its picture was published; the rest is for its way here and back."""

router = APIRouter(prefix="/api", tags=["bridge"])

_ERRORS: Final = {
    400: {"model": BridgeProblem, "description": "Empty camera id, bad base64, or not a JPEG"},
    408: {"model": BridgeProblem, "description": "The body did not come in time"},
    413: {"model": BridgeProblem, "description": "Too large"},
    422: {"model": BridgeProblem, "description": "Not the schema"},
    429: {"model": BridgeProblem, "description": "No room for one more camera that nobody registered"},
    503: {
        "model": BridgeProblem,
        "description": "Redis is away, failing over, full, or refuses us; Retry-After stands where waiting helps",
    },
}


@router.post(
    "/broadcast-detection",
    responses=_ERRORS,  # type: ignore[arg-type]
    response_model=BroadcastAnswer,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/BroadcastRequest"}}},
        }
    },
)
async def broadcast_detection(request: Request, used: Used) -> Response:
    """Publish a worker's picture to the camera's viewers.

    `timestamp` of the answer is the metadata's own; `viewers` are those of this camera at all gateways.
    """
    started = time.perf_counter()
    try:
        posted = _parse(await request.body())
        jpeg = _decode(posted, used)
    except HTTPException:
        used.metrics.frames.drop("bridge", "refused")
        raise
    try:
        async with asyncio.timeout(DEADLINE_S):
            viewers = await used.broadcasts.publish(posted.camera_id, jpeg, posted.metadata)
    except REDIS_ERRORS:
        used.metrics.frames.drop("bridge", "redis_away")
        raise
    except TooManyBroadcasts as error:
        used.metrics.frames.drop("bridge", "refused")
        raise HTTPException(429, str(error), {"Retry-After": "60"}) from None
    used.metrics.frames.count("bridge")
    used.metrics.frames.took("bridge_to_redis", time.perf_counter() - started)
    answer = {
        "success": True,
        "viewers": viewers,
        "camera_id": posted.camera_id,
        "frame_size": len(jpeg),
        "timestamp": posted.metadata.get("timestamp"),
    }
    return Response(orjson.dumps(answer), media_type="application/json")


@router.get("/broadcast-status", responses={503: _ERRORS[503]})
async def broadcast_status(used: Used) -> BroadcastStatus:
    """The cameras that are broadcast or watched, over all gateways."""
    broadcasters = [Broadcaster.model_validate(row) for row in await used.broadcasts.active()]
    return BroadcastStatus(
        broadcasters=broadcasters,
        total_viewers=sum(broadcaster.viewers for broadcaster in broadcasters),
        active_cameras=len(broadcasters),
    )


def _parse(body: bytes) -> BroadcastRequest:
    """The posted object; strict JSON, so that whatever comes in can go out to viewers.

    Raises:
        HTTPException: 422 with the problems in the form that FastAPI gives them.
    """
    try:
        posted = BroadcastRequest.model_validate(orjson.loads(body))
        msgpack.packb(posted.metadata)
        orjson.dumps(posted.metadata)  # nested too deeply, it could be read but not be told again
    except orjson.JSONDecodeError as error:
        raise HTTPException(422, [_row("json_invalid", f"JSON decode error: {error}")]) from None
    except ValidationError as error:
        rows = [_row(row["type"], row["msg"], *row["loc"]) for row in error.errors(include_url=False)]
        raise HTTPException(422, rows) from None
    except (ValueError, OverflowError, TypeError) as error:
        raise HTTPException(422, [_row("value_error", f"cannot be passed on: {error}", "metadata")]) from None
    return posted


def _row(kind: str, message: str, *where: str | int) -> dict[str, Any]:
    return {"loc": ["body", *where], "msg": message, "type": kind}


def _decode(posted: BroadcastRequest, used: Resources) -> bytes:
    """The posted JPEG.

    Raises:
        HTTPException: 400 or 413, as the contract says.
    """
    if not posted.camera_id:
        raise HTTPException(400, "camera_id is required")
    try:
        jpeg = binascii.a2b_base64(posted.frame_base64, strict_mode=True)
    except ValueError as error:
        raise HTTPException(400, f"Invalid base64 data: {error}") from None
    if not jpeg.startswith(b"\xff\xd8\xff"):
        raise HTTPException(400, "frame_base64 is not a JPEG")
    if len(jpeg) > used.settings.frame_max_bytes:
        raise HTTPException(413, f"the picture is longer than {used.settings.frame_max_bytes} bytes")
    return jpeg
