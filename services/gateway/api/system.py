"""Liveness, readiness and metrics."""

from __future__ import annotations

import asyncio
from typing import Final

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from services.gateway.api.models import Health
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


@router.get("/metrics", response_class=Response)
async def get_metrics(used: Used) -> Response:
    """What the gateway counts, for Prometheus."""
    used.metrics.clock_skew.set((used.clock.skew_ms or 0) / 1000)
    return Response(used.metrics.as_text(), media_type=CONTENT_TYPE_LATEST)
