"""Liveness, readiness, metrics, and what runs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from libs.common import keys
from libs.common.bus import as_text
from libs.common.system.drops import Drop
from libs.common.system.reading import ROLES, ProcessReading, Reading, read_system
from services.gateway.api.models import CameraOwners, DropView, Health, ProcessView, RedisView, SystemView
from services.gateway.problems import problem_responses
from services.gateway.resources import Used

router = APIRouter(tags=["system"])

READY_WITHIN_S: Final = 1.0


@router.get("/healthz")
async def get_health() -> Health:
    """Whether the process answers."""
    return Health(status="ok")


@router.get("/readyz", responses=problem_responses(503))
async def get_readiness(used: Used) -> Health:
    """Whether Redis takes our heartbeats, so that viewers can be served; `degraded`: yes, but something does not work.

    A full Redis is `degraded`, not 503: pictures go on, and a balancer must not take them from the viewers.
    """
    async with asyncio.timeout(READY_WITHIN_S):
        await used.presence.membership.beat()
    problems = [problem for problem in (used.memory.problem(), used.clock.skew_problem()) if problem]
    return Health(status="degraded" if problems else "ok", detail="; ".join(problems))


@router.get("/api/system", responses=problem_responses(503))
async def get_system(used: Used) -> SystemView:
    """What runs and where, who holds which camera, and where frames are lost; for admins.

    Reads what `lotcast status` reads, of the registered cameras and of those that workers broadcast.
    """
    registered = [as_text(camera_id) for camera_id in await used.redis.hkeys(keys.CAMERAS)]
    return _show(await read_system(used.redis, registered))


def _show(reading: Reading) -> SystemView:
    running = {process.role for process in reading.processes}
    return SystemView(
        at=reading.at_ms / 1000,
        processes=[_show_process(process) for process in reading.processes],
        missing=[role for role in ROLES if role not in running],
        cameras=[
            CameraOwners(
                id=camera.camera_id,
                ingest=camera.ingest,
                detector=camera.detector,
                latency_ms=camera.latency_ms,
                lag=camera.lag,
                dropped=_show_drops(camera.dropped),
            )
            for camera in reading.cameras
        ],
        redis=RedisView(
            version=reading.redis.version,
            used_bytes=reading.redis.memory_bytes,
            limit_bytes=reading.redis.memory_max_bytes,
            level=reading.redis.level,
            save_failed=reading.redis.save_failed,
            clients=reading.redis.clients,
            commands_per_s=reading.redis.commands_per_s,
        ),
    )


def _show_process(process: ProcessReading) -> ProcessView:
    return ProcessView(
        role=process.role,
        id=process.name,
        host=process.host,
        version=process.version,
        heartbeat_age_s=process.heartbeat_age_s,
        clock_skew_ms=process.clock_skew_ms,
        up_s=process.up_s,
        cpu_cores=process.cpu_cores,
        memory_bytes=process.memory_bytes,
        cameras=process.cameras,
        viewers=process.viewers,
        dropped=_show_drops(process.dropped),
    )


def _show_drops(drops: Sequence[Drop]) -> list[DropView]:
    return [DropView(where=drop.where, cause=drop.cause, frames=drop.frames) for drop in drops]


@router.get("/metrics", response_class=Response)
async def get_metrics(used: Used) -> Response:
    """What the gateway counts, for Prometheus."""
    used.metrics.clock_skew.set((used.clock.skew_ms or 0) / 1000)
    return Response(used.metrics.as_text(), media_type=CONTENT_TYPE_LATEST)
