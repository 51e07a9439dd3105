"""What the routes use, made once a process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from redis.asyncio import Redis
from starlette.requests import HTTPConnection

from libs.common.redis_clock import RedisClock
from libs.common.redis_memory import RedisMemoryWatch
from services.gateway.broadcasts import Broadcasts
from services.gateway.camera_views import CameraViews
from services.gateway.hub.hub import Hub
from services.gateway.live.hub import LiveHub
from services.gateway.metrics import REFUSED, GatewayMetrics
from services.gateway.presence import Presence
from services.gateway.registration import Registration
from services.gateway.security.attempts import Attempts
from services.gateway.security.gate import ROLE
from services.gateway.security.tokens import Role, TokenSet
from services.gateway.serving.connections import ConnectionCounter
from services.gateway.settings import GatewaySettings
from services.gateway.small_pictures import SmallPictures


@dataclass(frozen=True, slots=True)
class Resources:
    """The parts of a running gateway."""

    settings: GatewaySettings
    redis: Redis
    hub: Hub
    live: LiveHub
    small_pictures: SmallPictures
    presence: Presence
    broadcasts: Broadcasts
    views: CameraViews
    registration: Registration
    metrics: GatewayMetrics
    tokens: TokenSet
    logins: Attempts
    clock: RedisClock
    memory: RedisMemoryWatch
    viewers_by_address: ConnectionCounter

    def refuse_viewer(self, address: str | None) -> str | None:
        """Why one more viewer at an address is refused, which is counted; None if there is room."""
        if self.hub.viewer_count + self.live.connection_count >= self.settings.viewers_max:
            limit = "gateway"
        elif not self.viewers_by_address.has_room(address):
            limit = "address"
        else:
            return None
        self.metrics.viewers_refused[limit].inc()
        return REFUSED[limit]


def resources_of(connection: HTTPConnection) -> Resources:
    """What the route of a connection uses."""
    found: Resources = connection.app.state.resources
    return found


async def _resources(connection: HTTPConnection) -> Resources:  # FastAPI runs a plain function in a thread
    return resources_of(connection)


Used = Annotated[Resources, Depends(_resources)]
"""A route's parameter that gets the gateway's resources."""


async def _role(connection: HTTPConnection) -> Role | None:
    return getattr(connection.state, ROLE)  # type: ignore[no-any-return]


Caller = Annotated[Role | None, Depends(_role)]
"""A route's parameter: the caller's role; an admin's where nobody has to log in."""
