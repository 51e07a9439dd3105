"""`python -m services.gateway.asyncapi`: `/ws/viewer/live` in AsyncAPI 3, made from the message models."""

from __future__ import annotations

import json
import sys
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from libs.common.live_messages import LIVE_MESSAGES, VIEWER_REQUESTS

_CHANNEL: Final = "live"
_ABOUT: Final = (
    "Many cameras on one connection. The viewer sends requests as JSON text and gets messages as msgpack in binary "
    "WebSocket messages, whose shapes are those of the schemas (`jpeg` and `states` are byte strings). One picture is "
    "on its way at a time: the next one, of whichever camera has waited longest, is sent when the viewer has sent "
    "`ack`. Of each camera only the newest frame waits. A viewer that has not acknowledged for 3 s gets nothing until "
    "it does, and is closed with 1013 after a minute. The text `ping` is answered with the text `pong`, and the text "
    "`keepalive` is sent after 30 s of silence of the viewer; one that says nothing for 30 s more, not even `ping`, is "
    "closed with 1013."
)


def asyncapi_document() -> dict[str, Any]:
    """The AsyncAPI document as plain values."""
    models = [(model, "validation") for model in VIEWER_REQUESTS] + [
        (model, "serialization") for model in LIVE_MESSAGES
    ]
    _, schemas = models_json_schema(models, ref_template="#/components/schemas/{model}")  # type: ignore[arg-type]
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Lotcast live viewers", "version": "1", "description": _ABOUT},
        "defaultContentType": "application/msgpack",
        "channels": {
            _CHANNEL: {
                "address": "/ws/viewer/live",
                "messages": {model.__name__: _message_ref(model) for model in (*VIEWER_REQUESTS, *LIVE_MESSAGES)},
            }
        },
        "operations": {
            "request": _operation("receive", VIEWER_REQUESTS),
            "tell": _operation("send", LIVE_MESSAGES),
        },
        "components": {
            "messages": {
                **{model.__name__: _message(model, "application/json") for model in VIEWER_REQUESTS},
                **{model.__name__: _message(model, "application/msgpack") for model in LIVE_MESSAGES},
            },
            "schemas": schemas["$defs"],
        },
    }


def asyncapi_json() -> str:
    """The document as text: indented, keys sorted, so that it differs only where the messages do."""
    return json.dumps(asyncapi_document(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _message_ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": f"#/components/messages/{model.__name__}"}


def _message(model: type[BaseModel], content_type: str) -> dict[str, Any]:
    return {
        "name": model.__name__,
        "summary": (model.__doc__ or "").strip(),
        "contentType": content_type,
        "payload": {"$ref": f"#/components/schemas/{model.__name__}"},
    }


def _operation(action: str, models: tuple[type[BaseModel], ...]) -> dict[str, Any]:
    channel = {"$ref": f"#/channels/{_CHANNEL}"}
    messages = [{"$ref": f"#/channels/{_CHANNEL}/messages/{model.__name__}"} for model in models]
    return {"action": action, "channel": channel, "messages": messages}


if __name__ == "__main__":
    sys.stdout.write(asyncapi_json())
