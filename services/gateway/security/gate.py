"""The gate before every route: Host, Origin, rights; and the headers that every answer carries."""

from __future__ import annotations

import base64
import binascii
import time
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.gateway.problems import error_response
from services.gateway.security.rules import MONITORED, SAFE_METHODS, is_loopback_host, is_origin_allowed, roles_for
from services.gateway.security.sessions import COOKIE, read_session
from services.gateway.security.tokens import Role, TokenSet

ROLE: Final = "lotcast_role"
"""Where a scope's `state` holds the caller's role; None if it has shown nothing."""

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, DELETE",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match",
    "Access-Control-Max-Age": "600",
}


class Gate:
    """ASGI middleware; the only place where rights are checked."""

    def __init__(self, app: ASGIApp, tokens: TokenSet, allowed_origins: frozenset[str], *, is_local: bool) -> None:
        """Guard `app`.

        Args:
            app: what is guarded.
            tokens: without any, everybody who gets this far is an admin.
            allowed_origins: origins beside our own.
            is_local: whether only requests that name this machine as their host are served.
        """
        self._app = app
        self._tokens = tokens
        self._allowed_origins = allowed_origins
        self._is_local = is_local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")

        async def decorated_send(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                self._decorate(MutableHeaders(scope=message), scope["path"], origin)
            await send(message)

        answer = self._answer(scope, headers, origin)
        if answer is None:
            await self._app(scope, receive, decorated_send)
        else:
            await answer(scope, receive, decorated_send)

    def _answer(self, scope: Scope, headers: Headers, origin: str | None) -> Response | None:
        """The answer to a request that is not passed on."""
        path, method = scope["path"], scope.get("method", "GET")
        host = headers.get("host", "")
        if self._is_local and path not in MONITORED and not is_loopback_host(host):
            text = f"Host {host[:80]!r} is not this machine; without GATEWAY_TOKENS or GATEWAY_OPEN only it is served"
            return error_response(path, 403, text)
        if origin is not None:
            is_preflight = method == "OPTIONS" and "access-control-request-method" in headers
            is_checked = is_preflight or scope["type"] == "websocket" or method not in SAFE_METHODS
            is_tls = scope["scheme"] in ("https", "wss")
            if is_checked and not is_origin_allowed(origin, host, self._allowed_origins, is_tls=is_tls):
                text = f"Origin {origin[:80]!r} may not do this; GATEWAY_ALLOWED_ORIGINS lists those that may"
                return error_response(path, 403, text)
            if is_preflight:
                return Response(status_code=204, headers=_PREFLIGHT)
        role, from_cookie = self._role(headers)
        scope.setdefault("state", {})[ROLE] = role
        needed = roles_for(method, path)
        if needed is None or role in needed:
            # A browser says from where it changes things; SameSite is not all that we rely on.
            if from_cookie and origin is None and method not in SAFE_METHODS:
                return error_response(path, 403, "with a session, changes need the Origin header that browsers send")
            return None
        if role is None:
            text = "log in, or send a token: Authorization: Bearer …"
            return error_response(path, 401, text, {"WWW-Authenticate": 'Bearer realm="lotcast"'})
        return error_response(path, 403, f"a {role} may not do this; it takes {' or '.join(sorted(needed))}")

    def _role(self, headers: Headers) -> tuple[Role | None, bool]:
        """The caller's role, and whether a cookie gave it."""
        if not self._tokens:
            return "admin", False
        authorization = headers.get("authorization")
        if authorization is not None:
            token = _token_in(authorization)
            grant = None if token is None else self._tokens.grant_of(token)
            return (None if grant is None else grant.role), False
        # Cookies of other programs on this host come, too; `SimpleCookie` would drop all for one that it cannot read.
        session = cookie_parser(headers.get("cookie", "")).get(COOKIE)
        role = None if session is None else read_session(session, time.time(), self._tokens.grants)
        return role, role is not None

    def _decorate(self, headers: MutableHeaders, path: str, origin: str | None) -> None:
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        headers.setdefault("Cross-Origin-Resource-Policy", "cross-origin" if self._allowed_origins else "same-origin")
        if path.startswith("/api/"):
            headers.setdefault("Cache-Control", "no-store")
        if self._allowed_origins:
            headers.add_vary_header("Origin")
        if origin is not None and origin in self._allowed_origins:
            headers["Access-Control-Allow-Origin"] = origin
            headers["Access-Control-Allow-Credentials"] = "true"
            headers["Access-Control-Expose-Headers"] = "ETag, Retry-After"


def _token_in(authorization: str) -> str | None:
    """The token in an Authorization header; a worker that knows only URLs brings it as `http://worker:TOKEN@host`."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value.strip(), validate=True).decode("utf-8").partition(":")[2]
    except (binascii.Error, ValueError):
        return None
