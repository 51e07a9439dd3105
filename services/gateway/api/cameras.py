"""Cameras and their spaces: what there is, and how it is changed."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Path, Response

from libs.common import keys
from libs.common.bus import as_bytes
from libs.common.camera_state import read_spaces
from libs.common.camera_urls import has_hidden_secret, keep_credentials
from libs.common.cameras import CAMERA_ID_PATTERN, Camera, parse_camera
from libs.common.spaces import SpaceList, dump_spaces
from services.gateway.api.models import CameraChange, CameraListing, CameraView, NewCamera
from services.gateway.problems import problem_responses
from services.gateway.registration import version_of
from services.gateway.resources import Caller, Resources, Used
from services.gateway.security.camera_urls import resolved_url_problem, url_problem
from services.gateway.versions import STALE, IfMatch, etag, expected_versions, with_version

CHANGE_ATTEMPTS: Final = 10
"""How often a change without `If-Match` begins again because somebody else was quicker."""

router = APIRouter(prefix="/api/cameras", tags=["cameras"])

CameraIdInPath = Annotated[str, Path(pattern=CAMERA_ID_PATTERN, description="the camera's id")]


async def _known_camera(camera_id: CameraIdInPath, used: Used) -> str:
    pipe = used.redis.pipeline(transaction=False)
    pipe.hexists(keys.CAMERAS, camera_id)
    pipe.exists(keys.latest(camera_id))
    is_registered, is_broadcast = await pipe.execute()
    if not is_registered and not is_broadcast:
        raise HTTPException(404, f"no camera {camera_id!r}")
    return camera_id


KnownCamera = Annotated[str, Depends(_known_camera)]
"""A route's parameter: the id of a camera that is registered or broadcast; others are answered with 404."""


@router.get("", responses=problem_responses(503))
async def list_cameras(used: Used, caller: Caller) -> CameraListing:
    """All cameras that are registered, and those that workers broadcast under ids of their own.

    Reads six small values of each; of cameras that nobody registered there are at most `GATEWAY_UNREGISTERED_MAX`.
    """
    return CameraListing(cameras=await used.views.load(caller))


@router.post("", status_code=201, responses=with_version(problem_responses(400, 409, 413, 422, 503), 201))
async def add_camera(new: NewCamera, used: Used, caller: Caller, response: Response) -> CameraView:
    """Register a camera; ingest begins to read it within two seconds."""
    await check_url(used, new.url)
    refuse_hidden(new.url)
    camera = Camera(**new.model_dump())
    if await used.registration.add(camera) == "taken":
        raise HTTPException(409, f"id: there is a camera {camera.id!r} already")
    return await _view(used, camera.id, caller, response)


@router.get("/{camera_id}", responses=with_version(problem_responses(404, 422, 503)))
async def get_camera(camera_id: CameraIdInPath, used: Used, caller: Caller, response: Response) -> CameraView:
    """One camera. `ETag` is the version of what is registered; what is measured is no part of it."""
    return await _view(used, camera_id, caller, response)


@router.put("/{camera_id}", responses=with_version(problem_responses(400, 404, 409, 412, 413, 422, 503)))
async def change_camera(
    camera_id: CameraIdInPath,
    change: CameraChange,
    used: Used,
    caller: Caller,
    response: Response,
    if_match: IfMatch = None,
) -> CameraView:
    """Change a camera; what is left out stays. A password sent back as `***` stays too.

    `motion_threshold` may be null, the detector's setting; null elsewhere is as if left out. With `If-Match` the change
    is made only if the camera still has that version.
    """
    update = change.model_dump(exclude_none=True) | change.model_dump(include={"motion_threshold"}, exclude_unset=True)
    if "url" in update:
        await check_url(used, update["url"])
    expected = expected_versions(if_match)
    for _ in range(CHANGE_ATTEMPTS):
        stored = await used.redis.hget(keys.CAMERAS, camera_id)
        camera = None if stored is None else parse_camera(as_bytes(stored))
        if stored is None or camera is None:
            raise HTTPException(404, f"no camera {camera_id!r} is registered, or its entry in Redis is unreadable")
        version = version_of(as_bytes(stored))
        if expected is not None and version not in expected:
            raise HTTPException(412, STALE)
        if change.url is not None:
            update["url"] = keep_credentials(change.url, camera.url)
            refuse_hidden(update["url"])
        outcome = await used.registration.change(camera.model_copy(update=update), version)
        if outcome == "done":
            return await _view(used, camera_id, caller, response)
        # Somebody else changed it in between: begin again from what they left.
    raise HTTPException(409, "others change this camera at the same moment; try again")


@router.delete("/{camera_id}", status_code=204, responses=problem_responses(404, 422, 503))
async def remove_camera(camera_id: CameraIdInPath, used: Used) -> Response:
    """Delete a camera, its spaces, its pictures and its history for good."""
    if await used.registration.delete(camera_id) == "missing":
        raise HTTPException(404, f"no camera {camera_id!r} is registered")
    used.hub.forget_picture(camera_id)  # the other gateways hear of it
    return Response(status_code=204)


@router.get(
    "/{camera_id}/spaces",
    response_model_exclude_none=True,
    responses=with_version(problem_responses(404, 422, 503)),
)
async def get_spaces(camera_id: KnownCamera, used: Used, response: Response) -> SpaceList:
    """The camera's parking spaces, and their version as `ETag`."""
    text = await used.redis.get(keys.spaces(camera_id))
    stored = None if text is None else as_bytes(text)
    response.headers["ETag"] = etag(version_of(stored))
    return SpaceList(spaces=read_spaces(stored))


@router.put(
    "/{camera_id}/spaces",
    response_model_exclude_none=True,
    responses=with_version(problem_responses(400, 404, 412, 413, 422, 503)),
)
async def set_spaces(
    camera_id: CameraIdInPath, spaces: SpaceList, used: Used, response: Response, if_match: IfMatch = None
) -> SpaceList:
    """Replace the camera's parking spaces; spaces that remain keep their state.

    A space that goes while it is free or occupied is closed by an event with the reason `space removed`. With
    `If-Match` nothing is replaced unless the spaces still have that version.
    """
    expected = expected_versions(if_match)
    outcome = await used.registration.set_spaces(camera_id, spaces.spaces, expected)
    if outcome == "missing":
        raise HTTPException(404, f"no camera {camera_id!r} is registered")
    if outcome == "stale":
        raise HTTPException(412, STALE)
    response.headers["ETag"] = etag(version_of(dump_spaces(spaces.spaces)))
    return spaces


async def check_url(used: Resources, url: str) -> None:
    """Refuse an address that no camera should have.

    Raises:
        HTTPException: 422; the text shows no password.
    """
    try:
        problem = url_problem(url, used.settings.camera_scheme_set) or await resolved_url_problem(url)
    except ValueError:
        problem = "is not a URL: host or port cannot be read"
    if problem is not None:
        raise HTTPException(422, f"url: {problem}")


def refuse_hidden(url: str) -> None:
    """Refuse an address with `***` where a password belongs, which no camera would take.

    Raises:
        HTTPException: 422.
    """
    if has_hidden_secret(url):
        raise HTTPException(422, "url: has *** in place of a password that is not known for this address; write it out")


async def _view(used: Resources, camera_id: str, caller: Caller, response: Response) -> CameraView:
    views = await used.views.load(caller, [camera_id])
    if not views:
        raise HTTPException(404, f"no camera {camera_id!r}")
    if views[0].version is not None:
        response.headers["ETag"] = etag(views[0].version)
    return views[0]
