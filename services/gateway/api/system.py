"""Liveness, readiness and metrics."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from services.gateway.api.models import Health
from services.gateway.problems import problem_responses
from services.gateway.resources import Used

router = APIRouter(tags=["system"])


@router.get("/healthz")
async def get_health() -> Health:
    """Whether the process answers."""
    return Health(status="ok")


@router.get("/readyz", responses=problem_responses(503))
async def get_readiness(used: Used) -> Health:
    """Whether Redis answers too."""
    async with asyncio.timeout(1.0):
        await used.redis.ping()
    return Health(status="ok")


@router.get("/metrics", response_class=Response)
async def get_metrics(used: Used) -> Response:
    """What the gateway counts, for Prometheus."""
    used.metrics.clock_skew.set((used.clock.skew_ms or 0) / 1000)
    return Response(used.metrics.as_text(), media_type=CONTENT_TYPE_LATEST)
