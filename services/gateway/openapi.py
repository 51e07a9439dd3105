"""`python -m services.gateway.openapi`: the API's description, from which the dashboard's types are generated."""

from __future__ import annotations

import json
import sys
from typing import Any

from services.gateway.app import create_app
from services.gateway.security.tokens import TokenSet
from services.gateway.settings import GatewaySettings


def openapi_json() -> str:
    """The OpenAPI document: indented, keys sorted, so that it differs only where the API does."""
    defaults: dict[str, Any] = {name: field.get_default() for name, field in GatewaySettings.model_fields.items()}
    tokens = TokenSet([("admin", "where one has to log in")])
    document = create_app(GatewaySettings.model_construct(**defaults), tokens).openapi()
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(openapi_json())
