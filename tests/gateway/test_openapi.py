"""The API's description is complete: the dashboard's types are generated from it."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path

from services.gateway.api.docs import docs_page
from services.gateway.openapi import openapi_json
from tests.support.processes import running_gateway


def test_every_operation_is_described() -> None:
    document = json.loads(openapi_json())
    operations = [
        operation
        for path in document["paths"].values()
        for method, operation in path.items()
        if method in ("get", "post", "put", "delete")
    ]
    assert len({operation["operationId"] for operation in operations}) == len(operations) >= 17
    for operation in operations:
        assert operation["tags"], operation["operationId"]
        assert operation["summary"]
        assert operation["description"]


def test_what_goes_over_the_websocket_is_described_too() -> None:
    schemas = json.loads(openapi_json())["components"]["schemas"]
    assert set(schemas["ViewerMessage"]["properties"]) == {
        "v", "type", "camera_id", "frame", "metadata", "frame_count", "timestamp",
    }  # fmt: skip
    assert {"vehicle_count", "space_occupancy", "timings"} <= set(schemas["FrameMetadata"]["properties"])
    assert "Problem" in schemas


def test_the_page_of_the_api_names_every_route_and_shape_and_loads_nothing() -> None:
    document = json.loads(openapi_json())
    page = docs_page(document)
    for path, operations in document["paths"].items():
        assert f"<code>{path}</code>" in page
        for operation in operations.values():
            assert f'id="{operation["operationId"]}"' in page
    for name in document["components"]["schemas"]:
        assert f'id="schema-{name}"' in page
    links = set(re.findall(r'(?:href|src)="([^"]*)"', page))
    assert {link for link in links if not link.startswith("#")} == {"/openapi.json"}
    assert all(f'id="{link[1:]}"' in page for link in links if link.startswith("#"))
    assert "<script" not in page
    assert "None" not in re.sub(r"<[^>]*>", "", page)


def test_what_a_description_holds_is_text() -> None:
    document = {
        "info": {"title": "<b>", "description": "a < b"},
        "paths": {"/<i>": {"get": {"summary": "<u>", "responses": {}, "parameters": []}}},
    }
    page = docs_page(document)
    assert not [tag for tag in ("<b>", "<i>", "<u>") if tag in page]


def test_the_page_is_served_under_its_address(redis_url: str, tmp_path: Path) -> None:
    with running_gateway(redis_url, tmp_path) as gateway, urllib.request.urlopen(f"{gateway.url}/docs") as answer:
        assert answer.headers["Content-Type"].startswith("text/html")
        assert "style-src 'sha256-" in answer.headers["Content-Security-Policy"]
        assert b"/api/broadcast-detection" in answer.read()
