"""What the routes use, made once a process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends
from redis.asyncio import Redis
from starlette.requests import HTTPConnection

from services.gateway.broadcasts import Broadcasts
from services.gateway.hub.hub import Hub
from services.gateway.metrics import GatewayMetrics
from services.gateway.presence import Presence
from services.gateway.security.attempts import Attempts
from services.gateway.security.tokens import TokenSet
from services.gateway.serving.connections import ConnectionCounter
from services.gateway.settings import GatewaySettings


@dataclass(frozen=True, slots=True)
class Resources:
    """The parts of a running gateway."""

    settings: GatewaySettings
    redis: Redis
    hub: Hub
    presence: Presence
    broadcasts: Broadcasts
    metrics: GatewayMetrics
    tokens: TokenSet
    logins: Attempts
    viewers_by_address: ConnectionCounter


def _resources(connection: HTTPConnection) -> Resources:
    found: Resources = connection.app.state.resources
    return found


Used = Annotated[Resources, Depends(_resources)]
"""A route's parameter that gets the gateway's resources."""
