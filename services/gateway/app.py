"""The gateway's application: routes, errors, and the parts that run beside them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from libs.common.bus import connect, process_id
from libs.common.logging import get_logger
from libs.common.messages import FrameMetadata, ViewerMessage
from services.gateway.api import bridge, cameras, media, occupancy, system, viewer
from services.gateway.body_limit import BodyLimit
from services.gateway.broadcasts import Broadcasts
from services.gateway.dashboard import install_dashboard
from services.gateway.hub.hub import Hub
from services.gateway.metrics import GatewayMetrics
from services.gateway.presence import Presence
from services.gateway.problems import Problem, install_problem_handlers
from services.gateway.resources import Resources
from services.gateway.settings import GatewaySettings

_log = get_logger("gateway")

TITLE = "Lotcast gateway"
ANSWER_TIMEOUT_S = 0.8


def create_app(settings: GatewaySettings) -> FastAPI:
    """The application; it connects to Redis when it starts and works, with 503s, while that is away."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        redis = connect(settings.redis_url, answer_timeout_s=ANSWER_TIMEOUT_S, max_connections=64)
        subscriber = connect(settings.redis_url, answer_timeout_s=None, max_connections=2)
        metrics = GatewayMetrics()
        hub = Hub(redis, subscriber, metrics)
        gateway_id = process_id("gateway")
        presence = Presence(redis, hub, gateway_id)
        hub.on_change = presence.nudge
        app.state.resources = Resources(settings, redis, hub, presence, Broadcasts(redis, presence), metrics)
        stop = asyncio.Event()
        parts = [asyncio.create_task(hub.run(stop)), asyncio.create_task(presence.run(stop))]
        _log.info("gateway ready", gateway=gateway_id, host=settings.host, port=settings.port)
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait(parts, timeout=3.0)
            await redis.aclose()
            await subscriber.aclose()
            _log.info("gateway stopped")

    app = FastAPI(
        title=TITLE,
        version="1",
        lifespan=lifespan,
        description="Live pictures, occupancy and history of parking lots.",
        generate_unique_id_function=lambda route: route.name,
        docs_url=None,  # its page loads scripts from elsewhere, which the content security policy forbids
        redoc_url=None,
    )
    for part in (bridge, cameras, occupancy, media, system):
        app.include_router(part.router)
    app.include_router(viewer.router)
    install_problem_handlers(app)
    install_dashboard(app, settings.dashboard_dir)
    # Base64 is four bytes for three; a quarter of a megabyte is left for the metadata.
    app.add_middleware(BodyLimit, max_bytes=settings.frame_max_bytes * 4 // 3 + 262_144)
    _complete_openapi(app)
    return app


def _complete_openapi(app: FastAPI) -> None:
    """Add the shapes that no route returns but that clients need: WebSocket messages and problems."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            models = [(model, "serialization") for model in (ViewerMessage, FrameMetadata, Problem)]
            _, extra = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
            document["components"]["schemas"] |= extra["$defs"]
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
