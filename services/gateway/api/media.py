"""Pictures for things that speak no WebSocket: one JPEG, or an MJPEG stream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import StreamingResponse

from libs.common import keys
from libs.common.errors import MessageError
from services.gateway.api.cameras import CameraIdInPath
from services.gateway.hub.prepared import PreparedMessage
from services.gateway.hub.viewer import ViewerSlot
from services.gateway.problems import problem_responses
from services.gateway.resources import Resources, Used

router = APIRouter(prefix="/api/cameras/{camera_id}", tags=["pictures"])

BOUNDARY: Final = "lotcast-frame"
IDLE_MAX_S: Final = 60.0
_JPEG: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The picture", "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
}
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "One JPEG after the other",
        "content": {"multipart/x-mixed-replace": {"schema": {"type": "string", "format": "binary"}}},
    }
}


@router.get("/snapshot.jpg", response_class=Response, responses=_JPEG | problem_responses(404, 422, 503))
async def get_snapshot(camera_id: CameraIdInPath, used: Used) -> Response:
    """The latest annotated picture."""
    packed = await used.redis.get(keys.latest(camera_id))
    try:
        jpeg = PreparedMessage(packed).jpeg if isinstance(packed, bytes) else None
    except MessageError:
        jpeg = None
    if jpeg is None:
        raise HTTPException(404, f"there is no picture of {camera_id!r} from the last five minutes")
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.get("/stream.mjpg", response_class=StreamingResponse, responses=_STREAM | problem_responses(422, 503))
async def get_stream(camera_id: CameraIdInPath, used: Used) -> StreamingResponse:
    """The annotated pictures as they come; ends when none came for a minute."""
    media_type = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
    return StreamingResponse(_parts(camera_id, used), media_type=media_type, headers={"Cache-Control": "no-store"})


async def _parts(camera_id: str, used: Resources) -> AsyncIterator[bytes]:
    async with used.hub.viewing(camera_id) as slot:
        while (jpeg := await _next_jpeg(slot)) is not None:
            head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            yield head.encode("ascii") + jpeg + b"\r\n"
            used.metrics.frames_sent.labels("mjpeg").inc()


async def _next_jpeg(slot: ViewerSlot) -> bytes | None:
    """The next picture; None if none came for a minute."""
    try:
        async with asyncio.timeout(IDLE_MAX_S):
            while True:
                try:
                    return (await slot.take()).jpeg
                except MessageError:
                    continue  # somebody published what is no viewer message
    except TimeoutError:
        return None
