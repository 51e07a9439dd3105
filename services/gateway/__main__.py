"""`python -m services.gateway`: settings → application → server."""

from __future__ import annotations

import signal
import sys

import uvicorn

from libs.common.errors import ConfigurationError
from libs.common.logging import configure_logging, get_logger
from libs.common.settings import read_settings
from services.gateway.app import create_app
from services.gateway.settings import GatewaySettings

_log = get_logger("gateway")

GRACE_S = 3


def main() -> int:
    """Entry point; returns the exit code."""
    settings = read_settings(GatewaySettings, "python -m services.gateway")
    configure_logging(settings, "gateway")
    try:
        settings.check_exposure()
    except ConfigurationError as error:
        _log.error("gateway cannot start", problem=str(error))
        return 2
    config = uvicorn.Config(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_per_message_deflate=False,  # pictures do not compress; deflate costs milliseconds a frame and viewer
        ws_max_size=65_536,  # viewers send `ping` and little else
        timeout_graceful_shutdown=GRACE_S,
        server_header=False,
        access_log=False,
        log_config=None,
    )
    server = uvicorn.Server(config)
    # When it has stopped, uvicorn raises the signal again that stopped it; by then the stop has been clean.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    server.run()
    return 0 if server.started else 1


if __name__ == "__main__":
    sys.exit(main())
