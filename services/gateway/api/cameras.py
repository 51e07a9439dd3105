"""Cameras and their spaces: what there is, and how it is changed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Path, Response

from libs.common import keys
from libs.common.bus import as_bytes
from libs.common.cameras import CAMERA_ID_PATTERN, Camera, keep_credentials
from libs.common.spaces import SpaceList, dump_spaces
from services.gateway.api.models import CameraChange, CameraListing, CameraView, NewCamera
from services.gateway.camera_views import load_camera, load_views, safe_spaces
from services.gateway.problems import problem_responses
from services.gateway.resources import Resources, Used
from services.gateway.security.camera_urls import resolved_url_problem, url_problem

router = APIRouter(prefix="/api/cameras", tags=["cameras"])

CameraIdInPath = Annotated[str, Path(pattern=CAMERA_ID_PATTERN, description="the camera's id")]


async def _known_camera(camera_id: CameraIdInPath, used: Used) -> str:
    pipe = used.redis.pipeline(transaction=False)
    pipe.hexists(keys.CAMERAS, camera_id)
    pipe.zscore(keys.BROADCASTERS, camera_id)
    is_registered, broadcast_at = await pipe.execute()
    if not is_registered and broadcast_at is None:
        raise HTTPException(404, f"no camera {camera_id!r}")
    return camera_id


KnownCamera = Annotated[str, Depends(_known_camera)]
"""A route's parameter: the id of a camera that is registered or broadcast; others are answered with 404."""


@router.get("", responses=problem_responses(503))
async def list_cameras(used: Used) -> CameraListing:
    """All cameras that are registered, and those that workers broadcast."""
    return CameraListing(cameras=await load_views(used.redis, used.presence))


@router.post("", status_code=201, responses=problem_responses(400, 409, 413, 422, 503))
async def add_camera(new: NewCamera, used: Used) -> CameraView:
    """Register a camera; ingest begins to read it within two seconds."""
    await check_url(used, new.url)
    camera = Camera(**new.model_dump())
    if not await used.redis.hsetnx(keys.CAMERAS, camera.id, camera.model_dump_json()):
        raise HTTPException(409, f"id: there is a camera {camera.id!r} already")
    return await _view(used, camera.id)


@router.get("/{camera_id}", responses=problem_responses(404, 422, 503))
async def get_camera(camera_id: CameraIdInPath, used: Used) -> CameraView:
    """One camera."""
    return await _view(used, camera_id)


@router.put("/{camera_id}", responses=problem_responses(400, 404, 413, 422, 503))
async def change_camera(camera_id: CameraIdInPath, change: CameraChange, used: Used) -> CameraView:
    """Change a camera; what is left out stays. A password sent back as `***` stays too.

    `motion_threshold` may be null, the detector's setting; null elsewhere is as if left out.
    """
    camera = await _registered(used, camera_id)
    update = change.model_dump(exclude_none=True) | change.model_dump(include={"motion_threshold"}, exclude_unset=True)
    if "url" in update:
        await check_url(used, update["url"])
        update["url"] = keep_credentials(update["url"], camera.url)
    changed = camera.model_copy(update=update)
    await used.redis.hset(keys.CAMERAS, camera_id, changed.model_dump_json())
    return await _view(used, camera_id)


@router.delete("/{camera_id}", status_code=204, responses=problem_responses(404, 422, 503))
async def remove_camera(camera_id: CameraIdInPath, used: Used) -> Response:
    """Forget a camera, its spaces, its occupancy and its history."""
    if not await used.redis.hdel(keys.CAMERAS, camera_id):
        raise HTTPException(404, f"no camera {camera_id!r} is registered")
    await used.redis.delete(*keys.of_camera(camera_id))
    await used.redis.zrem(keys.BROADCASTERS, camera_id)
    return Response(status_code=204)


@router.get("/{camera_id}/spaces", response_model_exclude_none=True, responses=problem_responses(404, 422, 503))
async def get_spaces(camera_id: KnownCamera, used: Used) -> SpaceList:
    """The camera's parking spaces."""
    text = await used.redis.get(keys.spaces(camera_id))
    return SpaceList(spaces=safe_spaces(None if text is None else as_bytes(text)))


@router.put(
    "/{camera_id}/spaces", response_model_exclude_none=True, responses=problem_responses(400, 404, 413, 422, 503)
)
async def set_spaces(camera_id: CameraIdInPath, spaces: SpaceList, used: Used) -> SpaceList:
    """Replace the camera's parking spaces; spaces that remain keep their state."""
    await _registered(used, camera_id)
    await used.redis.set(keys.spaces(camera_id), dump_spaces(spaces.spaces))
    gone = set(await used.redis.hkeys(keys.occupancy(camera_id))) - {one.space_id.encode() for one in spaces.spaces}
    if gone:
        await used.redis.hdel(keys.occupancy(camera_id), *gone)
    return spaces


async def check_url(used: Resources, url: str) -> None:
    """Refuse an address that no camera should have.

    Raises:
        HTTPException: 422; the text shows no password.
    """
    problem = url_problem(url, used.settings.camera_scheme_set) or await resolved_url_problem(url)
    if problem is not None:
        raise HTTPException(422, f"url: {problem}")


async def _registered(used: Resources, camera_id: str) -> Camera:
    camera = await load_camera(used.redis, camera_id)
    if camera is None:
        raise HTTPException(404, f"no camera {camera_id!r} is registered")
    return camera


async def _view(used: Resources, camera_id: str) -> CameraView:
    views = await load_views(used.redis, used.presence, [camera_id])
    if not views:
        raise HTTPException(404, f"no camera {camera_id!r}")
    return views[0]
