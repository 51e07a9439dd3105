"""`python -m services.gateway`: settings → application → server."""

from __future__ import annotations

import asyncio
import os
import sys
from functools import partial

from pydantic import SecretStr

from libs.common.bus import check_access
from libs.common.errors import BusUnavailable, ConfigurationError
from libs.common.logging import configure_logging, get_logger
from libs.common.settings import read_settings
from services.gateway.app import create_app
from services.gateway.serving.server import serve
from services.gateway.settings import GatewaySettings

_log = get_logger("gateway")


def main() -> int:
    """Entry point; returns the exit code."""
    settings = read_settings(GatewaySettings, "python -m services.gateway")
    configure_logging(settings, "gateway")
    try:
        tokens = settings.load_tokens()
        settings.check_exposure(tokens)
        # From here on we know the hashes only, and workers inherit no token. (What the kernel shows of the environment
        # that we were started with stays as it was, to this user; a file is better.)
        os.environ.pop("GATEWAY_TOKENS", None)
        settings = settings.model_copy(update={"tokens": SecretStr("")})
        asyncio.run(check_access(settings.redis))
        return serve(settings, partial(create_app, tokens=tokens))
    except ConfigurationError as error:
        _log.error("gateway cannot start", problem=str(error))
        return 2
    except BusUnavailable as error:
        _log.error("gateway cannot run", problem=str(error))
        return 1


if __name__ == "__main__":
    sys.exit(main())
