"""What FastAPI cannot know of the API's description: shapes that no route returns, and who may do what."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from libs.common.live_messages import LIVE_MESSAGES, VIEWER_REQUESTS
from libs.common.messages import FrameMetadata, ViewerMessage
from services.gateway.api.models import BroadcastRequest
from services.gateway.problems import BRIDGE_PATHS, BridgeProblem, Problem, problem_responses
from services.gateway.security.rules import roles_for
from services.gateway.security.sessions import COOKIE

_SCHEMES: Final = {
    "token": {"type": "http", "scheme": "bearer", "description": "a token of GATEWAY_TOKENS"},
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "from the form at /login"},
}
_EXTRA_MODELS: Final = (ViewerMessage, FrameMetadata, Problem, BridgeProblem, BroadcastRequest, *LIVE_MESSAGES)
_REFUSALS: Final = {401: "Not logged in", 403: "Not allowed"}


def complete_openapi(app: FastAPI, *, login_required: bool) -> None:
    """Let `app.openapi()` return the whole description.

    Args:
        app: described.
        login_required: whether there are tokens; without any nobody is asked who he is, whatever he shows.
    """

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            models = [(model, "serialization") for model in _EXTRA_MODELS]
            models += [(model, "validation") for model in VIEWER_REQUESTS]
            _, extra = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
            document["components"]["schemas"] |= extra["$defs"]
            if login_required:
                document["components"]["securitySchemes"] = _SCHEMES
            for path, operations in document["paths"].items():
                for method, operation in operations.items():
                    _add_security(operation, method.upper(), path, login_required=login_required)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _add_security(operation: dict[str, Any], method: str, path: str, *, login_required: bool) -> None:
    roles = roles_for(method, path)
    refusals = _refusals(path)
    if roles is None or not login_required:
        operation["responses"].setdefault("403", refusals["403"])
        return
    operation["security"] = [{"token": []}, {"session": []}]
    operation["x-roles"] = sorted(roles)
    for status, response in refusals.items():
        operation["responses"].setdefault(status, response)


def _refusals(path: str) -> dict[str, Any]:
    if path not in BRIDGE_PATHS:
        return {str(status): response for status, response in problem_responses(401, 403).items()}
    schema = {"application/json": {"schema": {"$ref": "#/components/schemas/BridgeProblem"}}}
    return {str(status): {"description": text, "content": schema} for status, text in _REFUSALS.items()}
