"""Errors as answers: `application/problem+json` (RFC 9457), but the bridge keeps the form that its workers know."""

from __future__ import annotations

import re
import time
from typing import Annotated, Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from libs.common.errors import BusUnavailable
from libs.common.logging import get_logger
from libs.common.redis_errors import RedisFault, classify, describe, explain
from libs.common.secrets import mask_secrets
from libs.common.validation import describe_errors

_log = get_logger("problems")

BROADCAST_PATH: Final = "/api/broadcast-detection"
BRIDGE_PATHS: Final = frozenset({BROADCAST_PATH, "/api/broadcast-status"})
RETRY_AFTER_S: Final = 1
"""Told where waiting helps: Redis is away or failing over. One that is full, or refuses us, needs an operator."""
TOLD_EVERY_S: Final = 10.0
"""How often the log has a line about Redis's errors of one kind, however many requests meet them."""
TOLD_MAX: Final = 100
"""Kinds of errors that are remembered for that."""


class Problem(BaseModel):
    """What went wrong (RFC 9457)."""

    title: str
    status: int
    detail: Annotated[str, Field(description="for people: what is wrong and what to do")]


class BridgeProblem(BaseModel):
    """What went wrong, in the bridge's form."""

    detail: Any


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The OpenAPI entries of a route's errors."""
    return {
        status: {
            "description": _TITLES[status],
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


_TITLES: Final = {
    400: "Not valid",
    401: "Not logged in",
    403: "Not allowed",
    404: "Not found",
    405: "No such method",
    408: "Too slow",
    409: "Conflict",
    412: "Changed meanwhile",
    413: "Too large",
    422: "Not valid",
    429: "Too many",
    500: "A fault of the gateway",
    503: "Not available",
}


class _MaskedResponse(JSONResponse):
    """An answer that shows no secret, whatever the error that it tells of may hold."""

    def render(self, content: Any) -> bytes:
        return mask_secrets(super().render(content).decode()).encode()


def error_response(path: str, status: int, detail: Any, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error as the answer to a request for `path`: the bridge's routes have a form of their own."""
    if path in BRIDGE_PATHS:
        return _MaskedResponse({"detail": detail}, status, headers)
    return problem_response(status, detail if isinstance(detail, str) else str(detail), headers)


def problem_response(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error as an answer."""
    body = {"title": _TITLES.get(status, "Error"), "status": status, "detail": detail}
    return _MaskedResponse(body, status, headers, media_type="application/problem+json")


def install_problem_handlers(app: FastAPI) -> None:
    """Turn every error into an answer; nothing of the inside reaches a client."""

    @app.exception_handler(HTTPException)
    async def on_http_error(request: Request, error: HTTPException) -> JSONResponse:
        headers = dict(error.headers or {})
        if error.status_code == 405:
            headers["Allow"] = ", ".join(_methods_at(app, request.url.path))
        return error_response(request.url.path, error.status_code, error.detail, headers)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        if request.url.path in BRIDGE_PATHS:
            rows = [{"loc": row["loc"], "msg": row["msg"], "type": row["type"]} for row in error.errors()]
            return error_response(request.url.path, 422, rows)
        return error_response(request.url.path, 422, describe_errors(error.errors(), whole="body"))

    told_s: dict[str, float] = {}

    async def on_redis_error(request: Request, error: Exception) -> JSONResponse:
        fault, now_s = classify(error), time.monotonic()
        problem = describe(error) if fault is RedisFault.OURS else fault.value
        if now_s - told_s.get(problem, float("-inf")) >= TOLD_EVERY_S:  # not once for each viewer that asks
            if len(told_s) >= TOLD_MAX:
                told_s.clear()
            told_s[problem] = now_s
            if fault is RedisFault.OURS:
                _log.error(f"{describe(error)}; answered 500", path=request.url.path, exc_info=error)
            else:
                _log.warning(f"{describe(error)}; answered 503", path=request.url.path, redis=fault.value)
        if fault is RedisFault.OURS:
            return await on_fault(request, error)
        headers = {"Retry-After": str(RETRY_AFTER_S)} if fault.waiting_helps else None
        return error_response(request.url.path, 503, explain(error), headers)

    @app.exception_handler(ClientDisconnect)
    async def on_gone(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=400)  # for nobody: the client left in the middle of its request

    for kind in (RedisError, BusUnavailable, ConnectionError, TimeoutError):
        app.add_exception_handler(kind, on_redis_error)


async def on_fault(request: Request, error: Exception) -> JSONResponse:
    """The answer to a request that failed by our own mistake; the server logs it with its trace."""
    return error_response(request.url.path, 500, "the gateway made a mistake; its log says more")


def _methods_at(app: FastAPI, path: str) -> list[str]:
    """The methods of a path, of all its routes; Starlette's own answer knows the first route's only."""
    found: set[str] = set()
    paths = app.openapi()["paths"]
    if path in paths:  # as OpenAPI has it, what is written out comes before what has a variable
        return sorted(method.upper() for method in paths[path])
    for template, operations in paths.items():
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), path):
            found.update(method.upper() for method in operations)
    return sorted(found)
