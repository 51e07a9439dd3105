"""A kiosk's way in: `/?kiosk&token=…`, typed or set up once, is traded for a session and leaves the address bar."""

from __future__ import annotations

import time
from typing import Final
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from libs.common.logging import get_logger
from services.gateway.api.login import local_address, login_page, start_session, too_many_attempts
from services.gateway.dashboard import is_page
from services.gateway.resources import Resources
from services.gateway.serving.connections import counted_as

_log = get_logger("kiosk")

_TOKEN: Final = "token="


class KioskEntry:
    """ASGI middleware before the dashboard's pages.

    The answer leads to the same address without the token: neither the browser's history nor a `Referer` has it then.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Trade a token in a page's address, or pass the request on."""
        is_asked = scope["type"] == "http" and scope["method"] == "GET" and is_page(scope["path"])
        parts = scope["query_string"].decode("latin-1").split("&") if is_asked else []
        if any(part.startswith(_TOKEN) for part in parts):
            await _trade(Request(scope), parts)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _trade(request: Request, parts: list[str]) -> Response:
    used: Resources = request.app.state.resources
    rest = "&".join(part for part in parts if not part.startswith(_TOKEN))
    leads_to = local_address(quote(request.scope["path"]) + (f"?{rest}" if rest else ""))
    if not used.tokens:
        return RedirectResponse(leads_to, 303)  # nobody has to log in
    address = request.client.host if request.client else ""
    if not used.logins.allow(counted_as(address), time.monotonic()):
        return too_many_attempts(request, leads_to)
    shown = next(part for part in parts if part.startswith(_TOKEN))
    grant = used.tokens.grant_of(unquote(shown.removeprefix(_TOKEN)).strip())
    if grant is None:
        _log.warning("kiosk refused: unknown token", address=address)
        return login_page(request, leads_to, "unknown", 401)
    if grant.role != "kiosk":
        # Addresses are kept in histories and proxies' logs; what may do more than watch does not belong there.
        _log.warning(f"kiosk refused: a {grant.role}'s token in an address", address=address)
        return login_page(request, leads_to, "not_in_addresses", 403)
    _log.info("a kiosk has logged in", address=address)
    return start_session(request, grant, used.settings.session_hours, leads_to)
