"""The gateway's application: routes, errors, and the parts that run beside them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.errors import ServerErrorMiddleware

from libs.common.bus import HashFields, connect, process_id
from libs.common.load import report_load
from libs.common.logging import get_logger
from libs.common.redis_clock import RedisClock
from libs.common.redis_memory import RedisMemoryWatch
from libs.common.system.drops import drops_to_text
from services.gateway.api import (
    bridge,
    cameras,
    discover,
    docs,
    live,
    login,
    media,
    occupancy,
    probe,
    proposals,
    system,
    viewer,
)
from services.gateway.body_limit import BodyLimit
from services.gateway.broadcasts import Broadcasts, UnregisteredLimits
from services.gateway.camera_views import CameraViews
from services.gateway.dashboard import Dashboard
from services.gateway.hub.hub import Hub
from services.gateway.kiosk import KioskEntry
from services.gateway.live.hub import LiveHub
from services.gateway.live.status_feed import StatusFeed
from services.gateway.metrics import GatewayMetrics
from services.gateway.openapi_document import complete_openapi
from services.gateway.presence import Presence
from services.gateway.problems import BROADCAST_PATH, install_problem_handlers, on_fault
from services.gateway.registration import Registration
from services.gateway.resources import Resources
from services.gateway.security.attempts import Attempts
from services.gateway.security.gate import Gate
from services.gateway.security.tokens import TokenSet
from services.gateway.serving.config import PARTS_GRACE_S
from services.gateway.serving.connections import ConnectionCounter
from services.gateway.settings import GatewaySettings
from services.gateway.shrinking import Shrinker
from services.gateway.small_pictures import SmallPictures

_log = get_logger("gateway")

TITLE = "Lotcast gateway"
ANSWER_TIMEOUT_S = 0.4
"""Redis is asked once more after that; whoever waits for us hears within a second that it is away."""


def create_app(settings: GatewaySettings, tokens: TokenSet) -> FastAPI:
    """The application; it connects to Redis when it starts and works, with 503s, while that is away.

    Args:
        settings: of the gateway; its tokens are not looked at.
        tokens: who may do what; without any, everybody may.
    """
    is_local = settings.is_loopback and not tokens and not settings.open

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        metrics = GatewayMetrics()
        redis = connect(
            settings.redis,
            answer_timeout_s=ANSWER_TIMEOUT_S,
            max_connections=64,
            on_round_trip=metrics.round_trips,
            on_failover=lambda: renew_subscriptions(),
        )
        subscriber = connect(settings.redis, answer_timeout_s=None, max_connections=4)
        clock, memory = RedisClock(redis), RedisMemoryWatch(redis)
        hub = Hub(redis, subscriber, metrics, clock)
        gateway_id = process_id("gateway")
        shrinker = Shrinker()
        live_hub = LiveHub(redis, subscriber, shrinker, metrics)
        presence = Presence(redis, (hub, live_hub), gateway_id, clock)
        broadcasts = Broadcasts(
            redis, presence, clock, UnregisteredLimits(settings.unregistered_max, settings.unregistered_max_bytes)
        )
        views = CameraViews(redis, presence, broadcasts, clock)
        status_feed = StatusFeed(views, live_hub, clock)
        hub.on_change = live_hub.on_change = presence.nudge

        def renew_subscriptions() -> None:
            hub.renew_subscription()
            live_hub.renew_subscription()

        def carried() -> HashFields:
            viewers = hub.viewer_count + live_hub.connection_count
            return {"viewers": viewers, "dropped": drops_to_text(metrics.frames.dropped())}

        app.state.resources = Resources(
            settings=settings,
            redis=redis,
            hub=hub,
            live=live_hub,
            small_pictures=SmallPictures(redis, live_hub, shrinker, clock),
            presence=presence,
            broadcasts=broadcasts,
            views=views,
            registration=Registration(redis),
            metrics=metrics,
            tokens=tokens,
            logins=Attempts(settings.logins_per_minute),
            clock=clock,
            memory=memory,
            viewers_by_address=ConnectionCounter(settings.connections_per_address, settings.trusted_proxy_list),
        )
        stop = asyncio.Event()
        services = (hub, live_hub, status_feed, presence, broadcasts, clock, memory)
        parts = [asyncio.create_task(part.run(stop)) for part in services]
        parts.append(asyncio.create_task(report_load(redis, "gateway", gateway_id, carried, clock, stop)))
        _log.info("gateway ready", gateway=gateway_id, host=settings.host, port=settings.port, roles=tokens.roles)
        if not tokens:
            who = "this machine" if is_local else "the network"
            _log.warning(f"no tokens are configured: everybody on {who} may watch and change things")
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait(parts, timeout=PARTS_GRACE_S)
            await redis.aclose()
            await subscriber.aclose()
            _log.info("gateway stopped")

    app = FastAPI(
        title=TITLE,
        version="1",
        lifespan=lifespan,
        description="Live pictures, occupancy and history of parking lots.",
        generate_unique_id_function=lambda route: route.name,
        docs_url=None,  # its page loads scripts from elsewhere, which our policy forbids; /docs is api/docs.py
        redoc_url=None,
    )
    app.router.routes += [*live.routes, *viewer.routes]
    for part in (bridge, cameras, probe, discover, proposals, occupancy, media, system):
        app.include_router(part.router)
    app.include_router(login.router)
    app.include_router(docs.router)
    install_problem_handlers(app)
    app.add_middleware(Dashboard, folder=settings.dashboard_dir)
    app.add_middleware(KioskEntry)
    # Base64 is four bytes for three; a quarter of a megabyte is left for the metadata.
    posted_max_bytes = settings.frame_max_bytes * 4 // 3 + 262_144
    app.add_middleware(BodyLimit, by_path={BROADCAST_PATH: posted_max_bytes, login.PATH: login.FORM_MAX_BYTES})
    # Starlette's own answer to a fault comes from outside the gate, which would not see it.
    app.add_middleware(ServerErrorMiddleware, handler=on_fault)
    app.add_middleware(Gate, tokens=tokens, allowed_origins=settings.allowed_origin_set, is_local=is_local)
    complete_openapi(app, login_required=bool(tokens))
    _prepare_routes(app)
    return app


def _prepare_routes(app: FastAPI) -> None:
    """Have FastAPI work out the routes now: at the first request, all viewers would wait 0.2 s for it."""
    for route in app.router.routes:
        route.matches({"type": "websocket", "path": "/", "root_path": "", "headers": []})
