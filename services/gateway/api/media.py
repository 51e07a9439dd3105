"""Pictures for things that speak no WebSocket: one JPEG, or an MJPEG stream."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, HTTPException, Path, Query, Request, Response
from pydantic import AfterValidator
from starlette.types import Receive, Scope, Send

from libs.common import keys
from libs.common.errors import MessageError
from libs.common.event_crops import CropSide, EventCrops
from libs.common.live_messages import SMALL_WIDTH
from services.gateway.api.cameras import CameraIdInPath, KnownCamera
from services.gateway.hub.encoded_message import BOUNDARY, EncodedMessage
from services.gateway.problems import problem_responses
from services.gateway.resources import Resources, Used
from services.gateway.serving.http_protocol import GatewayHttpProtocol
from services.gateway.serving.viewer_protocol import CONNECTION
from services.gateway.small_pictures import TooManyPictures

router = APIRouter(prefix="/api/cameras/{camera_id}", tags=["pictures"])

_JPEG: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The picture", "content": {"image/jpeg": {"schema": {"type": "string", "format": "binary"}}}}
}
_STREAM: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "One JPEG after the other, as long as the client stays",
        "content": {"multipart/x-mixed-replace": {"schema": {"type": "string", "format": "binary"}}},
    }
}

JPEG_START: Final = b"\xff\xd8\xff"


class MjpegResponse(Response):
    """A stream whose pictures the hub writes straight to the connection."""

    media_type = "multipart/x-mixed-replace"

    def __init__(self, camera_id: str, used: Resources) -> None:
        super().__init__()
        self._camera_id = camera_id
        self._used = used
        self.headers["Cache-Control"] = "no-store"
        self.headers["Content-Type"] = f"multipart/x-mixed-replace; boundary={BOUNDARY}"
        del self.headers["Content-Length"]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Begin the response and leave the rest to the hub until the client goes."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        protocol: GatewayHttpProtocol = scope["extensions"][CONNECTION]
        sender = protocol.make_sender("mjpeg", self._used.settings.send_timeout_s, self._used.metrics)
        address = scope["client"][0] if scope.get("client") else None
        if not self._used.viewers_by_address.enter(address):
            protocol.transport.abort()  # asked before; another came in between
            return
        self._used.hub.attach(self._camera_id, sender)
        try:
            while (await receive())["type"] != "http.disconnect":
                pass  # the rest of a request's body, if it has one
        finally:
            self._used.hub.detach(self._camera_id, sender)
            self._used.viewers_by_address.leave(address)


def _known_width(width: int | None) -> int | None:
    if width not in (None, SMALL_WIDTH):
        raise ValueError(f"a picture is served as wide as it is (no width), or {SMALL_WIDTH} pixels wide")
    return width


@router.get("/snapshot.jpg", response_class=Response, responses=_JPEG | problem_responses(404, 422, 503))
async def get_snapshot(
    camera_id: CameraIdInPath,
    used: Used,
    picture: Annotated[
        Literal["annotated", "plain"] | None,
        Query(
            description="with everything drawn in, or as the camera sent it; "
            f"without it: annotated, or plain where it is {SMALL_WIDTH} wide"
        ),
    ] = None,
    width: Annotated[
        int | None,
        AfterValidator(_known_width),
        Query(
            description=f"{SMALL_WIDTH}: the small picture, with nothing drawn in; without it: as wide as it is",
            json_schema_extra={"enum": [SMALL_WIDTH]},
        ),
    ] = None,
) -> Response:
    """The latest picture."""
    if width is not None and picture == "annotated":
        raise HTTPException(422, f"picture: nothing is drawn into a picture {SMALL_WIDTH} pixels wide; ask for plain")
    if width is not None:
        try:
            jpeg = await used.small_pictures.get(camera_id)
        except TooManyPictures as error:
            raise HTTPException(503, str(error), {"Retry-After": "1"}) from error
    else:
        jpeg = await (_latest_plain if picture == "plain" else _latest_annotated)(camera_id, used)
    if jpeg is None:
        raise HTTPException(404, f"there is no picture of {camera_id!r} from the last five minutes")
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.get(
    "/events/{event_id}/crops/{side}.jpg", response_class=Response, responses=_JPEG | problem_responses(404, 422, 503)
)
async def get_crop(
    camera_id: CameraIdInPath,
    event_id: Annotated[str, Path(pattern=r"^[0-9]{1,19}-[0-9]{1,19}$", description="of a change of a space's state")],
    side: Annotated[CropSide, Path(description="the space as it was before the change, or after it")],
    used: Used,
) -> Response:
    """A small picture of the space that changed, kept for an hour; not every change has one."""
    packed = await used.redis.get(keys.crops(camera_id, event_id))
    try:
        jpeg = EventCrops.unpack(packed).side(side) if isinstance(packed, bytes) else None
    except MessageError:
        jpeg = None
    if jpeg is None:
        raise HTTPException(404, f"there is no picture from {side} the change {event_id} of {camera_id!r}")
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


async def _latest_annotated(camera_id: str, used: Resources) -> bytes | None:
    packed = await used.redis.get(keys.latest(camera_id))
    try:
        return EncodedMessage(packed).jpeg if isinstance(packed, bytes) else None
    except MessageError:
        return None


async def _latest_plain(camera_id: str, used: Resources) -> bytes | None:
    """The newest raw frame, which ingest has put there; reads one entry."""
    entries: Any = await used.redis.xrevrange(keys.frames(camera_id), count=1)
    jpeg = entries[0][1].get(b"jpeg") if entries else None
    return jpeg if isinstance(jpeg, bytes) and jpeg.startswith(JPEG_START) else None


@router.get("/stream.mjpg", response_class=Response, responses=_STREAM | problem_responses(404, 422, 503))
async def get_stream(camera_id: KnownCamera, request: Request, used: Used) -> Response:
    """The annotated pictures as they come, for an `<img>` or a video player."""
    address = request.client.host if request.client else None
    if (why := used.refuse_viewer(address)) is not None:
        raise HTTPException(503, why, {"Retry-After": "5"})
    return MjpegResponse(camera_id, used)
