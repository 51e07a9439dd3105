"""The API's description is complete: the dashboard's types are generated from it."""

from __future__ import annotations

import json

from services.gateway.openapi import openapi_json


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
