"""uvicorn's configuration, with what our protocols need beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import uvicorn

from services.gateway.serving.connections import ConnectionCounter
from services.gateway.serving.http_protocol import GatewayHttpProtocol
from services.gateway.serving.viewer_protocol import ViewerProtocol
from services.gateway.settings import GatewaySettings

GRACE_S: Final = 3
"""How long uvicorn waits for connections at a stop; ours are gone before (`serving.server`)."""
PARTS_GRACE_S: Final = 3.0
"""How long a stop waits for the parts that run beside the routes."""
VIEWER_MESSAGE_MAX_BYTES: Final = 4096
"""Viewers send `ping` and little else."""


class GatewayConfig(uvicorn.Config):
    """A configuration that carries the connection limits to the protocols, which uvicorn makes.

    Attributes:
        connections: counts those of this process.
        head_max_bytes: request line and headers together.
    """

    def __init__(self, settings: GatewaySettings, make_app: Callable[[], Any]) -> None:
        self.connections = ConnectionCounter(settings.connections_per_address, settings.trusted_proxy_list)
        self.head_max_bytes = settings.head_max_bytes
        super().__init__(
            make_app,
            factory=True,
            interface="asgi3",
            loop="uvloop",
            http=GatewayHttpProtocol,
            ws=ViewerProtocol,
            ws_per_message_deflate=False,  # pictures do not compress; deflate costs milliseconds a frame and viewer
            ws_max_size=VIEWER_MESSAGE_MAX_BYTES,
            ws_ping_interval=settings.ping_interval_s,
            ws_ping_timeout=settings.ping_timeout_s,
            timeout_graceful_shutdown=GRACE_S,
            proxy_headers=True,
            forwarded_allow_ips=list(settings.trusted_proxy_list),
            server_header=False,
            access_log=False,
            log_config=None,
            backlog=2048,
        )
